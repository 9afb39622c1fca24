"""Small real models, registered without a client, and endpoint processes that never outlive their test."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.signals import Signals
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.registry.model import Model
from fairloop.registry.service import Registry
from fairloop.serving.service import Serving
from fairloop.settings import Settings
from fairloop.storage.engine import Database, open_database
from fairloop.storage.migrate import migrate

ROW = {"age": 41.0, "hours": 40.0, "work": "private"}
WORKS = ["private", "public", "self"]


def frame(n: int = 400, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"age": draw.uniform(18, 80, n), "hours": draw.uniform(10, 60, n),
                         "work": pd.Categorical(draw.choice(WORKS, n), categories=WORKS)})  # fmt: skip


def trained(seed: int = 0, trees: int = 5) -> Model:
    """A LightGBM model on three columns: numbers, and one category."""
    X = frame(seed=seed)
    y = (X["age"] + X["hours"] + np.random.default_rng(seed).normal(0, 5, len(X)) > 80).astype(int)
    model = Model(lightgbm.LGBMClassifier(n_estimators=trees, min_child_samples=5, verbose=-1).fit(X, y))
    model.describe(X)
    return model


@dataclass
class Fleet:
    """Serving with what it needs, over a folder, without a web server."""

    database: Database
    files: Files
    registry: Registry
    project_id: str
    serving: Serving
    data: Path

    def register(self, folder: Path, name: str = "income") -> str:
        """The folder's files as the model's next version; returns its id."""
        files = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            files[str(path.relative_to(folder))] = self.files.put_blob(self.project_id, [path.read_bytes()])
        return self.registry.create_version(self.project_id, name, files=files).id

    def close(self) -> None:
        self.serving.close()
        self.database.close()


def fleet(data: Path, clock: Clock | None = None, **options: Any) -> Fleet:
    clock = clock or Clock()
    data.mkdir(parents=True, exist_ok=True)
    database = open_database(Settings(data=data).database_url)
    migrate(database)
    files = Files(database, LocalStore(data / "artifacts"), clock)
    serving = Serving(
        database, clock, files, Signals(), folder=data / "endpoints", **{"hashes": lambda _: None, **options}
    )
    project = Projects(database, clock).ensure_default()
    return Fleet(database, files, Registry(database, clock, files), project.id, serving, data)


def seed(data: Path, folders: list[Path], name: str = "income") -> list[str]:
    """Register model folders in a new data folder, before a server opens it."""
    made = fleet(data)
    try:
        return [made.register(folder, name) for folder in folders]
    finally:
        made.close()


def end_endpoints(data: Path) -> None:
    """Kill every endpoint process of this data folder; they outlive servers by design."""
    for file in data.glob("endpoints/*/state.json"):
        state = json.loads(file.read_text())
        try:
            line = Path(f"/proc/{state['pid']}/cmdline").read_bytes()
        except OSError:
            continue
        if b"fairloop.serving.endpoint" in line and str(file.parent).encode() in line:
            os.kill(state["pid"], signal.SIGKILL)
