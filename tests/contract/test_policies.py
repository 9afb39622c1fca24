"""Policy versions, votes and notices on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairloop.access.audit import Audit
from fairloop.access.people import People
from fairloop.core.clock import Clock
from fairloop.core.notices import Delivery
from fairloop.core.people import Identity, Role
from fairloop.core.signals import Signals
from fairloop.errors import Conflict, NotFound, PermissionDenied, Refused
from fairloop.loops.service import Loops
from fairloop.notices.outbox import Notices
from fairloop.projects.service import Projects
from fairloop.registry.service import Registry
from fairloop.storage import notices as rows
from fairloop.storage.engine import Database

ROOT = Identity(kind="person", name="root", administrator=True)
TWO = "approval: {role: manager, people: 2, expires: 1h, remind: [10m]}\n"


class World:
    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, Clock()
        audit = Audit(database, self.clock)
        self.people = People(database, self.clock, audit)
        self.notices = Notices(database, self.clock)
        self.loops = Loops(database, self.clock, Signals(), audit, self.notices)
        self.registry = Registry(database, self.clock, None)  # type: ignore[arg-type]
        self.project = Projects(database, self.clock).create("p").id
        self.audit = audit
        for name, role in (
            ("ana", Role.DATA_SCIENTIST),
            ("bo", Role.MANAGER),
            ("cy", Role.MANAGER),
            ("dee", Role.VIEWER),
        ):
            self.people.create(ROOT, name)
            self.people.set_member(ROOT, self.project, name, role)

    def who(self, name: str) -> Identity:
        return self.people.identity_of(self.people.find(name), verified=True)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database)


def test_a_version_for_each_change_and_two_people_for_each_once_two_are_asked_for(world: World) -> None:
    policies = world.loops.policies
    first = policies.set(world.project, TWO, world.who("bo"), "as agreed")
    assert (first.version, first.state) == (1, "active")
    assert policies.set(world.project, TWO, world.who("bo"), "again").version == 1  # nothing changed
    second = policies.set(world.project, "{}\n", world.who("bo"), "simpler")
    assert (second.version, second.state) == (2, "proposed")
    third = policies.set(world.project, "automatic: [release]\n", world.who("bo"), "simpler still")
    assert [(v.version, v.state) for v in policies.versions(world.project).items] == [
        (3, "proposed"), (2, "withdrawn"), (1, "active")]  # fmt: skip
    with pytest.raises(Refused, match="second person"):
        policies.decide(world.project, 3, world.who("bo"), confirm=True, reason="mine")
    with pytest.raises(Conflict):
        policies.decide(world.project, 2, world.who("cy"), confirm=True, reason="gone")
    assert policies.decide(world.project, 3, world.who("cy"), confirm=True, reason="fine").state == "active"
    assert policies.difference(world.project, third.version).splitlines()[-1] == "+automatic: [release]"
    assert policies.effective(world.project).automatic == ["release"]
    assert world.audit.verify().ok


def test_votes_and_delegations_are_kept_and_counted(world: World) -> None:
    world.loops.policies.set(world.project, TWO, world.who("bo"), "as agreed")
    version = world.registry.create_version(world.project, "m", files={}, user="ana")
    request = world.loops.ask(world.project, version, world.who("ana"), "please")
    assert request.expires_ms - request.requested_ms == 3_600_000
    until = world.clock.now_ms() + 3_600_000
    handed = world.loops.delegate(world.project, world.who("cy"), "dee", until, "on holiday")
    decide = world.loops.decide
    assert decide(world.project, request.id, world.who("bo"), approve=True, reason="good").decision == "waiting"
    with pytest.raises(Conflict, match="waits for a decision already"):
        world.loops.ask(world.project, version, world.who("ana"), "again")
    done = decide(world.project, request.id, world.who("dee"), approve=True, reason="for cy")
    assert (done.decision, done.decided_by) == ("approved", "bo, dee")
    assert [(v.person, v.on_behalf_of) for v in done.votes] == [("bo", ""), ("dee", "cy")]
    assert world.registry.version_by_id(world.project, version.id).decision == "approved"
    assert world.loops.policies.of_version(version).verdict.allowed
    world.loops.end_delegation(world.project, handed.id, world.who("cy"))
    with pytest.raises(PermissionDenied, match="asks for the role"):
        decide(world.project, world.loops.ask(world.project, world.registry.create_version(world.project, "n", files={}),
                                              world.who("ana"), "please").id, world.who("dee"), approve=True, reason="no more")  # fmt: skip


def test_a_reminder_once_and_then_the_expiry(world: World) -> None:
    world.loops.policies.set(world.project, TWO, world.who("bo"), "as agreed")
    version = world.registry.create_version(world.project, "m", files={}, user="ana")
    world.loops.ask(world.project, version, world.who("ana"), "please")
    for offset in (0, 3100, 3200, 3700, 3800):
        world.clock.offset_s = offset
        world.loops.tend()
    kinds = [n.kind for n in world.notices.inbox(world.who("cy")).items]
    assert sorted(kinds) == ["approval.expired", "approval.reminder", "approval.requested", "policy.changed"]
    told = world.notices.inbox(world.who("ana")).items
    assert [n.kind for n in told] == ["approval.expired"]  # who started it hears how it ended


def test_a_notice_under_one_key_is_told_once_and_only_to_whom_it_is_for(world: World) -> None:
    def add(key: str) -> str:
        return world.database.write(
            lambda c: world.notices.add(c, world.project, "mention", "a\r\nBcc: b", "text", ["dee", "nobody"], key=key)).id  # fmt: skip

    assert add("k") == add("k") != add("l")
    found = world.notices.inbox(world.who("dee")).items
    assert [n.subject for n in found] == ["a Bcc: b"] * 2
    assert world.notices.unread(world.who("bo")) == 0
    with pytest.raises(NotFound):
        world.notices.read(world.who("bo"), found[0].id)
    assert world.notices.read(world.who("dee"), found[0].id) == 1
    assert world.notices.unread(world.who("dee")) == 1
    world.people.remove_member(ROOT, world.project, "dee")
    assert world.notices.inbox(world.who("dee")).items == []  # who left is told nothing of it


def test_deliveries_keep_their_order_about_one_thing(world: World) -> None:
    def deliver(name: str, about: str, next_ms: int) -> None:
        notice = world.database.write(lambda c: world.notices.add(c, world.project, "mention", name, "t", ["dee"]))
        made = Delivery(
            id=name, project_id=world.project, notice_id=notice.id, channel_id="chn_1", next_ms=next_ms, about=about
        )
        world.database.write(lambda c: rows.add_delivery(c, made))

    for name, about, next_ms in (
        ("d1", "x", 50),
        ("d2", "x", 0),
        ("d3", "y", 0),
        ("d4", "y", 0),
        ("d5", "", 0),
        ("d6", "", 0),
    ):
        deliver(name, about, next_ms)
    due = world.database.read(lambda c: rows.due(c, 10, 100))
    assert [d.id for d in due] == ["d3", "d5", "d6"]  # d2 waits for d1, which failed and waits
    assert world.database.write(lambda c: rows.change_delivery(c, due[0], attempts=1))
    assert not world.database.write(lambda c: rows.change_delivery(c, due[0], attempts=1))  # somebody was faster
