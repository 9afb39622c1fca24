"""Invitations: a one-time link by which somebody joins a project of a secured server with a given role.

The token is 256 random bits, shown once and stored as its sha256. A local server needs none: there people are added by
name, and nobody logs in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from fairloop.access.audit import Audit
from fairloop.access.keys import hash_of
from fairloop.access.passwords import check_password, hash_password
from fairloop.access.people import People
from fairloop.access.sessions import Backoff
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.people import Identity, Invitation, Membership, NewInvitation, Person, Role
from fairloop.errors import AlreadyExists, Conflict, InvalidInput, NotFound, Refused
from fairloop.storage import invitations as rows
from fairloop.storage import people as people_rows
from fairloop.storage.engine import Connection, Database

T = TypeVar("T")
PREFIX = "fli_"
DAY_MS = 86_400_000
LONGEST_DAYS = 30.0
_GONE = "This invitation is unknown, used or over; ask for a new one."


class Invitations:
    """``secured`` says whether the server asks people to log in."""

    def __init__(self, database: Database, clock: Clock, audit: Audit, people: People, *, secured: bool) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._people = people
        self._secured = secured
        self._backoff = Backoff(clock)

    def invite(self, identity: Identity, project_id: str, role: Role, *, name: str = "", email: str = "",
               days: float = 7.0) -> NewInvitation:  # fmt: skip
        """A link that makes who opens it a member with ``role``, once, within ``days``."""
        if not self._secured:
            raise Refused("A local server needs no invitation: add the person by name; nobody logs in here.")
        if not 0 < days <= LONGEST_DAYS:
            raise InvalidInput(f"days={days:g} is out of range; an invitation lives up to {LONGEST_DAYS:g} days.")
        if name:
            check_name(name, "person")
            if any(p.name == name for p in self._people.list()):
                raise AlreadyExists(f"A person named {name!r} exists; give them a role instead of an invitation.")
        if len(email) > 320:
            raise InvalidInput("The e-mail address is longer than 320 characters; leave it away or correct it.")
        secret, now = PREFIX + secrets.token_urlsafe(32), self._clock.now_ms()
        made = Invitation(id=new_id("inv"), project_id=project_id, role=role, name=name, email=email,
                          invited_by=identity.name, created_ms=now, expires_ms=now + round(days * DAY_MS))  # fmt: skip
        entry = self._audit.entry(identity, "invitation.create", project_id=project_id, object=made.id,
                                  detail={"role": role.value, "name": name, "email": email, "days": days})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.add(connection, made, hash_of(secret))
            self._audit.append(connection, entry)

        self._database.write(work)
        return NewInvitation(invitation=made, secret=secret, path=f"/invitation/{secret}")

    def listed(self, project_id: str) -> list[Invitation]:
        return self._database.read(lambda c: rows.listed(c, project_id))

    def state(self, invitation: Invitation) -> str:
        """waiting, accepted, revoked or expired."""
        if invitation.accepted_ms is not None:
            return "accepted"
        if invitation.revoked_ms is not None:
            return "revoked"
        return "expired" if invitation.expires_ms <= self._clock.now_ms() else "waiting"

    def revoke(self, identity: Identity, project_id: str, invitation_id: str) -> None:
        """End an invitation that nobody has used."""
        now = self._clock.now_ms()
        entry = self._audit.entry(identity, "invitation.revoke", project_id=project_id, object=invitation_id)

        def work(connection: Connection) -> None:
            if all(i.id != invitation_id for i in rows.listed(connection, project_id)):
                raise NotFound("No such invitation, or you may not see it.")
            if not rows.revoke(connection, project_id, invitation_id, now):
                raise Conflict("This invitation was used or ended already; nothing was changed.")
            self._audit.append(connection, entry)

        self._database.write(work)

    # ------------------------------------------------------------------ by who was invited
    def find(self, secret: str, *, ip: str = "") -> Invitation:
        """The invitation with this token if it can be used now; one answer for every reason why not."""
        self._backoff.check(f"invitation {ip}")
        found = self._database.read(lambda c: rows.by_hash(c, hash_of(secret))) if secret.startswith(PREFIX) else None
        if found is None or not self._secured or self.state(found) != "waiting":
            self._backoff.failed(f"invitation {ip}")
            raise NotFound(_GONE)
        return found

    def accept(self, secret: str, name: str, password: str, *, ip: str = "") -> Person:
        """Make an account with the invitation's role in its project, and use the invitation up."""
        invitation = self.find(secret, ip=ip)
        wanted = check_name(invitation.name or name, "person")
        hashed = hash_password(check_password(password, wanted))
        now = self._clock.now_ms()
        person = Person(id=new_id("per"), name=wanted, email=invitation.email, created_ms=now)
        speaker = Identity(kind="person", person_id=person.id, name=wanted, verified=True)

        def work(connection: Connection) -> None:
            if people_rows.by_name(connection, wanted):
                raise AlreadyExists(f"A person named {wanted!r} exists; choose another name, or log in and join.")
            people_rows.add(connection, person, hashed)
            self._join(connection, invitation, speaker, now)

        self._write(work)
        return person

    def join(self, secret: str, identity: Identity, *, ip: str = "") -> Membership:
        """Somebody who is logged in takes the role, instead of making a second account."""
        if identity.kind != "person" or not identity.person_id or not identity.verified:
            raise Refused("Log in to join with your account, or make a new one.")
        invitation, now = self.find(secret, ip=ip), self._clock.now_ms()
        if invitation.project_id in identity.roles:
            raise Conflict("You are a member of this project already; the invitation stays unused.")

        def work(connection: Connection) -> Membership:
            return self._join(connection, invitation, identity, now)

        return self._write(work)

    def _join(self, connection: Connection, invitation: Invitation, identity: Identity, now: int) -> Membership:
        if not rows.accept(connection, invitation.id, identity.name, now):
            raise NotFound(_GONE)
        membership = Membership(project_id=invitation.project_id, person_id=identity.person_id, name=identity.name,
                                role=invitation.role, created_ms=now)  # fmt: skip
        people_rows.set_member(connection, membership)
        entry = self._audit.entry(identity, "invitation.accept", project_id=invitation.project_id, object=invitation.id,
                                  detail={"role": invitation.role.value, "invited_by": invitation.invited_by})  # fmt: skip
        self._audit.append(connection, entry)
        return membership

    def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._database.write(work)
        finally:
            self._people.changed()
