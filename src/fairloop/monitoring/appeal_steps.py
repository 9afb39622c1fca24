"""What runs inside a worker: compare the upheld appeals of an endpoint by group."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from fairloop.core.appeals import Judged, UpheldAppeal
from fairloop.core.checks import Verdict
from fairloop.monitoring.appeal_judge import compare
from fairloop.monitoring.log import PredictionLog
from fairloop.pipelines.context import current


def judge_appeals(endpoint: str, folder: str) -> dict[str, Any]:
    """Join the upheld appeals with the sensitive values known by now, and send one verdict per attribute.

    People are told apart by what the model saw of them: the same inputs asked twice are one person, and so are all
    appeals with one contact. What is counted are people, never appeals.
    """
    client = current().client
    asked = client.appeals.judging(endpoint)
    client.endpoints.seal(endpoint)
    log = PredictionLog(Path(folder))
    log.collect()
    verdicts = {d: judged(log.people(d), [u for u in asked.upheld if u.deployment_id == d]) for d in asked.deployments}
    client.appeals.record(endpoint, Judged(asked=asked.asked, verdicts=verdicts))
    print(f"compared {len(asked.upheld)} upheld appeals by group")  # noqa: T201  # the step's log
    return {"upheld": len(asked.upheld), "verdicts": sum(map(len, verdicts.values()))}


def judged(people: pl.DataFrame, upheld: list[UpheldAppeal]) -> list[Verdict]:
    """One verdict per attribute of ``people`` (id, person, attribute, value)."""
    contacts = {appeal.prediction_id: appeal.person for appeal in upheld}
    parts = {str(attribute): part for (attribute,), part in people.group_by("attribute", maintain_order=True)}
    sizes = {a: dict(p.group_by("value").agg(pl.col("person").n_unique()).iter_rows()) for a, p in parts.items()}
    comparisons = sum(len(found) for found in sizes.values())
    verdicts = []
    for attribute, part in sorted(parts.items()):
        mine = part.filter(pl.col("id").is_in(list(contacts)))
        seen: dict[tuple[str, str], None] = {}
        for id_, person, value in mine.select("id", "person", "value").iter_rows():
            seen[str(value), contacts[id_] or str(person)] = None
        counts = Counter(value for value, _ in seen)
        verdicts.append(compare(attribute, sizes[attribute], counts, comparisons=comparisons))
    return verdicts
