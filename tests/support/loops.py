"""A small loop that turns in seconds: a generated table whose group B is selected less often, and a trainer of one line.

``place`` betrays the group, so a model trained without the group still selects B less often; weights repair it.
Steps write marker files where the environment of the server names a folder: what ran, and how often, is counted there.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.cycles import Cycle, Stage
from fairloop.core.datasets import Roles
from fairloop.datasets.publish import publish
from fairloop.tables.table import Table

DATASET = "people"
LIMIT = 0.2
"""The largest gap the policies of these tests allow; the plain model's is about twice as large."""


def people(rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """Rows with skill, place, group and label; half are of group B, who got the good label less often."""
    draw = np.random.default_rng(seed)
    b = draw.random(rows) < 0.5
    skill, luck = draw.normal(size=rows), draw.normal(size=rows)
    good = draw.random(rows) < 1 / (1 + np.exp(-(1.6 * skill + np.where(b, -1.3, 1.3))))
    return pl.DataFrame({"skill": skill, "place": b + draw.normal(0, 0.25, rows), "luck": luck,
                         "group": np.where(b, "B", "A"), "label": np.where(good, "good", "bad")})  # fmt: skip


def publish_people(client: Client, rows: int = 3000) -> str:
    """The table as a dataset; the id of its version."""
    roles = Roles(target="label", positive="good", sensitive=["group"])
    return str(publish(client, DATASET, Table(people(rows), roles)).id)


@fl.step
def split(rows: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return rows.split(0.4, 0.2, 0.4)


@fl.step
def fit(train: fl.Table) -> fl.Model:
    from sklearn.linear_model import LogisticRegression

    return fl.Model(LogisticRegression().fit(train.X, train.y, sample_weight=train.weight))


@fl.step
def fit_tuned(train: fl.Table, shrink: float = 1.0) -> fl.Model:
    from sklearn.linear_model import LogisticRegression

    if shrink > 90:
        raise ValueError("shrink is too large")
    return fl.Model(LogisticRegression(C=shrink).fit(train.X, train.y, sample_weight=train.weight))


@fl.step
def fit_deaf(train: fl.Table) -> fl.Model:
    """A trainer that does not listen to weights."""
    from sklearn.linear_model import LogisticRegression

    return fl.Model(LogisticRegression().fit(train.X, train.y))


@fl.step(cache=False)
def prepare(rows: fl.Table, marks: str) -> fl.Table:
    """Says where ``marks`` is that it ran."""
    _mark(marks, "prepare")
    return rows


@fl.step(cache=False)
def fit_slowly(train: fl.Table, marks: str, sleep_s: float) -> fl.Model:
    """Training that takes a while, with a mark before and a mark after."""
    import time

    from sklearn.linear_model import LogisticRegression

    _mark(marks, "fit begun")
    time.sleep(sleep_s)
    made = fl.Model(LogisticRegression(C=0.5).fit(train.X, train.y, sample_weight=train.weight))
    _mark(marks, "fit done")
    return made


def _mark(folder: str, what: str) -> None:
    import os
    from pathlib import Path

    with Path(folder, what).open("a") as file:
        file.write(f"{os.getpid()} {os.getppid()}\n")


@fl.pipeline
def learn(rows: fl.Table):
    train, valid, test = split(rows)
    return fl.candidate(fit(train), valid, test)


@fl.pipeline
def learn_tuned(rows: fl.Table, strength: float = 1.0, unused: int = 1):
    train, valid, test = split(rows)
    return fl.candidate(fit_tuned(train, shrink=strength), valid, test)


@fl.pipeline
def learn_deaf(rows: fl.Table):
    train, valid, test = split(rows)
    return fl.candidate(fit_deaf(train), valid, test)


def slow_pipeline(marks: Path, sleep_s: float) -> Any:
    """The pipeline with marks in a folder, its trainer taking ``sleep_s``."""
    folder = str(marks)

    @fl.pipeline
    def learn_slowly(rows: fl.Table):
        train, valid, test = split(prepare(rows, folder))
        return fl.candidate(fit_slowly(train, folder, sleep_s), valid, test)

    return learn_slowly


def marked(folder: Path, what: str) -> list[tuple[int, int]]:
    """Process and parent of every time a step said ``what``."""
    with contextlib.suppress(FileNotFoundError):
        return [(int(a), int(b)) for a, b in (line.split() for line in (folder / what).read_text().splitlines())]
    return []


GAP = fl.gate("demographic_parity_difference", at_most=LIMIT, by="group")
QUALITY = fl.gate("roc_auc", at_least=0.6)


def loop(name: str, pipeline: Any = learn, **options: Any) -> fl.Loop:
    """A loop over the people with a policy of quality only, unless ``options`` say more."""
    known: dict[str, Any] = {
        "gates": [QUALITY], "mitigate": ["reweighing"], "watch_every": "1h", "window": 400,
        "watch": [fl.Bias("demographic_parity_difference", at_most=LIMIT, by="group")],
        "rollout": fl.Canary(steps=[50, 100], min_requests=40),
    }  # fmt: skip
    data = fl.Data(DATASET, target="label", positive="good", sensitive=["group"])
    return fl.Loop(name, data=data, pipeline=pipeline, **{**known, **options})


def turn(
    client: Client, made: fl.Loop, version: str, *, until: tuple[Stage, ...] = (), timeout_s: float = 120
) -> Cycle:
    """Register, start, and wait until the cycle is over or stands at ``until``."""
    made.register(client)
    return wait(client, client.loops.start(made.name, version), until=until, timeout_s=timeout_s)


def wait(client: Client, cycle: Cycle, *, until: tuple[Stage, ...] = (), timeout_s: float = 120) -> Cycle:
    found = client.cycles.follow(cycle.id, lambda _: None, until=until, timeout_s=timeout_s)
    told = [f"{e.kind}: {e.text}" for e in client.cycles.events(cycle.id)]
    assert found.stage in until or found.stage.final, told
    return found


def settle(true: Callable[[], Any], within_s: float = 120) -> Any:
    """What ``true`` answers as soon as it is not empty."""
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def shares(client: Client, name: str) -> dict[str, int]:
    """Model version id to its share of the traffic."""
    return {d.model_version_id: d.share for d in client.endpoints.deployments(name) if d.share}


def send(client: Client, name: str, rows: int, *, seed: int = 1, labels: bool = False) -> list[str]:
    """Traffic straight to the endpoint, the group beside the features, labels by id when asked for."""
    table = people(rows, seed)
    url, ids = client.endpoints.describe(name)["url"], []
    with httpx.Client(timeout=30, trust_env=False) as http:
        for part in table.iter_slices(50):
            records = part.select("skill", "place", "luck").to_dicts()
            body = {"dataframe_records": records, "params": {"sensitive": {"group": part["group"].to_list()}}}
            ids += http.post(f"{url}/invocations", json=body).raise_for_status().json()["prediction_ids"]
    if labels:
        told = [{"prediction_id": i, "label": y} for i, y in zip(ids, table["label"], strict=True)]
        client.predictions.feedback(name, told)
    return ids


class Asking:
    """Asks an endpoint without pause from its own thread; keeps every fault, and how many answers came."""

    def __init__(self, url: str) -> None:
        self.answers = 0
        self.faults: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        body = {
            "dataframe_records": [{"skill": 0.1, "place": 0.5, "luck": 0.0}],
            "params": {"sensitive": {"group": ["A"]}},
        }
        with httpx.Client(timeout=30, trust_env=False) as http:
            while not self._stop.is_set():
                try:
                    http.post(f"{self._url}/invocations", json=body).raise_for_status()
                    self.answers += 1
                except httpx.HTTPError as cause:
                    self.faults.append(repr(cause))
                time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)


@contextlib.contextmanager
def asking(client: Client, name: str) -> Iterator[Asking]:
    found = Asking(client.endpoints.describe(name)["url"])
    try:
        yield found
    finally:
        found.stop()
