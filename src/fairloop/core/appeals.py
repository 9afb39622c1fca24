"""Appeals: a person who was judged says that the answer about them is wrong, and somebody decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairloop.core.checks import Verdict

STATES = ("open", "upheld", "rejected")
METRIC = "appeal_rate_ratio"
AT_MOST = 1.25
"""An alert says that a group's appeals are upheld more than a quarter more often than everybody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """One appeal against one prediction. ``state`` is open, upheld or rejected.

    Several people may contest the same prediction id, or one person twice; one decision answers them all, and counts
    once.
    """

    id: str
    project_id: str
    endpoint_id: str
    deployment_id: str
    model_version_id: str
    prediction_id: str
    reason: str
    contact: str = ""
    filer: str = ""
    """A keyed hash of where it came from: equal for appeals from one address, and no address."""
    state: str = "open"
    answered: bool | None = None
    """What the model answered, where the answer was yes or no."""
    label: Any = None
    """What the answer should have been, when upheld."""
    decided_by: str = ""
    verified: bool = False
    decision_reason: str = ""
    filed_ms: int = 0
    decided_ms: int | None = None
    labelled_ms: int | None = None
    """When the label of an upheld one reached the prediction log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What who appeals gets: the code is shown this once, and opens the answer later."""

    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealAnswer:
    """How an appeal stands, for who holds its receipt."""

    state: str
    words: str
    decided_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealDesk:
    """Whether appeals are taken for an endpoint, and where."""

    endpoint: str
    endpoint_id: str
    open: bool
    project_open: bool
    address: str
    """The page's path on this server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpheldAppeal:
    """What comparing groups needs of an upheld appeal: the prediction, and who counts as one person."""

    prediction_id: str
    deployment_id: str
    person: str = ""
    """A keyed hash of the contact given; empty when there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """All that one comparison by group needs to know, and what it was asked at."""

    endpoint: str
    deployments: list[str]
    """Those that serve now."""
    upheld: list[UpheldAppeal]
    asked: int
    """The moment of the newest decision in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a comparison by group found."""

    asked: int
    verdicts: dict[str, list[Verdict]]
    """Deployment id to one verdict per sensitive attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealSummary:
    """The appeals against one model version: counts of distinct predictions, and each decided one."""

    model_version_id: str
    predictions: int
    """Distinct predictions that were contested."""
    open: int
    upheld: int
    rejected: int
    words: str
    decided: list[dict[str, Any]]
    """Newest first: prediction_id, state, label, decided_by, verified, decision_reason, decided_at, filed_at."""
