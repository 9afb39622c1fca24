"""What runs inside workers: collect the log and judge its windows, and make training rows of labelled traffic."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairloop.client.client import Client
from fairloop.core import codec
from fairloop.core.checks import Check
from fairloop.core.monitors import Monitor, Watched, Window
from fairloop.datasets.publish import publish
from fairloop.errors import InvalidInput
from fairloop.monitoring.judge import PENDING, judge_window
from fairloop.monitoring.latency import Traffic, difference
from fairloop.monitoring.log import PredictionLog
from fairloop.monitoring.traffic_rows import with_traffic
from fairloop.monitoring.windows import assemble, cut, window_id
from fairloop.pipelines.context import current
from fairloop.tables.table import Table

PATIENCE_S = 7 * 86_400.0
"""How long a window waits for late labels and sensitive values before it is judged without them."""


def watch(monitor_id: str, folder: str) -> dict[str, Any]:
    """Collect the endpoint's spool, judge every full window since the last run, and judge again what has new labels.

    Running it twice, or again after it died half-way, gives the same windows: places in the log decide, and the
    server keeps a window by its id.
    """
    client = current().client
    watching = client.monitors.watching(monitor_id)
    client.endpoints.seal(watching.endpoint)
    log = PredictionLog(Path(folder))
    gained = log.collect()
    news = gained["labels"] + gained["sensitive"] > 0
    fresh = again = 0
    for watched in watching.deployments:
        turn = Turn(client, watching.monitor, watched, log, Counters.read(Path(folder), watched.deployment_id))
        fresh += turn.judge_new()
        again += turn.judge_open(news=news)
    print(f"collected {gained['predictions']} predictions, {gained['labels']} labels, {gained['sensitive']} sensitive "  # noqa: T201
          f"values; judged {fresh} new windows and {again} again")  # fmt: skip
    return {"collected": gained, "windows": fresh, "judged_again": again}


@dataclass(frozen=True, slots=True)
class Counters:
    """What the endpoint process has counted for one deployment since ever."""

    slow: list[int]
    errors: int
    memory_bytes: int | None

    @classmethod
    def read(cls, folder: Path, deployment_id: str) -> Counters:
        try:
            found = codec.loads((folder / "stats.json").read_bytes())["deployments"].get(deployment_id, {})
        except (OSError, InvalidInput, KeyError):
            found = {}
        return cls(
            slow=list(found.get("latency", [])), errors=int(found.get("errors", 0)), memory_bytes=_memory(folder)
        )

    def since(self, before: dict[str, Any]) -> Traffic:
        errors = difference([self.errors], [int(before.get("errors", 0))])[0]
        return Traffic(slow=difference(self.slow, list(before.get("slow", []))), errors=errors,
                       memory_bytes=self.memory_bytes)  # fmt: skip

    def plain(self) -> dict[str, Any]:
        return {"slow": self.slow, "errors": self.errors}


def _memory(folder: Path) -> int | None:
    """Resident memory of the endpoint process, where this machine can tell."""
    try:
        pid = int(codec.loads((folder / "state.json").read_bytes())["pid"])
        status = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace")
    except (OSError, InvalidInput, KeyError):
        return None
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) * 1024 if "VmRSS" in lines else None


@dataclass(frozen=True, slots=True)
class Turn:
    """One deployment in one watch run."""

    client: Client
    monitor: Monitor
    watched: Watched
    log: PredictionLog
    counters: Counters

    def judge_new(self) -> int:
        """Every full window behind the last one; how many there were."""
        places = self.log.places(self.watched.deployment_id, self.watched.after_seq)
        windows = cut(places, self.monitor.window)
        for number, (first, last) in enumerate(windows):
            self._record(self._judge(first, last, self.watched.index + number))
        return len(windows)

    def judge_open(self, *, news: bool) -> int:
        """Windows that waited for labels or sensitive values, if any came or the wait is over."""
        judged = 0
        for window in self.watched.open:
            if news or self._closed(window.end_ms):
                self._record(self._judge_again(window))
                judged += 1
        return judged

    @staticmethod
    def _closed(end_ms: int) -> bool:
        return time.time() * 1000 - end_ms > PATIENCE_S * 1000

    def _record(self, window: Window) -> None:
        self.client.monitors.record(self.monitor.id, [window])

    def _judge(self, first: int, last: int, index: int) -> Window:
        found = self.log.predictions(self.watched.deployment_id, first, last)
        place = {
            "index": index,
            "from_seq": first,
            "to_seq": last,
            "ids_from": found["id"][0],
            "ids_to": found["id"][-1],
            "counters": self.counters.plain(),
        }
        empty = Window(id=window_id(self.monitor.id, self.watched.deployment_id, first), project_id="",
                       monitor_id=self.monitor.id, deployment_id=self.watched.deployment_id,
                       start_ms=int(found["at_ms"].min()), end_ms=int(found["at_ms"].max()), n=found.height,  # type: ignore[arg-type]
                       labelled=0, verdicts=[], detail=place)  # fmt: skip
        return self._judged(empty, self.monitor.checks)

    def _judge_again(self, window: Window) -> Window:
        """Only the checks that waited: what was judged at once stays as it was seen then."""
        waiting = [v.check for v in window.verdicts if v.check.name in window.detail[PENDING]]
        return self._judged(window, waiting)

    def _judged(self, window: Window, checks: list[Check]) -> Window:
        found = self.log.predictions(window.deployment_id, window.detail["from_seq"], window.detail["to_seq"])
        ids = found["id"].to_list()
        rows = assemble(found, self.log.labels(ids), self.log.sensitive(ids), task=self.watched.task,
                        positive=self.watched.positive)  # fmt: skip
        traffic = self.counters.since(self.watched.counters)
        verdicts, detail = judge_window(rows, checks, self.watched, traffic, closed=self._closed(window.end_ms))
        newer = {v.check.name: v for v in verdicts}
        kept = [newer.pop(v.check.name, v) for v in window.verdicts]
        groups = {**window.detail.get("groups", {}), **detail.get("groups", {})}
        return replace(window, labelled=rows.labelled, verdicts=[*kept, *newer.values()],
                       detail={**window.detail, **detail, "groups": groups})  # fmt: skip


def prediction_inputs(folder: str, endpoint: str, prediction_id: str) -> dict[str, Any]:
    """What one prediction was made from. Sensitive values stay in their own log, which fewer people may read than this
    step's output."""
    current().client.endpoints.seal(endpoint)
    log = PredictionLog(Path(folder))
    log.collect()
    found = log.predictions_of([prediction_id])
    if found.is_empty():
        raise InvalidInput(
            "This prediction is not in the endpoint's log any more, or was never logged; give its values."
        )
    return {"values": codec.loads(found["features"][0])}


def extend_dataset(endpoint_id: str, folder: str, dataset_version_id: str, train: Table) -> dict[str, Any]:
    """A new dataset version: the rows the live model learned from, and the traffic labelled since.

    Traffic that went into the parent version already is not added again: a version's origin says how far it read.
    """
    client = current().client
    log = PredictionLog(Path(folder))
    log.collect()
    parent = client.datasets.get(dataset_version_id)
    read = parent.origin if parent.origin.get("endpoint_id") == endpoint_id else {}
    labels = log.labels(after_seq=int(read.get("labels_to_seq", -1)))
    if labels.is_empty():
        words = "No labelled traffic came since: the cycle learns from the same dataset version."
        return {"dataset_version_id": parent.id, "added": 0, "rows": parent.rows, "words": words}
    ids = labels["id"].to_list()
    known = log.predictions_of(ids)
    first_id = max(int(train.row_ids.max()) + 1, int(parent.origin.get("next_row", parent.rows)))
    table = with_traffic(train, known, labels, log.sensitive(ids), first_id=first_id)
    added = len(table) - len(train)
    origin = {"kind": "traffic", "endpoint_id": endpoint_id, "labels_to_seq": int(labels["seq"].max()),  # type: ignore[arg-type]
              "added": added, "next_row": first_id + added}  # fmt: skip
    version = publish(client, parent.dataset, table, parents=[parent.id], origin=origin, licence=parent.licence)
    words = (f"{added:,} labelled predictions joined the {len(train):,} rows the live model learned from: "
             f"{parent.dataset} version {version.version}.")  # fmt: skip
    print(words)  # noqa: T201  # the step's log
    return {"dataset_version_id": version.id, "added": added, "rows": len(table), "words": words}
