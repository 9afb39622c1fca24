"""Everything recorded about one model version, read once: what cards, headings and the pack are made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from fairloop.access.audit import Audit
from fairloop.core.analyses import Analysis
from fairloop.core.appeals import AppealSummary
from fairloop.core.audit import GENESIS, AuditEntry, Verification, hash_of
from fairloop.core.checks import Verdict
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent
from fairloop.core.datasets import DatasetVersion
from fairloop.core.decisions import Judged, PolicyVersion
from fairloop.core.endpoints import DeploymentState, Rollout
from fairloop.core.loops import LoopDefinition
from fairloop.core.models import Candidate, Evaluation, ModelVersion
from fairloop.core.monitors import Alert, Monitor
from fairloop.core.people import Project
from fairloop.core.pipelines import Capture
from fairloop.core.records import from_plain, to_plain, to_wire
from fairloop.errors import NotFound
from fairloop.evaluation.analyses import Analyses
from fairloop.loops.lineage import Lineage
from fairloop.monitoring.appeals import Appeals
from fairloop.projects.files import Files
from fairloop.storage.files import File

MOST_LINKS = 20_000
"""Hashes of the entries between those shown, which prove that they stand in one chain; a longer stretch is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSlice:
    """The entries about one thing, each with its hash, and the hashes of the whole stretch of the log they stand in."""

    entries: list[AuditEntry]
    links: list[str]
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is not known is None or empty; whoever shows it says *missing*."""

    project: Project
    version: ModelVersion
    files: list[File]
    cycle: Cycle | None = None
    definition: LoopDefinition | None = None
    events: list[CycleEvent] = field(default_factory=list)
    candidate: Candidate | None = None
    candidates: list[Candidate] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    approvals: list[ApprovalRequest] = field(default_factory=list)
    datasets: list[DatasetVersion] = field(default_factory=list)
    lineage: dict[str, Any] = field(default_factory=dict)
    capture: Capture | None = None
    environment: str = ""
    """The lock of the Python environment, a requirements file."""
    rollout: Rollout | None = None
    serving: list[str] = field(default_factory=list)
    monitor: Monitor | None = None
    alerts: list[Alert] = field(default_factory=list)
    analyses: list[Analysis] = field(default_factory=list)
    appeals: AppealSummary | None = None
    policy: PolicyVersion | None = None
    """The project's policy in force."""
    judged: Judged | None = None
    """What the policy in force says of this version now."""

    @property
    def test(self) -> Evaluation | None:
        """The evaluation on the part that judged once, else the newest there is."""
        return next(
            (e for e in self.evaluations if e.part == "test"), self.evaluations[-1] if self.evaluations else None
        )


@dataclass(slots=True)
class Gatherer:
    lineage: Lineage
    files: Files
    audit: Audit
    analyses: Analyses | None = None
    appeals: Appeals | None = None

    def facts(self, project: Project, version: ModelVersion) -> Facts:
        """What the records say now about ``version``."""
        cycle = self.lineage.loops.cycle_of_version(version.id)
        own = self.lineage
        candidate = self._candidate(project.id, version.candidate_id)
        subjects = [version.id, *([candidate.id] if candidate else []), *([cycle.id] if cycle else [])]
        found = Facts(
            project=project, version=version, files=own.registry.files_of(version), candidate=candidate,
            evaluations=own.evaluations.evaluations(project.id, candidate.id) if candidate else [],
            serving=self._serving(version), appeals=self.appeals.summary(version.id) if self.appeals else None,
            analyses=self._analyses(project.id, subjects), policy=own.loops.policies.state(project.id).active,
            judged=own.loops.policies.of_version(version),
            approvals=own.loops.approvals(project.id, model_version_id=version.id),
        )  # fmt: skip
        return self._with_cycle(found, cycle) if cycle is not None else found

    def _with_cycle(self, facts: Facts, cycle: Cycle) -> Facts:
        own, project_id = self.lineage, cycle.project_id
        definition, _, capture = own.loops.definition(cycle)
        lineage = own.of_cycle(cycle)
        events = own.loops.events(project_id, cycle.id)
        gates = [e.data["verdicts"] for e in events if e.kind == "gate" and "verdicts" in e.data]
        rollout = own.serving.rollout(project_id, cycle.rollout_id) if cycle.rollout_id else None
        return replace(
            facts, cycle=cycle, definition=definition, events=events, lineage=lineage, capture=capture,
            candidates=own.evaluations.candidates(project_id, cycle_id=cycle.id),
            verdicts=from_plain(list[Verdict], gates[-1]) if gates else [],
            datasets=[self._dataset(project_id, d["id"]) for d in lineage["dataset_versions"]],
            environment=self._text(project_id, capture.environment), rollout=rollout,
            monitor=own.monitoring.monitor_of(project_id, rollout.endpoint_id) if rollout else None,
            alerts=own.monitoring.alerts(project_id, endpoint_id=rollout.endpoint_id) if rollout else [],
        )  # fmt: skip

    def _candidate(self, project_id: str, candidate_id: str | None) -> Candidate | None:
        return self.lineage.evaluations.candidate(project_id, candidate_id) if candidate_id else None

    def _dataset(self, project_id: str, version_id: str) -> DatasetVersion:
        return self.lineage.datasets.get(project_id, version_id)

    def _analyses(self, project_id: str, subjects: list[str]) -> list[Analysis]:
        if self.analyses is None:
            return []
        return [a for a in self.analyses.page(project_id, subject_ids=subjects, limit=200).items if a.words]

    def _text(self, project_id: str, sha256: str) -> str:
        try:
            return self.files.read_blob(project_id, sha256).decode("utf-8", "replace") if sha256 else ""
        except NotFound:  # a capture without its file: the pack says that it is missing
            return ""

    def _serving(self, version: ModelVersion) -> list[str]:
        serving = self.lineage.serving
        return [e.name for e in serving.endpoints(version.project_id)
                for d in serving.deployments(version.project_id, e.id)
                if d.model_version_id == version.id and d.state is DeploymentState.LIVE]  # fmt: skip

    def audit_slice(self, facts: Facts) -> AuditSlice:
        """The audit entries about the version, its cycle, its approvals and its rollout, with their chain."""
        ids = {facts.version.id, *(a.id for a in facts.approvals)}
        ids |= {i for i in (facts.version.candidate_id, facts.cycle.id if facts.cycle else None) if i}
        ids |= {facts.rollout.id} if facts.rollout else set()
        return sliced(self.audit, facts.project.id, ids)


def sliced(audit: Audit, project_id: str, ids: set[str]) -> AuditSlice:
    """One walk over the log: the project's entries that name one of ``ids``, and whether every hash holds."""
    entries: list[AuditEntry] = []
    links: list[str] = []
    previous, length, broken = GENESIS, 0, None
    for entry in audit.walk():
        if broken is None and (entry.previous != previous or entry.hash != hash_of(entry, previous)):
            broken = entry.seq
        if entry.project_id == project_id and (entry.object in ids or not ids.isdisjoint(_texts(entry.detail))):
            entries.append(entry)
        if entries and len(links) <= MOST_LINKS:
            links += [previous, entry.hash] if not links else [entry.hash]
        previous, length = entry.hash, length + 1
    told = Verification(ok=broken is None, entries=length, head=previous, broken_seq=broken)
    return AuditSlice(entries=entries, links=links if len(links) <= MOST_LINKS else [], verification=told)


def _texts(detail: dict[str, Any]) -> set[str]:
    return {value for value in detail.values() if isinstance(value, str)}


def plain_audit(found: AuditSlice) -> dict[str, Any]:
    """The slice as the pack holds it. Entries keep their milliseconds: the hashes cover them."""
    return {"entries": to_plain(found.entries), "links": found.links, "head": found.verification.head,
            "length": found.verification.entries, "chain": to_wire(found.verification)}  # fmt: skip
