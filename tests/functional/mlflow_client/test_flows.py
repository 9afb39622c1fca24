"""The unchanged MLflow client, given only a URL, against a started server. Each flow is a plain script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import RunningServer

FLOWS = Path(__file__).with_name("flows")


def run_flow(server: RunningServer, name: str, folder: Path, **environment: str) -> None:
    """Run the script in a folder of its own; its failed assertion is this test's."""
    given = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    given |= {
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "GIT_PYTHON_REFRESH": "quiet",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, str(FLOWS / name)],
        env=given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(folder.iterdir()) == [], "the client wrote to the working folder instead of the server"


@pytest.mark.parametrize("name", ["fluent.py", "sklearn_models.py", "lightgbm_models.py"])
def test_flow(server: RunningServer, name: str, tmp_path: Path) -> None:
    run_flow(server, name, tmp_path)


def test_workspaces(server: RunningServer, tmp_path: Path) -> None:
    server.client().projects.create("second")
    run_flow(server, "workspaces.py", tmp_path)


def test_calls_inside_a_step_land_in_its_run(server: RunningServer, tmp_path: Path) -> None:
    client = server.client()
    run = client.runs.create(experiment="pipelines", name="fit")
    run_flow(server, "resume.py", tmp_path, MLFLOW_RUN_ID=run.id)
    found = client.runs.get(run.id)
    assert found.name == "fit"
    assert [(m.key, m.value) for m in found.metrics] == [("inside", 0.25)]
    assert found.params == {"p": "1"}
