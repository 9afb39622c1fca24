"""The Loop's definition: what the user wrote in loop.py, as data every part of Fairloop reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairloop.core.checks import GROUP_METRICS, PROBED, Check
from fairloop.core.concepts import Concept, Terms, check_probes
from fairloop.core.mitigations import MITIGATIONS
from fairloop.core.names import check_name
from fairloop.core.policy import Approval, Facts, Policy
from fairloop.core.tuning import SearchPlan
from fairloop.core.units import parse_seconds
from fairloop.errors import InvalidInput

ON_ALERT = ("notify", "propose", "auto")
SHORTEST_WATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class Data:
    """The dataset a loop learns from: its name (or a file), target, positive answer and sensitive attributes."""

    name: str
    target: str = ""
    positive: str | float | bool | None = None
    sensitive: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("target", self.target)):
            if not isinstance(value, str):
                raise InvalidInput(f"Data({what}={value!r}): give text.")
        if not isinstance(self.sensitive, list) or not all(isinstance(name, str) for name in self.sensitive):
            raise InvalidInput(f"Data(sensitive={self.sensitive!r}): give a list of columns, for example ['sex'].")


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How traffic moves to a new version: percent per step, each held for ``min_requests`` answers to the candidate
    and judged overall and by group."""

    steps: list[int] = field(default_factory=lambda: [10, 50, 100])
    judge_by: list[str] = field(default_factory=list)
    min_requests: int = 200
    max_wait: str = "1d"

    def __post_init__(self) -> None:
        if not self.steps or self.steps[-1] != 100 or any(not 0 < s <= 100 for s in self.steps):
            raise InvalidInput(f"Canary steps {self.steps} must rise to 100 percent, for example [10, 50, 100].")
        if self.steps != sorted(set(self.steps)):
            raise InvalidInput(f"Canary steps {self.steps} must rise without repeats, for example [10, 50, 100].")
        parse_seconds(self.max_wait)


def gate(metric: str, *, at_least: float | None = None, at_most: float | None = None, by: str | None = None,
         because: str | None = None) -> Check:  # fmt: skip
    """A Check every candidate must pass before a person is asked."""
    return Check(metric=metric, at_least=at_least, at_most=at_most, by=by, because=because)


def Drift() -> Check:  # reads as a noun in loop.py
    """Watch every input column for change against the training rows, threshold calibrated to the window's size."""
    return Check(metric="drift")


def Bias(metric: str, *, at_most: float | None = None, at_least: float | None = None, by: str) -> Check:
    """Watch a fairness gap of the live predictions; a ratio is held ``at_least``, a difference ``at_most``.

    ``by="sex&race"`` compares the groups that both attributes make together.
    """
    return Check(metric=metric, at_most=at_most, at_least=at_least, by=by)


def Performance(metric: str, *, drop: float) -> Check:
    """Watch quality on labelled traffic against the value at judging time."""
    return Check(metric=metric, drop=drop)


def Resources(*, latency_p99_ms: float) -> Check:
    """Watch how fast the endpoint answers."""
    return Check(metric="latency_p99_ms", at_most=latency_p99_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopDefinition:
    """Everything that one turn of the loop needs, without the user's code (that is the pipeline's graph)."""

    name: str
    data: Data
    goal: str = ""
    gates: list[Check] = field(default_factory=list)
    mitigate: list[str] = field(default_factory=list)
    approval: Approval | None = None
    rollout: Canary = field(default_factory=Canary)
    watch: list[Check] = field(default_factory=list)
    watch_every: str = "5m"
    window: int = 1000
    on_alert: str = "propose"
    primary: str | None = None
    policy: Policy | None = None
    """The loop's own; it adds to the project's and never takes away."""
    search: SearchPlan | None = None
    """Hyperparameters and a budget to search over together with the mitigations' strengths."""
    allow_attribute_at_prediction: bool = False
    """Whether a model may be told the sensitive attribute of the person it judges."""

    concepts: list[Concept] = field(default_factory=list)
    """What a network's answers are tested for, with examples."""
    terms: list[Terms] = field(default_factory=list)
    """Words for groups that are swapped in texts."""

    def __post_init__(self) -> None:
        check_name(self.name, "loop")
        check_probes([*self.gates, *self.watch], self.concepts, self.terms)
        if tried := [check for check in self.watch if check.metric in PROBED]:
            raise InvalidInput(f"{tried[0].metric} tries the model itself, which does not change while it serves; make "
                               "it a gate.")  # fmt: skip
        if self.on_alert not in ON_ALERT:
            raise InvalidInput(f"on_alert={self.on_alert!r}; choose one of {', '.join(ON_ALERT)}.")
        self._check_mitigations()
        for check in [*self.gates, *self.watch]:
            if check.metric not in PROBED and (
                unknown := [name for name in check.attributes if name not in self.data.sensitive]
            ):
                raise InvalidInput(
                    f"The check on {check.metric} compares groups by {unknown[0]!r}, which is not among the sensitive "
                    f"attributes {self.data.sensitive}; add it to Data(sensitive=[...])."
                )
        for attribute in self.rollout.judge_by:
            if attribute not in self.data.sensitive:
                raise InvalidInput(
                    f"The canary is judged by {attribute!r}, which is not among the sensitive attributes "
                    f"{self.data.sensitive}; add it to Data(sensitive=[...])."
                )
        if self.window < 50:
            raise InvalidInput(f"window={self.window} is too small to judge; use 50 rows or more.")
        if parse_seconds(self.watch_every) < SHORTEST_WATCH_S:
            raise InvalidInput(f"watch_every={self.watch_every!r} is too often; use '{SHORTEST_WATCH_S:g}s' or more.")
        watched = [check.name for check in self.watch]
        if twice := {name for name in watched if watched.count(name) > 1}:
            raise InvalidInput(f"The check {min(twice)!r} stands twice in watch=[...]; keep one of them.")

    def _check_mitigations(self) -> None:
        for name in self.mitigate:
            if name not in MITIGATIONS:
                raise InvalidInput(f"Unknown mitigation {name!r}; choose from {', '.join(MITIGATIONS)}.")
        if self.mitigate and not self.data.sensitive:
            raise InvalidInput("Mitigation needs a sensitive attribute; name one in Data(sensitive=[...]).")


def definition_facts(definition: LoopDefinition, author: str = "") -> Facts:
    """What a loop's definition says of itself; also what ``fairloop policy check loop.py`` judges."""
    fair = [gate.metric for gate in definition.gates if gate.metric in GROUP_METRICS]
    return Facts(stage="definition", on_alert=definition.on_alert, approval=definition.approval,
                 gates=list(definition.gates), primary=definition.primary or next(iter(fair), ""),
                 uses_attribute=definition.allow_attribute_at_prediction, authors=[author] if author else [])  # fmt: skip
