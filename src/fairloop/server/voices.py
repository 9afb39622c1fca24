"""People's part of the composition root: discussion, invitations and appeals, joined with what they speak about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fairloop.access.audit import Audit
from fairloop.access.invitations import Invitations
from fairloop.access.people import People
from fairloop.core.appeals import Appeal
from fairloop.core.clock import Clock
from fairloop.core.discussion import Comment
from fairloop.core.endpoints import Deployment
from fairloop.core.signals import Signals
from fairloop.monitoring.appeal_alerts import AppealAlerts
from fairloop.monitoring.appeals import Appeals
from fairloop.monitoring.service import Monitoring
from fairloop.notices.outbox import Notices
from fairloop.pipelines.service import Pipelines
from fairloop.projects.discussion import Discussion
from fairloop.projects.service import Projects
from fairloop.registry.service import Registry
from fairloop.server.subjects import Subjects
from fairloop.serving.feedback import Told
from fairloop.serving.service import Serving
from fairloop.storage.engine import Connection, Database

_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Voices:
    subjects: Subjects
    discussion: Discussion
    invitations: Invitations
    appeals: Appeals
    appeal_alerts: AppealAlerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The services that people's words are joined with."""

    database: Database
    clock: Clock
    signals: Signals
    audit: Audit
    people: People
    projects: Projects
    notices: Notices
    registry: Registry
    serving: Serving
    monitoring: Monitoring
    pipelines: Pipelines

    def names(self, project_id: str) -> list[str]:
        """Who sees a project, and can be spoken to there."""
        members = {m.person_id for m in self.people.members(project_id)}
        return [p.name for p in self.people.list() if not p.disabled and (p.administrator or p.id in members)]

    def label(self, appeal: Appeal) -> None:
        endpoint = self.serving.endpoint_by_id(appeal.project_id, appeal.endpoint_id)
        told = Told(prediction_id=appeal.prediction_id, label=appeal.label, source="appeal")
        self.serving.predictions.feedback(appeal.project_id, endpoint.name, [told])

    def positive(self, deployment: Deployment) -> Any:
        version = self.registry.version_by_id(deployment.project_id, deployment.model_version_id)
        return self.monitoring.positive_of(version)


def build_voices(around: Around, subjects: Subjects, *, secured: bool) -> Voices:
    """Discussion, invitations and appeals over one server's services."""
    database, clock, audit, signals = around.database, around.clock, around.audit, around.signals

    def told(connection: Connection, comment: Comment, names: list[str]) -> None:
        subject = subjects.find(comment.project_id, comment.subject_kind, comment.subject_id)
        project = around.projects.get(comment.project_id)
        path = "/".join(quote(part, safe="") for part in ("projects", project.name, *subject.path))
        text = comment.body if len(comment.body) <= _SHOWN else comment.body[:_SHOWN] + " …"
        around.notices.add(connection, comment.project_id, "mention", f"{comment.author} on {subject.title}", text, names,
                           href=f"/{path}#{subject.anchor or 'discussion'}", about=comment.id)  # fmt: skip

    appeals = Appeals(database, clock, signals, audit, read=around.serving.prediction, label=around.label,
                      positive=around.positive)  # fmt: skip
    return Voices(
        subjects=subjects,
        discussion=Discussion(database, clock, audit, exists=subjects.exists, names=around.names, told=told),
        invitations=Invitations(database, clock, audit, around.people, secured=secured),
        appeals=appeals,
        appeal_alerts=AppealAlerts(database, clock, signals, appeals, around.pipelines, around.notices,
                                   around.monitoring.endpoint_folder),
    )  # fmt: skip
