"""What is loaded, and what is not: a server idles small, an import is quick."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.conftest import RunningServer, running

HEAVY = ("numpy", "scipy", "pandas", "polars", "pyarrow", "deltalake", "sklearn", "lightgbm", "skops", "fairlearn",
         "mlflow", "alembic", "matplotlib")  # fmt: skip
IDLE_BYTES = 200 * 2**20


def family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def mapped(pid: int) -> set[str]:
    """Heavy libraries with a file in the process's memory; their compiled parts lie in folders of their names."""
    files = {line.split(maxsplit=5)[-1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()}
    return {name for name in HEAVY for file in files if f"/site-packages/{name}" in file}


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")
def test_a_started_server_idles_small(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        with_work(server)
        found = family(server.process.pid)
        assert {name for process in found for name in mapped(process.pid)} == set()
        pss = sum(process.memory_full_info().pss for process in found)
        assert pss < IDLE_BYTES, f"{pss / 2**20:.0f} MiB in {len(found)} processes"


def with_work(server: RunningServer) -> None:
    """Use every surface once, so that what loads on first use is loaded; then let the background work come round."""
    client = server.client()
    for path in ("/", "/projects/default", "/projects/default/runs", "/projects/default/alerts", "/people",
                 "/api/v1/openapi.json", "/api/v1/projects/default/runs", "/api/v1/projects/default/endpoints"):  # fmt: skip
        client.http.request("GET", path)
    client.http.json("POST", "/api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
    time.sleep(1.0)


def loaded_by(code: str) -> set[str]:
    """The modules a fresh interpreter has after ``code``."""
    script = f"{code}\nimport sys\nprint('\\n' + ' '.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


def test_the_server_imports_nothing_heavy() -> None:
    loaded = loaded_by("import fairloop.server.main, fairloop.server.app, fairloop.server.services")
    assert loaded & {*HEAVY, "cloudpickle", "fairloop.sdk.step"} == set()


def test_importing_fairloop_loads_no_library() -> None:
    loaded = loaded_by("import fairloop")
    assert loaded & {*HEAVY, "sqlalchemy", "litestar", "httpx", "msgspec", "typer", "asyncio"} == set()
    assert {name for name in loaded if name.startswith("fairloop")} == {"fairloop"}


def test_a_loop_can_be_written_down_without_a_server_or_a_library() -> None:
    loaded = loaded_by("import fairloop as fl; fl.gate, fl.Data, fl.Approval, fl.Canary, fl.Drift, fl.Bias")
    assert loaded & {*HEAVY, "sqlalchemy", "litestar", "httpx"} == set()


def test_the_version_is_told_without_a_client() -> None:
    code = "import fairloop.cli.main as m\ntry:\n    m.main(['--version'])\nexcept SystemExit as done:\n    assert done.code == 0"
    assert loaded_by(code) & {*HEAVY, "httpx", "typer", "sqlalchemy", "litestar"} == set()
