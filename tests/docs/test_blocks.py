"""Every command and code block of README and docs runs, page by page, in a fresh folder with a real server.

A block marked ``<!-- runs elsewhere: where -->`` on the line before it is run by that test instead; the test checks that
the named file exists, so the mark cannot rot.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.docs.pages import PREPARE

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<kind>bash|python|toml|yaml|console)\n(?P<body>.*?)```", re.DOTALL
)
LIMIT_S = 150


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(mark, kind, body) of each block of ``page``."""
    return [(m["mark"] or "", m["kind"], m["body"]) for m in BLOCK.finditer(page.read_text("utf-8"))]


def runnable(page: Path) -> list[tuple[str, str]]:
    found = []
    for mark, kind, body in blocks(page):
        if mark.startswith("runs elsewhere: "):
            assert (ROOT / mark.removeprefix("runs elsewhere: ").split()[0]).exists(), f"{page.name}: {mark}"
        elif kind in {"bash", "python"}:
            found.append((kind, body))
    return found


@pytest.mark.parametrize("page", [p for p in PAGES if runnable(p)], ids=lambda p: str(p.relative_to(ROOT)))
@pytest.mark.timeout(LIMIT_S * 2)
def test_every_block_runs(page: Path, tmp_path: Path) -> None:
    name = str(page.relative_to(ROOT))
    if prepare := PREPARE.get(name):
        prepare(tmp_path)
    bin_folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONWARNINGS": "default",
                   "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"}  # fmt: skip
    environment.pop("FAIRLOOP_URL", None)
    try:
        for number, (kind, body) in enumerate(runnable(page)):
            command = ["bash", "-euo", "pipefail", "-c", body]
            if kind == "python":
                script = tmp_path / f"block_{number}.py"
                script.write_text(body, "utf-8")
                command = [sys.executable, str(script)]
            done = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT_S
            )
            assert done.returncode == 0, (
                f"{name}, block {number}:\n{body}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
    finally:
        end_servers(tmp_path)


def end_servers(folder: Path) -> None:
    """End the server, its workers and the endpoints that the page started in ``folder``."""
    ended = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        place, words = process.info["cwd"] or "", process.info["cmdline"] or []
        if process.pid != os.getpid() and (Path(place).is_relative_to(folder) or any(str(folder) in w for w in words)):
            ended.append(process)
            with suppress(psutil.NoSuchProcess):
                process.terminate()
    end = time.monotonic() + 10
    while any(lives(process) for process in ended) and time.monotonic() < end:
        time.sleep(0.05)
    for process in filter(lives, ended):
        process.kill()


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
