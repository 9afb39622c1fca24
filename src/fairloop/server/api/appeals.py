"""Appeals over REST: handed in for somebody, read and decided. People without an account use the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar.params import QueryParameter

from fairloop.core.appeals import Appeal, AppealDesk, AppealSummary, Judged, Judging, Receipt
from fairloop.core.monitors import Alert
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAppeal:
    endpoint: str
    prediction_id: str
    reason: str
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealDecision:
    uphold: bool
    reason: str
    """Who appealed reads it."""
    label: Any = None
    """What the answer should have been; for a yes-or-no model the opposite of its answer by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSwitch:
    takes: bool
    endpoint: str = ""
    """Empty switches the whole project."""


def list_appeals(
    services: Services,
    project: Project,
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Appeal]:
    """Appeals, newest first."""
    return services.appeals.page(project.id, in_state, limit=limit, cursor=cursor)


def file_appeal(services: Services, project: Project, identity: Identity, data: NewAppeal) -> Receipt:
    """Hand in an appeal that reached you another way; the receipt's code is for who appealed."""
    return services.appeals.file_for(project.id, data.endpoint, identity, data.prediction_id, data.reason,
                                     contact=data.contact)  # fmt: skip


def get_appeal(services: Services, project: Project, appeal_id: str) -> Appeal:
    """One appeal."""
    return services.appeals.get(project.id, appeal_id)


def decide_appeal(services: Services, project: Project, identity: Identity, appeal_id: str, data: AppealDecision) -> Appeal:  # fmt: skip
    """Uphold or reject every open appeal against one prediction, with a reason."""
    return services.appeals.decide(project.id, appeal_id, identity, uphold=data.uphold, reason=data.reason,
                                   label=data.label)  # fmt: skip


def list_desks(services: Services, project: Project) -> Page[AppealDesk]:
    """Where predictions can be contested, endpoint by endpoint."""
    return Page(items=services.appeals.desks(project.id))


def switch_desk(services: Services, project: Project, identity: Identity, data: DeskSwitch) -> Page[AppealDesk]:
    """Take appeals, or stop, for the project or one endpoint."""
    return Page(items=services.appeals.switch(project.id, identity, takes=data.takes, endpoint_name=data.endpoint))


def summary(services: Services, project: Project, version_id: str) -> AppealSummary:
    """The appeals against a model version, counted by prediction."""
    return services.appeals.summary(services.registry.version_by_id(project.id, version_id).id)


def judging(services: Services, project: Project, name: str) -> Judging:
    """What a comparison of upheld appeals by group needs to know."""
    return services.appeal_alerts.judging(project.id, name)


def record_judged(services: Services, project: Project, name: str, data: Judged) -> Page[Alert]:
    """Keep what a comparison found."""
    return Page(items=services.appeal_alerts.record(project.id, name, data))
