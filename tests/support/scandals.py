"""The scandal suite at the level of numbers: data, trainer and gates of an example, without a server."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fairloop.core.checks import Status, Verdict
from fairloop.core.records import to_plain
from fairloop.datasets.roles import settle_roles
from fairloop.evaluation.causes import causes
from fairloop.evaluation.evidence import gather
from fairloop.evaluation.probes import Probes
from fairloop.tables.table import Table

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "scandals"
NAMES = ("toxicity", "face", "recruiter", "translation", "doctor")
ELSEWHERE = {"latency_p99_ms", "cost_usd"}


def example(name: str) -> ModuleType:
    """The module of an example, loaded once."""
    known = f"scandal_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[known] = made
        spec.loader.exec_module(made)
    return sys.modules[known]


def judged(name: str, seed: int, *, clean: bool, **options: Any) -> tuple[list[Verdict], list[str]]:
    """(verdicts of every gate on the validation part, then on the test part; causes named). One model, as in a cycle."""
    module = example(name)
    definition = module.loop("scandal.parquet").definition
    table = settle_roles(Table(module.data(seed, clean)), definition.data)
    train, valid, test = module.split.__fairloop_function__(table)
    model = module.fit.__fairloop_function__(train, **options)
    checks = [check for check in definition.gates if check.metric not in ELSEWHERE]
    probes = Probes(concepts=list(definition.concepts), terms=list(definition.terms))
    first = gather(model, valid, checks, probes=probes)
    second = gather(model, test, checks, explain=False, probes=probes)
    verdicts = [*first.verdicts, *second.verdicts]
    return verdicts, causes(first.verdicts, first.drivers)


def alarms(verdicts: list[Verdict]) -> list[Any]:
    return [to_plain(v) for v in verdicts if v.status is not Status.PASS]
