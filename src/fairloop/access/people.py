"""People, their passwords, and their roles in projects."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from fairloop.access.audit import Audit
from fairloop.access.keys import hash_of
from fairloop.access.passwords import check_password, hash_password, matches
from fairloop.access.sessions import Backoff
from fairloop.core.audit import AuditEntry
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.people import Identity, Membership, Person, Role
from fairloop.errors import AlreadyExists, Conflict, InvalidInput, NotFound, PermissionDenied, Unauthenticated
from fairloop.storage import people as rows
from fairloop.storage.engine import Connection, Database

T = TypeVar("T")
_SETUP_KEY = "setup_token"
_NO_PERSON = "No such person, or you may not see them."


class People:
    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._backoff = Backoff(clock)
        self.changed: Callable[[], None] = lambda: None
        """Called after every change; the server clears its cache of identities here."""

    # ---- people
    def create(self, identity: Identity, name: str, *, email: str = "", administrator: bool = False,
               password: str | None = None) -> Person:  # fmt: skip
        """A new person; without a password they cannot log in to a secured server until one is set."""
        check_name(name, "person")
        hashed = hash_password(check_password(password, name)) if password is not None else None
        person = self._new(name, email=email, administrator=administrator)
        entry = self._audit.entry(identity, "person.create", object=person.id,
                                  detail={"name": name, "administrator": administrator,
                                          "password": password is not None})  # fmt: skip

        def work(connection: Connection) -> None:
            if rows.by_name(connection, name):
                raise AlreadyExists(f"A person named {name!r} exists; choose another name.")
            rows.add(connection, person, hashed)
            self._audit.append(connection, entry)

        self._write(work)
        return person

    def _new(self, name: str, *, email: str = "", administrator: bool = False) -> Person:
        return Person(id=new_id("per"), name=name, email=email, administrator=administrator,
                      created_ms=self._clock.now_ms())  # fmt: skip

    def ensure_owner(self, name: str) -> Person:
        """The person who started a local server: its administrator, made when missing."""
        fresh = self._new(name, administrator=True)

        def work(connection: Connection) -> Person:
            found = rows.by_name(connection, name)
            if found is None:
                rows.add(connection, fresh)
            return found or fresh

        return self._write(work)

    def find(self, name: str) -> Person:
        person = self._database.read(lambda c: rows.by_name(c, name))
        if person is None:
            raise NotFound(f"No person named {name[:80]!r}; add them on the People page, or choose another.")
        return person

    def get(self, person_id: str) -> Person:
        person = self._database.read(lambda c: rows.by_id(c, person_id))
        if person is None:
            raise NotFound(_NO_PERSON)
        return person

    def change(self, identity: Identity, person_id: str, *, email: str | None = None,
               administrator: bool | None = None, disabled: bool | None = None) -> Person:  # fmt: skip
        """Change what is given. Nobody changes their own power, and one administrator always remains."""
        given: dict[str, Any] = {"email": email, "administrator": administrator, "disabled": disabled}
        values = {k: v for k, v in given.items() if v is not None}
        if not values:
            raise InvalidInput("Nothing to change; send email, administrator or disabled.")
        if person_id == identity.person_id and values.keys() & {"administrator", "disabled"}:
            raise PermissionDenied("Nobody changes their own power; ask another administrator.")
        entry = self._audit.entry(identity, "person.change", object=person_id, detail=values)

        def work(connection: Connection) -> Person:
            if rows.by_id(connection, person_id) is None:
                raise NotFound(_NO_PERSON)
            rows.change(connection, person_id, **values)
            power = values.keys() & {"administrator", "disabled"}
            if power and not rows.administrators(connection, with_password=False):
                raise Conflict("This would leave no administrator; make somebody else one first.")
            if disabled:
                rows.end_sessions(connection, person_id=person_id)
                rows.revoke(connection, entry.at_ms, person_id=person_id)
            self._audit.append(connection, entry)
            person = rows.by_id(connection, person_id)
            assert person is not None  # noqa: S101  # looked up above in the same unit
            return person

        return self._write(work)

    # ---- passwords
    def set_password(self, identity: Identity, person_id: str, new: str, *, current: str | None = None) -> None:
        """Set a password: one's own against the current one; administrators set anybody else's.

        Every session and token of the person ends with the old password.
        """
        person = self.get(person_id)
        hashed = self._database.read(lambda c: rows.password_hash(c, person_id))
        if person_id == identity.person_id:
            self._backoff.check(f"change {person_id}")
            if hashed is not None and not matches(current or "", hashed):
                self._backoff.failed(f"change {person_id}")
                raise PermissionDenied("The current password is wrong; nothing was changed.")
        elif not identity.administrator:
            raise NotFound(_NO_PERSON)
        fresh = hash_password(check_password(new, person.name))
        entry = self._audit.entry(identity, "person.password", object=person_id)
        self._write(lambda c: self._set_password(c, person_id, fresh, entry))

    def _set_password(self, connection: Connection, person_id: str, hashed: str, entry: AuditEntry) -> None:
        rows.change(connection, person_id, password_hash=hashed)
        rows.end_sessions(connection, person_id=person_id)
        rows.revoke(connection, entry.at_ms, person_id=person_id)
        self._audit.append(connection, entry)

    def login(self, name: str, password: str, *, ip: str = "") -> Person:
        """The person with this name and password; one answer for every reason why not, and slower after failures."""
        keys = (f"name {name[:250]} {ip}", f"ip {ip}")
        self._backoff.check(*keys)

        def look_up(connection: Connection) -> tuple[Person | None, str | None]:
            person = rows.by_name(connection, name)
            return person, rows.password_hash(connection, person.id) if person else None

        person, hashed = self._database.read(look_up)
        right = matches(password, hashed)
        tried = Identity(kind="anonymous", name=name[:80])
        if person is None or not right or person.disabled:
            self._backoff.failed(*keys)
            self._audit.note(tried, "login.failed", ip=ip)
            raise Unauthenticated("The name or the password is wrong.")
        self._backoff.succeeded(*keys)
        self._audit.record(self.identity_of(person, verified=True), "login", object=person.id, ip=ip)
        return person

    # ---- the first administrator
    def setup_needed(self) -> bool:
        return not self._database.read(lambda c: rows.administrators(c, with_password=True))

    def new_setup_token(self) -> str | None:
        """A fresh one-time token for making the first administrator; None once there is one. Voids the one before."""
        if not self.setup_needed():
            return None
        secret = "fls_" + secrets.token_urlsafe(32)
        self._database.write(lambda c: rows.replace_key(c, _SETUP_KEY, hash_of(secret)))
        return secret

    def setup(self, secret: str, name: str, password: str, *, ip: str = "") -> Person:
        """Make ``name`` the first administrator. Works once, with the token the server printed at its start."""
        self._backoff.check(f"setup {ip}")
        known = self._database.read(lambda c: rows.key(c, _SETUP_KEY))
        if known is None or not hmac.compare_digest(known, hash_of(secret)):
            self._backoff.failed(f"setup {ip}")
            self._audit.note(Identity(kind="anonymous", name=name[:80]), "setup.failed", ip=ip)
            raise Unauthenticated("The set-up token is wrong or used; the server prints a fresh one when it starts.")
        check_name(name, "person")
        hashed = hash_password(check_password(password, name))
        fresh = self._new(name, administrator=True)
        entry = self._audit.entry(Identity(kind="person", name=name, verified=True), "setup", object=name, ip=ip)

        def work(connection: Connection) -> Person:
            if rows.administrators(connection, with_password=True) or rows.key(connection, _SETUP_KEY) != known:
                raise Conflict("An administrator exists; log in, or ask them for an account.")
            person = rows.by_name(connection, name)
            if person is None:
                rows.add(connection, fresh)
            person_id = person.id if person else fresh.id
            rows.change(connection, person_id, administrator=True, disabled=False)
            self._set_password(connection, person_id, hashed, entry)
            rows.replace_key(connection, _SETUP_KEY, None)
            found = rows.by_id(connection, person_id)
            assert found is not None  # noqa: S101  # added above
            return found

        return self._write(work)

    # ---- roles
    def identity_of(self, person: Person, *, verified: bool, kind: str = "person",
                    token_project_id: str | None = None) -> Identity:  # fmt: skip
        """The identity ``person`` has now, with the role in every project."""
        mine = self._database.read(lambda c: rows.members(c, person_id=person.id))
        return Identity(kind=kind, person_id=person.id, name=person.name, verified=verified,
                        administrator=person.administrator, token_project_id=token_project_id,
                        roles={m.project_id: m.role for m in mine})  # fmt: skip

    def members(self, project_id: str) -> list[Membership]:
        return self._database.read(lambda c: rows.members(c, project_id=project_id))

    def set_member(self, identity: Identity, project_id: str, name: str, role: Role) -> Membership:
        """Give ``name`` the role in the project. Nobody gives themselves one."""
        person = self._other(identity, name)
        membership = Membership(project_id=project_id, person_id=person.id, name=person.name, role=role,
                                created_ms=self._clock.now_ms())  # fmt: skip
        entry = self._audit.entry(identity, "member.set", project_id=project_id, object=person.id,
                                  detail={"name": person.name, "role": role.value})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.set_member(connection, membership)
            self._audit.append(connection, entry)

        self._write(work)
        return membership

    def remove_member(self, identity: Identity, project_id: str, name: str) -> None:
        person = self._other(identity, name)
        entry = self._audit.entry(identity, "member.remove", project_id=project_id, object=person.id,
                                  detail={"name": person.name})  # fmt: skip

        def work(connection: Connection) -> None:
            if not rows.remove_member(connection, project_id, person.id):
                raise NotFound(f"{person.name} is no member of this project.")
            self._audit.append(connection, entry)

        self._write(work)

    def _other(self, identity: Identity, name: str) -> Person:
        person = self.find(name)
        if person.id == identity.person_id and not identity.administrator:
            raise PermissionDenied("Nobody changes their own role; ask another administrator of the project.")
        return person

    def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._database.write(work)
        finally:
            self.changed()

    def list(self) -> list[Person]:
        return self._database.read(rows.listed)
