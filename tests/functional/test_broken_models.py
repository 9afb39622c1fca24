"""Models that must never see a request: each ends as a failed deployment with its reason, the old one serves on."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fairloop.core.endpoints import DeploymentState
from fairloop.registry.model import Model
from fairloop.serving import materialise, runtime
from fairloop.serving.smoke import try_model
from support.serving import ROW, Fleet, end_endpoints, fleet, frame, trained


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    trained().save(folder)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, good: Path) -> Iterator[Fleet]:
    data = tmp_path_factory.mktemp("data")
    made = fleet(data)
    try:
        made.serving.deploy(made.project_id, "income", made.register(good))
        yield made
    finally:
        made.close()
        end_endpoints(data)


def nan_model(folder: Path) -> None:
    X = frame()[["age", "hours"]]
    estimator = LogisticRegression().fit(X, np.arange(len(X)) % 2)
    model = Model(estimator)
    model.describe(X)
    estimator.coef_[:] = np.nan
    model.save(folder)


def wrong_signature(folder: Path) -> None:
    file = folder / "fairloop.json"
    content = json.loads(file.read_text())
    content["columns"], content["sample"] = [{"name": "other", "kind": "number"}], [{"other": 1.0}]
    file.write_text(json.dumps(content))


def pickled(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"\x80\x04.")


def no_model_file(folder: Path) -> None:
    (folder / "MLmodel").unlink()


def not_a_model(folder: Path) -> None:
    (folder / "model.lgb").write_text("nonsense")


@pytest.mark.parametrize(("spoil", "told"), [
    (nan_model, "not a finite number"), (wrong_signature, "feature"), (pickled, "pickle"),
    (no_model_file, "MLmodel"), (not_a_model, "LightGBM"),
])  # fmt: skip
def test_a_broken_folder_fails_with_its_reason(world: Fleet, good: Path, tmp_path: Path, spoil: Callable[[Path], None],
                                               told: str) -> None:  # fmt: skip
    folder = tmp_path / "model"
    shutil.copytree(good, folder)
    spoil(folder)
    refused(world, world.register(folder), told)


def refused(world: Fleet, version: str, told: str) -> None:
    serving, before = world.serving, world.serving.stats(endpoint(world).id).sent
    deployment = serving.deploy(world.project_id, "income", version)
    assert deployment.state is DeploymentState.FAILED
    assert told in deployment.reason
    assert deployment.share == 0
    live = [d for d in serving.deployments(world.project_id, endpoint(world).id) if d.share]
    assert [d.share for d in live] == [100]
    answer = httpx.post(f"http://127.0.0.1:{endpoint(world).port}/invocations", json={"instances": [ROW]})
    assert answer.status_code == 200
    assert serving.deployment_of_prediction(world.project_id, answer.json()["prediction_ids"][0]) == live[0]
    assert not (serving.unit(endpoint(world).id).folder.models / deployment.id).exists()
    assert before <= serving.stats(endpoint(world).id).sent


def endpoint(world: Fleet) -> Any:
    return world.serving.endpoint(world.project_id, "income")


def test_missing_and_damaged_files(world: Fleet, good: Path, tmp_path: Path) -> None:
    for harm, told in (("unlink", "missing from the artifact store"), ("flip", "does not match its hash")):
        folder = tmp_path / harm
        shutil.copytree(good, folder)
        (folder / "extra.txt").write_text(harm)
        version = world.register(folder)
        (file,) = [f for f in world.files.list(("version", version)) if f.path == "extra.txt"]
        path = world.files.store.local_path(file.sha256)
        assert path is not None
        path.unlink() if harm == "unlink" else path.write_bytes(b"FLIP")
        refused(world, version, told)


def test_a_hanging_and_a_dying_model(world: Fleet, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(world.serving, "_smoke_s", 0.5)
    folder = tmp_path / "slow"
    shutil.copytree(good, folder)
    (folder / "note.txt").write_text("another version")
    version = world.register(folder)
    refused(world, version, "within 0.5 s")
    dying = "import os; os.kill(os.getpid(), 9)"
    monkeypatch.setattr(materialise, "command", lambda *_: [sys.executable, "-c", dying])
    monkeypatch.setattr(world.serving, "_smoke_s", 30.0)
    refused(world, version, "signal 9")


def test_a_library_that_is_not_installed(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: Path) -> None:
        raise ModuleNotFoundError("No module named 'catboost'")

    monkeypatch.setattr(runtime, "load", load)
    told = try_model(good)
    assert not told["ok"]
    assert "catboost" in told["reason"]


def test_a_good_version_after_all_this_serves(world: Fleet, good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "next"
    trained(seed=3).save(folder)
    deployment = world.serving.deploy(world.project_id, "income", world.register(folder))
    assert deployment.state is DeploymentState.LIVE, deployment.reason
    assert world.serving.roll_back_endpoint(world.project_id, endpoint(world).id).id != deployment.id
