"""The policy of a project: its versions, who may change them, and what it says to a loop, a cycle or a model version."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from fairloop.access.audit import Audit
from fairloop.core.checks import Verdict
from fairloop.core.clock import Clock
from fairloop.core.cycles import ApprovalRequest, Cycle, Loop, Stage
from fairloop.core.decisions import Judged, PolicyState, PolicyVersion
from fairloop.core.ids import new_id
from fairloop.core.loops import LoopDefinition, definition_facts
from fairloop.core.models import ModelVersion
from fairloop.core.people import Identity, Role
from fairloop.core.policy import NO_POLICY, Approval, Facts, Policy, Vote, combined, evaluate, objection
from fairloop.core.policy_file import read_policy
from fairloop.core.records import Page, from_plain
from fairloop.core.signals import Signals
from fairloop.errors import Conflict, InvalidInput, NotFound, Refused
from fairloop.loops.standing import password_setter, person_kind, reasoned
from fairloop.notices.outbox import Notices
from fairloop.storage import loops as loop_rows
from fairloop.storage import models as model_rows
from fairloop.storage import policies as rows
from fairloop.storage import projects as project_rows
from fairloop.storage.engine import Connection, Database

_DECIDED = (Stage.ROLL_OUT, Stage.LIVE)
"""Stages a cycle reaches only when the policy of that moment let it go live."""
_CHANGERS = [str(Role.MANAGER), str(Role.ADMINISTRATOR)]


class Policies:
    """Any server thread may call it."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, audit: Audit, notices: Notices) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._audit = audit
        self._notices = notices

    # ------------------------------------------------------------------ versions
    def state(self, project_id: str) -> PolicyState:
        return self._database.read(lambda c: _state(c, project_id))

    def versions(self, project_id: str, *, limit: int = 50, cursor: str | None = None) -> Page[PolicyVersion]:
        """Every version there was, newest first."""
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit={limit} is out of range; use 1 to 1000.")
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput(f"{cursor[:40]!r} is not a cursor; use the 'next' of the page before.")
        before = int(cursor) if cursor else None
        found = self._database.read(lambda c: rows.listed(c, project_id, limit + 1, before))
        return Page(items=found[:limit], next=str(found[limit - 1].version) if len(found) > limit else None)

    def version(self, project_id: str, number: int) -> PolicyVersion:
        found = self._database.read(lambda c: rows.version_by_number(c, project_id, number))
        if found is None:
            raise NotFound("No such version of the policy, or you may not see it.")
        return found

    def difference(self, project_id: str, number: int) -> str:
        """What a version changed against the one in force before it, as a unified diff."""
        new = self.version(project_id, number)
        older = [
            v
            for v in self.versions(project_id, limit=1000).items
            if v.version < number and v.state in {"active", "replaced"}
        ]
        old = older[0] if older else None
        lines = difflib.unified_diff(old.text.splitlines() if old else [], new.text.splitlines(), lineterm="",
                                     fromfile=f"version {old.version}" if old else "no policy",
                                     tofile=f"version {number}")  # fmt: skip
        return "\n".join(lines)

    def set(self, project_id: str, text: str, identity: Identity, reason: str) -> PolicyVersion:
        """Write a new version. Where the policy in force asks for two persons, it waits for a second one.

        Raises
        ------
        InvalidInput
            The text is no policy.
        """
        policy, why = read_policy(text), reasoned(reason)
        person_kind(identity)
        now = self._clock.now_ms()

        def work(connection: Connection) -> PolicyVersion:
            active = rows.newest_in(connection, project_id, "active")
            if active is not None and active.text == text:
                return active
            second = active is not None and active.policy.approval.without_author
            fresh = PolicyVersion(id=new_id("pol"), project_id=project_id, text=text, policy=policy, reason=why,
                                  version=rows.next_version(connection, project_id), author=identity.name,
                                  state="proposed" if second else "active", created_ms=now)  # fmt: skip
            was, mark = ("proposed", "withdrawn") if second else ("active", "replaced")
            rows.change_state(connection, project_id, was, state=mark)
            rows.add_version(connection, fresh)
            self._told(connection, fresh, identity, "policy.proposed" if second else "policy.changed", why)
            return fresh

        made = self._database.write(work)
        self._signals.notify()
        return made

    def decide(self, project_id: str, number: int, identity: Identity, *, confirm: bool, reason: str) -> PolicyVersion:
        """A second person confirms or refuses a proposed version.

        Raises
        ------
        Refused
            It is the proposer's own, or the second person is not independent of them.
        Conflict
            It does not wait any more.
        """
        why = reasoned(reason)
        person_kind(identity)

        def work(connection: Connection) -> PolicyVersion:
            proposed = rows.newest_in(connection, project_id, "proposed")
            if proposed is None or proposed.version != number:
                raise Conflict(f"Version {number} of the policy does not wait for a decision.")
            active = rows.newest_in(connection, project_id, "active")
            asked = Approval(role=_CHANGERS, two_person=True,
                             verified=active is not None and active.policy.approval.verified)  # fmt: skip
            vote = Vote(person=identity.name, role=str(Role.MANAGER), verified=identity.verified,
                        password_by=password_setter(connection, identity))  # fmt: skip
            if confirm and (why_not := objection(vote, [], asked, [proposed.author])):
                raise Refused(f"The change needs a second person: {why_not}.")
            told = {"decided_by": identity.name, "decision_reason": why, "decided_ms": self._clock.now_ms()}
            if confirm:
                rows.change_state(connection, project_id, "active", state="replaced")
            rows.change_state(connection, project_id, "proposed", state="active" if confirm else "refused", **told)
            decided = rows.version_by_number(connection, project_id, number)
            assert decided is not None  # noqa: S101  # read above in the same unit
            self._told(connection, decided, identity, "policy.changed" if confirm else "policy.refused", why)
            return decided

        decided = self._database.write(work)
        self._signals.notify()
        return decided

    def _told(self, connection: Connection, version: PolicyVersion, identity: Identity, action: str, why: str) -> None:
        """The audit entry and the notice of a change, in its unit of work."""
        detail = {"version": version.version, "author": version.author, "reason": why, "state": version.state}
        entry = self._audit.entry(identity, action, project_id=version.project_id, object=version.id, detail=detail)
        self._audit.append(connection, entry)
        if action == "policy.refused":
            return
        project = project_rows.by_id(connection, version.project_id)
        name = project.name if project else ""
        words = "waits for a second person" if action == "policy.proposed" else "is in force"
        self._notices.add(connection, version.project_id, action, f"Policy version {version.version} of {name} {words}",
                          f"{identity.name}: {why}", about=version.id,
                          href=f"/projects/{name}/settings/policy")  # fmt: skip

    # ------------------------------------------------------------------ what it says
    def effective(self, project_id: str, definition: LoopDefinition | None = None) -> Policy:
        """The project's policy with what the loop's own adds; where neither is written, :data:`NO_POLICY`."""
        return self._database.read(lambda c: _effective(c, project_id, definition))

    def of_definition(self, project_id: str, definition: LoopDefinition, author: str) -> Judged:
        """What the policy says to a loop before anything runs."""
        policy, facts = self.effective(project_id, definition), definition_facts(definition, author)
        return Judged(policy=policy, facts=facts, verdict=evaluate(policy, facts))

    def of_cycle(self, cycle: Cycle, verdicts: Sequence[Verdict] | None = None) -> Judged:
        """What the policy says to a cycle: with ``verdicts``, or those its gate left; before the gate, to its loop."""

        def look(connection: Connection) -> Judged:
            loop = _loop(connection, cycle)
            definition = from_plain(LoopDefinition, loop.definition)
            facts = _cycle_facts(connection, cycle, loop, definition, verdicts)
            policy = _effective(connection, cycle.project_id, definition)
            return Judged(policy=policy, facts=facts, verdict=evaluate(policy, facts))

        return self._database.read(look)

    def of_version(self, version: ModelVersion) -> Judged:
        """What the policy says to letting a model version go live now."""

        def look(connection: Connection) -> Judged:
            cycle = loop_rows.cycle_by_id(connection, version.cycle_id) if version.cycle_id else None
            if cycle is None:
                policy, facts = _effective(connection, version.project_id, None), _hand_facts(connection, version)
            else:
                loop = _loop(connection, cycle)
                definition = from_plain(LoopDefinition, loop.definition)
                policy = _effective(connection, version.project_id, definition)
                facts = replace(_cycle_facts(connection, cycle, loop, definition, None), stage="release")
            return Judged(policy=policy, facts=facts, verdict=evaluate(policy, facts))

        return self._database.read(look)

    def permit(self, project_id: str, version_id: str) -> None:
        """Raise Refused when the policy does not let this model version go live; every road to traffic asks here."""
        version = self._database.read(lambda c: model_rows.version_by_id(c, project_id, version_id))
        if version is None:
            raise NotFound("No such model version, or you may not see it.")
        named = f"{version.model} v{version.version}"
        cycle_id = version.cycle_id
        cycle = self._database.read(lambda c: loop_rows.cycle_by_id(c, cycle_id)) if cycle_id else None
        if cycle is not None and cycle.stage in _DECIDED:
            return
        if version.decision in {"candidate", "refused"}:
            state = "still waits for approval" if version.decision == "candidate" else "was refused"
            raise Refused(f"{named} {state}, so it cannot be deployed by hand.")
        judged = self.of_version(version)
        if not judged.verdict.allowed:
            told = " ".join([*judged.verdict.reasons, *(f"It needs {need}." for need in judged.verdict.needs)])
            fix = ("Turn a loop, whose gate judges it." if judged.verdict.reasons else
                   f"Ask for it: fairloop policy ask models:/{version.model}/{version.version}")  # fmt: skip
            raise Refused(f"The policy does not let {named} go live: {told} {fix}")

    def permit_alias(self, project_id: str, version_id: str, alias: str) -> None:
        """Raise Refused when ``alias`` means live under the policy and the version may not be."""
        if alias in self.effective(project_id).aliases:
            self.permit(project_id, version_id)

    def judge(self, project_id: str, facts: Facts) -> Judged:
        """The project's policy on facts that somebody states: what a CI job asks."""
        policy = self.effective(project_id)
        return Judged(policy=policy, facts=facts, verdict=evaluate(policy, facts))


def _state(connection: Connection, project_id: str) -> PolicyState:
    return PolicyState(active=rows.newest_in(connection, project_id, "active"),
                       proposed=rows.newest_in(connection, project_id, "proposed"))  # fmt: skip


def _effective(connection: Connection, project_id: str, definition: LoopDefinition | None) -> Policy:
    active = rows.newest_in(connection, project_id, "active")
    own = definition.policy if definition is not None else None
    if active is not None and own is not None:
        return combined(active.policy, own)
    return active.policy if active is not None else own or NO_POLICY


def _loop(connection: Connection, cycle: Cycle) -> Loop:
    loop = loop_rows.loop_by_id(connection, cycle.loop_id)
    if loop is None:
        raise NotFound("The cycle's loop definition is gone; restore the database.")
    return loop


# ------------------------------------------------------------------ facts
def _cycle_facts(connection: Connection, cycle: Cycle, loop: Loop, definition: LoopDefinition,
                 verdicts: Sequence[Verdict] | None) -> Facts:  # fmt: skip
    found = list(verdicts) if verdicts is not None else _gate_verdicts(connection, cycle)
    asked = loop_rows.approvals_where(connection, cycle_id=cycle.id)
    return replace(definition_facts(definition), stage="definition" if found is None else "release",
                   trigger=str(cycle.trigger.get("kind", "person")), gates=list(cycle.gates), verdicts=found or [],
                   authors=authors_of(cycle, loop), votes=asked[0].votes if asked else [])  # fmt: skip


def authors_of(cycle: Cycle, loop: Loop) -> list[str]:
    """Who started this: the cycle, the loop as it is written, and the person behind the trigger."""
    return sorted({cycle.author, loop.author, str(cycle.trigger.get("by") or "")} - {""})


def _gate_verdicts(connection: Connection, cycle: Cycle) -> list[Verdict] | None:
    """Those of the chosen candidate on the test part; None before its gate."""
    events = [e for e in loop_rows.events_of(connection, cycle.id)
              if e.kind == "gate" and e.data.get("candidate_id") == cycle.chosen_candidate_id]  # fmt: skip
    return from_plain(list[Verdict], events[-1].data["verdicts"]) if events else None


def _hand_facts(connection: Connection, version: ModelVersion) -> Facts:
    found = [r for r in loop_rows.approvals_where(connection, model_version_id=version.id) if not r.cycle_id]
    request: ApprovalRequest | None = found[0] if found else None
    authors = request.starters if request is not None else [version.user]
    return Facts(stage="release", trigger="hand", authors=sorted({*authors, version.user} - {""}),
                 votes=request.votes if request is not None else [])  # fmt: skip
