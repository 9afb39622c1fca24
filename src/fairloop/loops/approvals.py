"""Approval requests: asked, voted on, handed to others, reminded of, decided or expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from fairloop.access.audit import Audit
from fairloop.core.audit import AuditEntry
from fairloop.core.clock import Clock
from fairloop.core.cycles import ApprovalRequest, Cycle
from fairloop.core.decisions import Delegation
from fairloop.core.ids import new_id
from fairloop.core.models import ModelVersion
from fairloop.core.people import SERVER, Identity
from fairloop.core.policy import NO_POLICY, Approval, Vote, approval_words, both, counted, objection
from fairloop.core.signals import Signals
from fairloop.core.units import parse_seconds
from fairloop.errors import Conflict, InvalidInput, NotFound, PermissionDenied, Refused
from fairloop.loops.policy import Policies
from fairloop.loops.standing import password_setter, person_kind, reasoned, role_of, standing
from fairloop.notices.outbox import Notices
from fairloop.storage import loops as rows
from fairloop.storage import models as model_rows
from fairloop.storage import people as people_rows
from fairloop.storage import policies as policy_rows
from fairloop.storage import projects as project_rows
from fairloop.storage.engine import Connection, Database

_LONGEST_MS = 366 * 86_400_000
_NO_REQUEST = "No such approval request, or you may not see it."


class Approvals:
    """The part of :class:`fairloop.loops.service.Loops` that asks people."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, audit: Audit, notices: Notices) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._audit = audit
        self._notices = notices
        self.policies = Policies(database, clock, signals, audit, notices)

    # ------------------------------------------------------------------ reading
    def approvals(self, project_id: str | None = None, *, decision: str | None = None, cycle_id: str | None = None,
                  model_version_id: str | None = None) -> list[ApprovalRequest]:  # fmt: skip
        return self._database.read(lambda c: rows.approvals_where(
            c, project_id=project_id, cycle_id=cycle_id, decision=decision, model_version_id=model_version_id))  # fmt: skip

    def approval(self, project_id: str, approval_id: str) -> ApprovalRequest:
        request = self._database.read(lambda c: rows.approval_by_id(c, approval_id))
        if request is None or request.project_id != project_id:
            raise NotFound(_NO_REQUEST)
        return request

    # ------------------------------------------------------------------ asking
    def new_request(self, asked: Approval, *, project_id: str, cycle_id: str, model_version_id: str, author: str,
                    authors: list[str]) -> ApprovalRequest:  # fmt: skip
        """A request as ``asked``, not yet written."""
        now = self._clock.now_ms()
        left_s = parse_seconds(asked.expires)
        remind = sorted((r for r in asked.remind if parse_seconds(r) < left_s), key=parse_seconds, reverse=True)
        return ApprovalRequest(
            id=new_id("apr"), project_id=project_id, cycle_id=cycle_id, model_version_id=model_version_id,
            role=asked.roles[0], roles=asked.roles, two_person=asked.two_person, people=asked.people,
            needs_verified=asked.verified, author=author, authors=sorted({author, *authors} - {""}), remind=remind,
            requested_ms=now, expires_ms=now + round(left_s * 1000))  # fmt: skip

    def ask(self, project_id: str, version: ModelVersion, identity: Identity, reason: str) -> ApprovalRequest:
        """Ask people about a version that no loop made, under the project's policy."""
        why = reasoned(reason)
        person_kind(identity)
        if version.cycle_id:
            raise Conflict(f"{version.model} v{version.version} comes from a cycle, which asks by itself.")
        policy = self.policies.effective(project_id)
        if policy == NO_POLICY:
            raise Conflict("No policy of this project asks for approval; deploy the version.")
        request = self.new_request(policy.approval, project_id=project_id, cycle_id="", model_version_id=version.id,
                                   author=identity.name, authors=[version.user])  # fmt: skip
        entry = self._audit.entry(identity, "approval.request", project_id=project_id, object=version.id,
                                  detail={"approval_id": request.id, "reason": why})  # fmt: skip

        def work(connection: Connection) -> None:
            known = rows.approvals_where(connection, model_version_id=version.id, decision="waiting")
            if known:
                raise Conflict(f"{version.model} v{version.version} waits for a decision already ({known[0].id}).")
            self._add(connection, request, f"{identity.name}: {why}")
            self._audit.append(connection, entry)

        self._database.write(work)
        self._signals.notify()
        return request

    def _add(self, connection: Connection, request: ApprovalRequest, text: str) -> None:
        """Write the request and tell those who may decide, in one unit of work."""
        rows.add_approval(connection, request)
        words = approval_words(request.asked, request.starters)
        self._tell(connection, request, "approval.requested", f"{{}} waits for {words}",
                   f"{text.rstrip('.')}. Decide before {_moment(request.expires_ms)}.")  # fmt: skip

    def _tell(self, connection: Connection, request: ApprovalRequest, kind: str, headline: str, text: str,
              key: str = "") -> None:  # fmt: skip
        name, href = self._subject(connection, request)
        handed = [d.taker for d in policy_rows.delegations_of(connection, request.project_id)
                  if d.ended_ms is None and d.until_ms > self._clock.now_ms()]  # fmt: skip
        starters = request.starters if kind in {"approval.decided", "approval.expired"} else []
        self._notices.add(connection, request.project_id, kind, headline.format(name), text, [*handed, *starters],
                          roles=request.asked.roles, href=href, about=request.id, key=key)  # fmt: skip

    @staticmethod
    def _subject(connection: Connection, request: ApprovalRequest) -> tuple[str, str]:
        """What is decided about, in words, and its page."""
        project = project_rows.by_id(connection, request.project_id)
        base = f"/projects/{quote(project.name, safe='')}" if project else ""
        cycle = rows.cycle_by_id(connection, request.cycle_id) if request.cycle_id else None
        if cycle is not None:
            return f"Cycle {cycle.number} of {cycle.loop}", f"{base}/cycles/{cycle.id}#approve"
        version = model_rows.version_by_id(connection, request.project_id, request.model_version_id)
        if version is None:
            return "A model version", base
        return (
            f"{version.model} v{version.version}",
            f"{base}/models/{quote(version.model, safe='')}/{version.version}#decide",
        )

    # ------------------------------------------------------------------ deciding
    def decide(self, project_id: str, approval_id: str, identity: Identity, *, approve: bool, reason: str,
               on_behalf_of: str = "") -> ApprovalRequest:  # fmt: skip
        """Say yes or no, with a reason; one's own, or for somebody who handed their decisions over.

        Raises
        ------
        PermissionDenied
            Neither the person's role nor a delegation lets them decide.
        Refused
            The policy wants other people than this one.
        Conflict
            It was decided, or expired, before.
        """
        self.approval(project_id, approval_id)
        why = reasoned(reason)
        person_kind(identity)
        now = self._clock.now_ms()

        def work(connection: Connection) -> bool:
            request = rows.approval_by_id(connection, approval_id)
            if request is None or request.decision != "waiting" or now > request.expires_ms:
                return False
            asked = self._asked_now(connection, request)
            role, giver = standing(connection, project_id, identity, asked.roles, on_behalf_of, now)
            vote = Vote(person=identity.name, decision="approved" if approve else "refused", role=role, reason=why,
                        on_behalf_of=giver, verified=identity.verified, at_ms=now,
                        password_by=password_setter(connection, identity))  # fmt: skip
            if approve and (against := objection(vote, request.votes, asked, request.starters)):
                raise Refused(f"This yes does not count: {against}.")
            if any(v.person == vote.person for v in request.votes):
                raise Conflict(f"{vote.person} has decided this already; a vote stands.")
            self._cast(connection, request, vote, asked, identity)
            return True

        if not self._database.write(work):
            found = self.approval(project_id, approval_id)
            state = "expired" if found.decision == "waiting" else found.decision
            raise Conflict(f"This request is already {state}; nothing was changed.")
        self._signals.notify()
        return self.approval(project_id, approval_id)

    def obstacle(self, project_id: str, request: ApprovalRequest, identity: Identity) -> tuple[str, str]:
        """(why, giver): why this person's yes would not count, empty when it would; and for whom they would decide."""

        def look(connection: Connection) -> tuple[str, str]:
            asked = self._asked_now(connection, request)
            try:
                person_kind(identity)
                role, giver = standing(connection, project_id, identity, asked.roles, "", self._clock.now_ms())
            except (InvalidInput, PermissionDenied) as cause:
                return cause.message, ""
            vote = Vote(person=identity.name, role=role, on_behalf_of=giver, verified=identity.verified,
                        password_by=password_setter(connection, identity))  # fmt: skip
            against = objection(vote, request.votes, asked, request.starters)
            return (f"Your yes would not count: {against}." if against else ""), giver

        return self._database.read(look)

    def _asked_now(self, connection: Connection, request: ApprovalRequest) -> Approval:
        """What was asked for, and what the project's policy asks for by now."""
        active = policy_rows.newest_in(connection, request.project_id, "active")
        return both(request.asked, active.policy.approval) if active is not None and (
            active.policy.approval.without_author or active.policy.approval.verified) else request.asked  # fmt: skip

    def _cast(self, connection: Connection, request: ApprovalRequest, vote: Vote, asked: Approval,
              identity: Identity) -> None:  # fmt: skip
        """Write the vote; the decision too when it settles the request."""
        rows.add_vote(connection, request.id, vote)
        votes = [*request.votes, vote]
        yes = counted(votes, asked, request.starters)
        settled = vote.decision == "refused" or len(yes) >= asked.people
        who = f"{vote.person} (for {vote.on_behalf_of})" if vote.on_behalf_of else vote.person
        kind = vote.decision if settled else "vote"
        said = f"{who} {vote.decision} it: {vote.reason}"
        if not settled:
            said += f" ({len(yes)} of {asked.people} people)"
        data = {"approval_id": request.id, "by": vote.person, "role": vote.role, "verified": vote.verified}
        if request.cycle_id:
            rows.add_event(connection, request.cycle_id, vote.at_ms, kind, said, data)
        detail = {**data, "cycle_id": request.cycle_id, "reason": vote.reason, "decision": vote.decision,
                  "on_behalf_of": vote.on_behalf_of}  # fmt: skip
        action = f"model.{vote.decision}" if settled else "model.vote"
        self._audit.append(connection, self._audit.entry(identity, action, project_id=request.project_id,
                                                         object=request.model_version_id, detail=detail))  # fmt: skip
        if not settled:
            return
        deciding = yes if vote.decision == "approved" else [vote]
        rows.decide(connection, request.id, decision=vote.decision, decided_by=", ".join(v.person for v in deciding),
                    verified=all(v.verified for v in deciding), reason=vote.reason, decided_ms=vote.at_ms)  # fmt: skip
        self._settle_version(connection, request, vote.decision)
        self._tell(connection, request, "approval.decided", f"{{}} was {vote.decision}", said)

    def _settle_version(self, connection: Connection, request: ApprovalRequest, decision: str) -> None:
        """A version without a cycle takes the decision at once; a cycle's is the driver's to move on."""
        found = model_rows.version_by_id(connection, request.project_id, request.model_version_id)
        if found is not None and not request.cycle_id and decision in {"approved", "refused"}:
            model_rows.save_version(connection, replace(found, decision=decision, updated_ms=self._clock.now_ms()))

    # ------------------------------------------------------------------ time
    def tend(self) -> None:
        """Close requests nobody answered in time, and remind of those that soon expire."""
        now = self._clock.now_ms()
        for request in self.approvals(decision="waiting"):
            if now > request.expires_ms:
                self.expire(request)
            elif self._due(request, now) > request.reminded:
                self._remind(request, self._due(request, now))

    @staticmethod
    def _due(request: ApprovalRequest, now: int) -> int:
        return sum(now >= request.expires_ms - parse_seconds(r) * 1000 for r in request.remind)

    def _remind(self, request: ApprovalRequest, due: int) -> None:
        def work(connection: Connection) -> None:
            if rows.decide(connection, request.id, reminded=due):  # still waiting
                self._tell(connection, request, "approval.reminder", "{} still waits for a decision",
                           f"The request expires at {_moment(request.expires_ms)}; then it counts as not approved.",
                           key=f"{request.id} reminder {due}")  # fmt: skip

        self._database.write(work)
        self._signals.notify()

    def expire(self, request: ApprovalRequest) -> bool:
        """Close a request nobody answered in time."""
        now = self._clock.now_ms()
        entry: AuditEntry = self._audit.entry(SERVER, "approval.expire", project_id=request.project_id,
                                              object=request.model_version_id,
                                              detail={"approval_id": request.id})  # fmt: skip

        def work(connection: Connection) -> bool:
            done = rows.decide(connection, request.id, decision="expired", decided_ms=now)
            if done:
                self._audit.append(connection, entry)
                self._tell(connection, request, "approval.expired", "Nobody decided on {} in time",
                           "The request expired, so it does not go live. Start it again to ask again.",
                           key=f"{request.id} expired")  # fmt: skip
            return done

        done = self._database.write(work)
        self._signals.notify()
        return done

    def told_of(self, connection: Connection, request: ApprovalRequest, cycle: Cycle) -> None:
        """Write a cycle's request with its notice, inside the unit that moves the cycle."""
        self._add(connection, request, cycle.words or "A candidate passed every gate.")

    # ------------------------------------------------------------------ delegation
    def delegations(self, project_id: str) -> list[Delegation]:
        return self._database.read(lambda c: policy_rows.delegations_of(c, project_id))

    def delegate(self, project_id: str, identity: Identity, taker: str, until_ms: int, reason: str) -> Delegation:
        """Hand one's own decisions in this project to another member until a date."""
        why, now = reasoned(reason), self._clock.now_ms()
        person_kind(identity)
        if not now < until_ms <= now + _LONGEST_MS:
            raise InvalidInput("A delegation ends in the future, within a year; give its end.")
        if taker == identity.name:
            raise InvalidInput("Nobody hands decisions to themselves; name another member.")
        made = Delegation(id=new_id("dgn"), project_id=project_id, giver=identity.name, taker=taker, reason=why,
                          created_ms=now, until_ms=until_ms)  # fmt: skip
        entry = self._audit.entry(identity, "delegation.create", project_id=project_id, object=made.id,
                                  detail={"taker": taker, "until_ms": until_ms, "reason": why})  # fmt: skip

        def work(connection: Connection) -> None:
            person = people_rows.by_name(connection, taker)
            if person is None or not role_of(connection, project_id, taker):
                raise NotFound(f"{taker[:80]!r} is no member of this project; add them first.")
            policy_rows.add_delegation(connection, made)
            self._audit.append(connection, entry)

        self._database.write(work)
        return made

    def end_delegation(self, project_id: str, delegation_id: str, identity: Identity) -> None:
        """Take one's decisions back; administrators may end anybody's."""
        entry = self._audit.entry(identity, "delegation.end", project_id=project_id, object=delegation_id)

        def work(connection: Connection) -> None:
            found = policy_rows.delegation_by_id(connection, delegation_id)
            if found is None or found.project_id != project_id:
                raise NotFound("No such delegation, or you may not see it.")
            own = identity.name in {found.giver, found.taker}
            if (
                not own
                and role_of(connection, project_id, identity.name) != "administrator"
                and not identity.administrator
            ):
                raise PermissionDenied("Only who gave or took it, or an administrator, ends a delegation.")
            if not policy_rows.end_delegation(connection, delegation_id, entry.at_ms):
                raise Conflict("This delegation has ended already.")
            self._audit.append(connection, entry)

        self._database.write(work)


def _moment(ms: int) -> str:
    """``Thu 26 Nov 2026, 05:52 UTC``: a time for people of any place."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%a %d %b %Y, %H:%M UTC")
