"""People, tokens, sessions and the audit chain, on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from fairloop.access.audit import REQUEST, Audit
from fairloop.access.identities import Identities
from fairloop.access.keys import hash_of as hash_of_secret
from fairloop.access.people import People
from fairloop.access.sessions import IDLE_MS, LIFE_MS, Backoff, Sessions
from fairloop.access.tokens import DAY_MS, Tokens
from fairloop.core.audit import hash_of
from fairloop.core.clock import Clock
from fairloop.core.people import Identity, Role
from fairloop.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    TooManyRequests,
    Unauthenticated,
)
from fairloop.projects.service import Projects
from fairloop.storage import people as rows
from fairloop.storage.engine import Database
from fairloop.storage.tables import audit as audit_table
from fairloop.storage.tables import tokens as token_table

ROOT = Identity(kind="person", name="root", administrator=True, verified=True)
GOOD = "seven tall lamps hum"


class Access:
    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, Clock()
        self.audit = Audit(database, self.clock)
        self.people = People(database, self.clock, self.audit)
        self.tokens = Tokens(database, self.clock, self.audit)
        self.sessions = Sessions(database, self.clock)
        self.identities = Identities(self.people, self.tokens, self.sessions, self.clock)
        self.project = Projects(database, self.clock).create("p").id

    def person(self, name: str = "ann") -> Identity:
        return self.people.identity_of(self.people.create(ROOT, name), verified=True)


@pytest.fixture
def access(database: Database) -> Access:
    return Access(database)


# ---- audit
def test_the_chain_holds_under_concurrent_writers(access: Access) -> None:
    with ThreadPoolExecutor(8) as pool:
        for wait in [pool.submit(access.audit.record, ROOT, "did", object=str(i)) for i in range(60)]:
            wait.result()
    told = access.audit.verify()
    assert (told.ok, told.entries) == (True, 60)
    assert {e.object for e in access.audit.entries(limit=100).items} == {str(i) for i in range(60)}


@pytest.mark.parametrize("column", ["person", "action", "object", "detail", "at_ms", "verified", "ip", "project_id"])
def test_a_changed_entry_shows(access: Access, column: str) -> None:
    for i in range(5):
        access.audit.record(ROOT, "did", object=str(i), detail={"n": i})
    third = access.audit.entries().items[2].seq
    value = {"at_ms": 1, "verified": False, "detail": {"n": 99}}.get(column, "forged")
    access.database.write(
        lambda c: c.execute(update(audit_table).where(audit_table.c.seq == third).values({column: value})) and None
    )
    told = access.audit.verify()
    assert (told.ok, told.broken_seq) == (False, third)


def test_a_removed_entry_shows(access: Access) -> None:
    entries = [access.audit.record(ROOT, "did", object=str(i)) for i in range(5)]
    access.database.write(lambda c: c.execute(delete(audit_table).where(audit_table.c.seq == entries[2].seq)) and None)
    assert access.audit.verify().broken_seq == entries[3].seq


def test_an_entry_with_rehashed_content_breaks_its_successor(access: Access) -> None:
    entries = [access.audit.record(ROOT, "did", object=str(i)) for i in range(3)]
    forged = replace(entries[1], person="somebody else")
    values = {"person": forged.person, "hash": hash_of(forged, forged.previous)}
    access.database.write(
        lambda c: c.execute(update(audit_table).where(audit_table.c.seq == forged.seq).values(values)) and None
    )
    assert access.audit.verify().broken_seq == entries[2].seq


def test_pages_filters_and_request_context(access: Access) -> None:
    REQUEST.set(("10.0.0.1", "req1"))
    for i in range(7):
        access.audit.record(ROOT, "a" if i % 2 else "b", project_id=access.project, object=str(i))
    REQUEST.set(("", ""))
    access.audit.record(ROOT, "elsewhere")
    first = access.audit.entries(access.project, limit=3)
    second = access.audit.entries(access.project, limit=3, cursor=first.next)
    third = access.audit.entries(access.project, limit=3, cursor=second.next)
    assert [e.object for page in (first, second, third) for e in page.items] == list("6543210")
    assert third.next is None
    assert {(e.ip, e.request_id) for e in first.items} == {("10.0.0.1", "req1")}
    assert [e.object for e in access.audit.entries(access.project, action="a").items] == list("531")
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"limit": 5000}):
        with pytest.raises(InvalidInput):
            access.audit.entries(**wrong)  # type: ignore[arg-type]


# ---- people and roles
def test_every_decision_about_people_leaves_an_entry(access: Access) -> None:
    ann = access.person()
    access.people.set_member(ROOT, access.project, "ann", Role.MANAGER)
    access.people.remove_member(ROOT, access.project, "ann")
    access.people.change(ROOT, ann.person_id, email="a@example.org")
    made = access.tokens.create(ann, "laptop")
    access.tokens.revoke(ann, made.token.id)
    actions = [e.action for e in access.audit.entries().items][::-1]
    assert actions == [
        "person.create",
        "member.set",
        "member.remove",
        "person.change",
        "token.create",
        "token.revoke",
    ]


def test_names_are_unique_and_checked(access: Access) -> None:
    access.person()
    with pytest.raises(AlreadyExists, match="'ann' exists"):
        access.person()
    for name in ("", "../x", "a/b", "con", "x" * 251, "\u202eann"):
        with pytest.raises(InvalidInput, match="cannot name a person"):
            access.people.create(ROOT, name)


def test_one_administrator_always_remains(access: Access) -> None:
    boss = access.people.create(ROOT, "boss", administrator=True)
    with pytest.raises(Conflict, match="no administrator"):
        access.people.change(ROOT, boss.id, administrator=False)
    with pytest.raises(Conflict, match="no administrator"):
        access.people.change(ROOT, boss.id, disabled=True)
    assert access.people.get(boss.id).administrator


def test_nobody_changes_their_own_power(access: Access) -> None:
    ann = access.person()
    with pytest.raises(PermissionDenied, match="own role"):
        access.people.set_member(ann, access.project, "ann", Role.ADMINISTRATOR)
    with pytest.raises(PermissionDenied, match="own power"):
        access.people.change(ann, ann.person_id, administrator=True)


def test_a_role_is_seen_at_once(access: Access) -> None:
    access.person()
    assert access.identities.look_up("person", "ann").roles == {}  # type: ignore[union-attr]
    access.people.set_member(ROOT, access.project, "ann", Role.VIEWER)
    assert access.identities.known("person", "ann") == (False, None)
    assert access.identities.look_up("person", "ann").roles == {access.project: Role.VIEWER}  # type: ignore[union-attr]


def test_what_another_server_changed_is_seen_within_a_second(access: Access) -> None:
    ann = access.person()
    secret = access.tokens.create(ann, "t").secret
    assert access.identities.look_up("token", secret) is not None
    assert access.identities.known("token", secret)[0]
    access.database.write(lambda c: c.execute(update(token_table).values(revoked_ms=1)) and None)
    access.clock.offset_s += 1.01
    assert not access.identities.known("token", secret)[0]
    assert access.identities.look_up("token", secret) is None


def test_logins(access: Access) -> None:
    access.people.create(ROOT, "ann", password=GOOD)
    assert access.people.login("ann", GOOD).name == "ann"
    for name, password in (("ann", "wrong"), ("ann", ""), ("eve", GOOD), ("", "")):
        with pytest.raises(Unauthenticated, match="name or the password is wrong"):
            access.people.login(name, password)


# ---- tokens and sessions
def test_tokens_are_stored_as_hashes_and_expire(access: Access) -> None:
    ann = access.person()
    made = access.tokens.create(ann, "laptop")
    assert made.secret.startswith("flp_")
    assert len(made.secret) >= 4 + 43  # 256 bits
    stored = access.database.read(lambda c: c.execute(select(token_table)).mappings().one())
    assert made.secret not in str(dict(stored))
    assert made.token.expires_ms - made.token.created_ms == 90 * DAY_MS
    assert access.tokens.check(made.secret) is not None
    access.clock.offset_s += 90 * 86_400 + 1
    assert access.tokens.check(made.secret) is None


def test_the_use_of_a_token_is_noted(access: Access) -> None:
    made = access.tokens.create(access.person(), "laptop")
    assert made.token.last_used_ms is None
    access.tokens.check(made.secret)
    for _ in range(200):  # the note is written behind
        if access.tokens.of(made.token.person_id)[0].last_used_ms is not None:
            break
        time.sleep(0.01)
    assert access.tokens.of(made.token.person_id)[0].last_used_ms is not None


def test_token_limits(access: Access) -> None:
    ann = access.person()
    for days in (0, -1, 400, float("nan")):
        with pytest.raises(InvalidInput, match="days"):
            access.tokens.create(ann, "x", days=days)
    with pytest.raises(PermissionDenied):
        access.tokens.create(Identity(kind="worker", token_project_id=access.project), "x")
    with pytest.raises(NotFound):
        access.tokens.revoke(ann, "tok_none")


def test_nobody_revokes_another_persons_token(access: Access) -> None:
    made = access.tokens.create(access.person("ann"), "x")
    with pytest.raises(NotFound):
        access.tokens.revoke(access.person("eve"), made.token.id)
    assert access.tokens.check(made.secret) is not None
    access.tokens.revoke(ROOT, made.token.id)
    assert access.tokens.check(made.secret) is None


def test_worker_tokens_cannot_be_forged_or_moved(access: Access) -> None:
    token = access.tokens.worker_token(access.project, "w1")
    assert access.tokens.check_worker(token) == (access.project, "w1")
    again = Tokens(access.database, access.clock, access.audit)
    assert again.check_worker(token) == (access.project, "w1")
    head, name, mac = token.split(".")
    for forged in (
        f"flw_prj_other.{name}.{mac}",
        f"{head}.w2.{mac}",
        f"{head}.{name}.{'0' * 64}",
        token[:-1],
        "flw_..",
        "",
    ):
        assert access.tokens.check_worker(forged) is None


def test_endpoints_learn_the_hashes_that_reach_their_project(access: Access) -> None:
    ann, other = access.person(), Projects(access.database, access.clock).create("q").id
    wide, narrow = (
        access.tokens.create(ann, "wide"),
        access.tokens.create(ann, "narrow", project_id=access.project),
    )
    gone = access.tokens.create(ann, "gone")
    access.tokens.revoke(ann, gone.token.id)
    assert len(access.tokens.hashes(access.project)) == 2
    assert len(access.tokens.hashes(other)) == 1
    assert {p for _, p in access.tokens.hashes(other)} == {ann.person_id}
    assert wide.secret != narrow.secret


def test_sessions_end_by_idleness_and_age(access: Access) -> None:
    ann = access.person()
    secret = access.sessions.start(ann.person_id)
    assert access.sessions.check(secret) is not None
    access.clock.offset_s += IDLE_MS / 1000 + 1
    assert access.sessions.check(secret) is None
    busy = access.sessions.start(ann.person_id)
    for _ in range(int(LIFE_MS / IDLE_MS) * 2 - 1):
        access.clock.offset_s += IDLE_MS / 2000
        assert access.sessions.check(busy) is not None
        _until_noted(access, busy)
    access.clock.offset_s += IDLE_MS / 1000
    assert access.sessions.check(busy) is None


def test_backoff_doubles_forgets_and_stays_small() -> None:
    clock = Clock()
    backoff = Backoff(clock, free=3, longest_s=60, most_keys=5)
    for _ in range(3):
        backoff.check("ann")
        backoff.failed("ann")
    with pytest.raises(TooManyRequests, match=r"again in 1 s"):
        backoff.check("ann")
    backoff.check("eve")
    clock.offset_s += 1.1
    backoff.check("ann")
    for _ in range(20):
        backoff.failed("ann")
    clock.offset_s += 60.1
    backoff.check("ann")
    backoff.failed("ann")
    backoff.succeeded("ann")
    backoff.check("ann")
    for i in range(50):
        backoff.failed(f"stranger{i}")
    assert len(backoff._failures) == 5


def _until_noted(access: Access, secret: str) -> None:
    """The use of a session is written behind."""
    for _ in range(500):
        found = access.database.read(lambda c: rows.session(c, hash_of_secret(secret)))
        if found is not None and access.clock.now_ms() - found.seen_ms < 60_000:
            return
        time.sleep(0.01)
