"""Discussion, invitations and appeals on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fairloop.access.audit import Audit
from fairloop.access.invitations import Invitations
from fairloop.access.limits import Rate
from fairloop.access.people import People
from fairloop.access.sessions import Sessions
from fairloop.core.appeals import METRIC, Judged
from fairloop.core.checks import Check, Verdict, judge
from fairloop.core.clock import Clock
from fairloop.core.cycles import ApprovalRequest, Cycle, Stage
from fairloop.core.discussion import Comment
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint
from fairloop.core.people import Identity, Role
from fairloop.core.signals import Signals
from fairloop.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Refused,
    TooManyRequests,
)
from fairloop.monitoring import appeals as appeals_module
from fairloop.monitoring.appeal_alerts import AppealAlerts
from fairloop.monitoring.appeals import Appeals
from fairloop.notices.outbox import Notices
from fairloop.pipelines.service import Pipelines
from fairloop.pipelines.waiting import Waiters
from fairloop.projects.discussion import Discussion, mentioned
from fairloop.projects.service import Projects
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage import loops as loop_rows
from fairloop.storage import monitors as monitor_rows
from fairloop.storage.engine import Database
from fairloop.storage.tables import invitations as invitation_table
from fairloop.storage.tables import pipeline_runs

ROOT = Identity(kind="person", name="root", administrator=True, verified=True)
ANN = Identity(kind="person", name="ann", verified=True)
EVE = Identity(kind="person", name="eve", verified=True)
GOOD = "seven tall lamps hum"
WHY = "The form has no field for it."


@dataclass
class Told:
    deployment_id: str
    positive: bool | None


class World:
    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, Clock()
        self.audit = Audit(database, self.clock)
        self.people = People(database, self.clock, self.audit)
        self.sessions = Sessions(database, self.clock)
        self.project = Projects(database, self.clock).create("p").id
        self.told: list[tuple[Comment, list[str]]] = []
        self.discussion = Discussion(
            database, self.clock, self.audit, exists=self._exists, names=lambda _: ["ann", "eve", "Maya Lindqvist", "Maya"],
            told=lambda _, comment, names: self.told.append((comment, names)))  # fmt: skip
        self.invitations = Invitations(database, self.clock, self.audit, self.people, secured=True)
        self.labels: list[tuple[str, Any]] = []
        self.known: dict[str, Told] = {}
        signals, waiters = Signals(), Waiters()
        self.appeals = Appeals(database, self.clock, signals, self.audit, read=self._read,
                               label=lambda a: self.labels.append((a.prediction_id, a.label)), positive=lambda _: ">50K")  # fmt: skip
        pipelines = Pipelines(database, self.clock, signals, waiters)
        self.alerts = AppealAlerts(database, self.clock, signals, self.appeals, pipelines, Notices(database, self.clock),
                                   lambda e: Path("/nowhere") / e)  # fmt: skip

    @staticmethod
    def _exists(project_id: str, kind: str, subject_id: str) -> None:
        if subject_id != "cyc_1":
            raise NotFound("No such object, or you may not see it.")

    def _read(self, prediction_id: str) -> Told:
        if prediction_id not in self.known:
            raise NotFound("No such prediction.")
        return self.known[prediction_id]

    def serve(self) -> None:
        def work(connection: Any) -> None:
            endpoint_rows.add_endpoint(connection, Endpoint(id="end_1", project_id=self.project, name="income", state="up", loop="income"))  # fmt: skip
            for name, state in (("dep_1", DeploymentState.LIVE), ("dep_0", DeploymentState.RETIRED)):
                endpoint_rows.add_deployment(connection, Deployment(
                    id=name, project_id=self.project, endpoint_id="end_1", model_version_id=f"ver_{name}", share=100, state=state))  # fmt: skip

        self.database.write(work)
        for n in range(40):
            self.known[f"prd_{n}"] = Told("dep_1", n % 2 == 0)
        self.known["prd_score"] = Told("dep_1", None)
        self.known["prd_elsewhere"] = Told("dep_9", True)

    def file(self, prediction_id: str, address: str = "10.0.0.1") -> str:
        return self.appeals.file("end_1", prediction_id, WHY, address=address).code

    def decide(self, prediction_id: str, *, uphold: bool = True, identity: Identity = ANN, **more: Any) -> Any:
        found = next(
            a for a in self.appeals.page(self.project, "open", limit=1000).items if a.prediction_id == prediction_id
        )
        return self.appeals.decide(self.project, found.id, identity, uphold=uphold, reason="Looked at it.", **more)

    def actions(self) -> list[str]:
        return [e.action for e in self.audit.entries(limit=1000).items]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


# ------------------------------------------------------------------ discussion
def say(world: World, body: str, who: Identity = ANN) -> Comment:
    return world.discussion.add(world.project, "cycle", "cyc_1", who, body)


def test_a_comment_is_changed_by_its_author_and_deleted_with_a_mark(world: World) -> None:
    made = say(world, "  Why did the gap grow?\r\nAsk @eve. ")
    assert made.body == "Why did the gap grow?\nAsk @eve."
    assert made.mentions == ["eve"]
    assert [names for _, names in world.told] == [["eve"]]
    with pytest.raises(PermissionDenied, match="ann's"):
        world.discussion.edit(world.project, made.id, EVE, "mine now")
    changed = world.discussion.edit(world.project, made.id, ANN, "Why? @eve @Maya Lindqvist")
    assert changed.edited_ms is not None
    assert [names for _, names in world.told] == [["eve"], ["Maya Lindqvist"]]  # eve knows already
    with pytest.raises(PermissionDenied):
        world.discussion.delete(world.project, made.id, EVE)
    gone = world.discussion.delete(world.project, made.id, EVE, administrator=True)
    kept = world.discussion.get(world.project, made.id)
    assert (kept.body, kept.mentions, kept.deleted_ms) == ("", [], gone.deleted_ms)
    for act in (lambda: world.discussion.delete(world.project, made.id, ANN), lambda: world.discussion.edit(world.project, made.id, ANN, "x")):  # fmt: skip
        with pytest.raises(Conflict):
            act()
    assert world.actions()[:2] == ["comment.delete", "comment.edit"]


def test_threads_and_comments_come_by_pages(world: World) -> None:
    made = []
    for n in range(7):
        world.clock.offset_s += 1
        made.append(say(world, f"number {n}").id)
    first = world.discussion.listed(world.project, "cycle", "cyc_1", limit=3)
    rest = world.discussion.listed(world.project, limit=100, cursor=first.next)
    assert [c.id for c in [*first.items, *rest.items]] == made[::-1]
    [thread] = world.discussion.threads(world.project).items
    assert (thread.comments, thread.last.id) == (7, made[-1])
    assert not world.discussion.listed("another").items


def test_a_comment_needs_words_an_object_and_a_limit(world: World) -> None:
    for body in ("", "   ", "\0", "x" * 8001):
        with pytest.raises(InvalidInput):
            say(world, body)
    with pytest.raises(InvalidInput, match="cannot be talked about"):
        world.discussion.add(world.project, "secret", "cyc_1", ANN, "x")
    with pytest.raises(NotFound):
        world.discussion.add(world.project, "cycle", "cyc_2", ANN, "x")
    with pytest.raises(NotFound):
        world.discussion.get("another", say(world, "x").id)


def test_names_are_found_whole_and_once() -> None:
    names = ["ann", "Maya Lindqvist", "Maya", "x.y"]
    assert mentioned("@ann @ANN, (@Maya Lindqvist) a@ann.org @anna @x.y", names) == ["ann", "Maya Lindqvist", "x.y"]
    assert mentioned("@nobody", names) == []


# ------------------------------------------------------------------ invitations
def test_an_invitation_works_once_and_is_kept_as_a_hash(world: World) -> None:
    made = world.invitations.invite(ROOT, world.project, Role.MANAGER, email="mira@example.org")
    stored = world.database.read(lambda c: str(c.execute(select(invitation_table)).mappings().all()))
    assert made.secret not in stored
    with pytest.raises(InvalidInput):
        world.invitations.accept(made.secret, "mira", "short")
    person = world.invitations.accept(made.secret, "mira", GOOD)
    assert world.people.login("mira", GOOD).id == person.id
    assert [(m.name, m.role) for m in world.people.members(world.project)] == [("mira", Role.MANAGER)]
    with pytest.raises(NotFound, match="unknown, used or over"):
        world.invitations.accept(made.secret, "other", GOOD)
    [listed] = world.invitations.listed(world.project)
    assert (listed.accepted_by, world.invitations.state(listed)) == ("mira", "accepted")
    assert world.actions()[1:3] == ["invitation.accept", "invitation.create"]


def test_an_invitation_ends_by_time_and_by_hand(world: World) -> None:
    late = world.invitations.invite(ROOT, world.project, Role.VIEWER, days=1)
    ended = world.invitations.invite(ROOT, world.project, Role.VIEWER)
    world.invitations.revoke(ROOT, world.project, ended.invitation.id)
    world.clock.offset_s += 2 * 86_400
    for secret in (late.secret, ended.secret, "fli_guessed", "nonsense"):
        with pytest.raises(NotFound, match="unknown, used or over"):
            world.invitations.find(secret)
    with pytest.raises(Conflict):
        world.invitations.revoke(ROOT, world.project, ended.invitation.id)
    with pytest.raises(NotFound):
        world.invitations.revoke(ROOT, "another", ended.invitation.id)
    for days in (0.0, 31.0):
        with pytest.raises(InvalidInput):
            world.invitations.invite(ROOT, world.project, Role.VIEWER, days=days)


def test_guessing_invitations_is_slowed(world: World) -> None:
    for _ in range(6):
        with pytest.raises((NotFound, TooManyRequests)):
            world.invitations.find("fli_guessed", ip="10.0.0.9")
    with pytest.raises(TooManyRequests):
        world.invitations.find("fli_guessed", ip="10.0.0.9")


def test_a_name_may_be_set_and_a_taken_one_is_refused(world: World) -> None:
    world.people.create(ROOT, "ann", password=GOOD)
    with pytest.raises(AlreadyExists):
        world.invitations.invite(ROOT, world.project, Role.VIEWER, name="ann")
    free = world.invitations.invite(ROOT, world.project, Role.VIEWER)
    with pytest.raises(AlreadyExists):
        world.invitations.accept(free.secret, "ann", GOOD)
    ann = world.people.identity_of(world.people.find("ann"), verified=True)
    assert world.invitations.join(free.secret, ann).role is Role.VIEWER
    fixed = world.invitations.invite(ROOT, world.project, Role.AUDITOR, name="Aldo")
    assert world.invitations.accept(fixed.secret, "somebody else", GOOD).name == "Aldo"
    again = world.invitations.invite(ROOT, world.project, Role.ADMINISTRATOR)
    member = world.people.identity_of(world.people.find("ann"), verified=True)
    with pytest.raises(Conflict, match="member of this project already"):
        world.invitations.join(again.secret, member)  # nobody raises their own role with a link
    with pytest.raises(Refused):
        world.invitations.join(again.secret, Identity(kind="anonymous"))


def test_a_local_server_invites_nobody(world: World) -> None:
    local = Invitations(world.database, world.clock, world.audit, world.people, secured=False)
    with pytest.raises(Refused, match="nobody logs in"):
        local.invite(ROOT, world.project, Role.VIEWER)


# ------------------------------------------------------------------ appeals
def test_strangers_learn_nothing_and_change_nothing(world: World) -> None:
    world.serve()
    answers = {
        world.appeals.file("end_1", i, WHY, address="a").words for i in ("prd_1", "prd_unknown", "prd_elsewhere", "")
    }
    assert len(answers) == 1
    assert [a.prediction_id for a in world.appeals.page(world.project).items] == ["prd_1"]
    assert world.actions()[:4] == ["appeal.unknown", "appeal.unknown", "appeal.unknown", "appeal.file"]
    assert all(e.ip == "not kept" for e in world.audit.entries(limit=4).items)
    world.alerts.tick()
    assert not world.labels
    assert not world.database.read(lambda c: monitor_rows.listed_alerts(c, world.project))


def test_a_receipt_opens_the_answer_and_only_that(world: World) -> None:
    world.serve()
    known, unknown = world.file("prd_1"), world.file("prd_unknown")
    assert world.appeals.answer(known) == world.appeals.answer(unknown)
    world.decide("prd_1", uphold=False)
    assert world.appeals.answer(known).words == "Not upheld: the answer stands. Looked at it."
    assert world.appeals.answer(unknown).state == "open"
    for wrong in (known[:-1] + ("0" if known[-1] != "0" else "1"), "apc_x.y", "", "x"):
        with pytest.raises(NotFound, match="no code of ours"):
            world.appeals.answer(wrong)


def test_one_decision_answers_everybody_and_labels_once(world: World) -> None:
    world.serve()
    codes = [world.file("prd_1", address=f"10.0.0.{n}") for n in range(3)]
    assert world.decide("prd_1").label == ">50K"  # the model said no
    assert {world.appeals.answer(code).state for code in codes} == {"upheld"}
    world.alerts.tick()
    world.alerts.tick()
    assert world.labels == [("prd_1", ">50K")]
    summary = world.appeals.summary("ver_dep_1")
    assert (summary.predictions, summary.upheld, summary.open) == (1, 1, 0)
    world.file("prd_2")
    assert world.decide("prd_2").label is False  # the model said yes
    world.file("prd_score")
    assert world.decide("prd_score").label is None
    world.file("prd_4")
    assert world.decide("prd_4", label="a third answer").label == "a third answer"


def test_a_label_that_could_not_be_written_is_written_later(world: World) -> None:
    world.serve()
    world.file("prd_1")
    world.decide("prd_1")
    send, full = world.appeals._label, True

    def label(appeal: Any) -> None:
        if full:
            raise OSError("disk full")
        send(appeal)

    world.appeals._label = label
    world.alerts.tick()
    assert not world.labels
    full = False
    world.alerts.tick()
    assert len(world.labels) == 1


def test_floods_are_bounded_by_address_by_all_and_by_prediction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appeals_module, "MOST_OF_ONE", 20)
    world.serve()
    for _ in range(10):
        world.file("prd_1", "one")
    with pytest.raises(TooManyRequests, match="too often"):
        world.file("prd_2", "one")
    world.clock.offset_s += 3601
    for n in range(12):
        world.file("prd_1", f"address {n}")
    assert len(world.appeals.page(world.project).items) == 20
    assert max(world.appeals.from_one_place(world.project).values()) == 10
    with pytest.raises(TooManyRequests):
        world.appeals.file_for(world.project, "income", ANN, "prd_1", WHY)
    rate = Rate(world.clock, each=5, together=8, span_s=60)
    for n in range(8):
        rate.take(str(n))
    with pytest.raises(TooManyRequests, match="60 s"):
        rate.take("another")


def test_the_author_does_not_judge_complaints_where_two_people_are_asked_for(world: World) -> None:
    world.serve()
    cycle = Cycle(id="cyc_1", project_id=world.project, loop="income", loop_id="l", number=1, stage=Stage.LIVE, trigger={},
                  model_version_id="ver_dep_1", author="ann")  # fmt: skip
    request = ApprovalRequest(id="apr_1", project_id=world.project, cycle_id="cyc_1", model_version_id="ver_dep_1",
                              role="manager", two_person=True, author="ann")  # fmt: skip
    world.database.write(lambda c: (loop_rows.add_cycle(c, cycle), loop_rows.add_approval(c, request)))
    world.file("prd_1")
    with pytest.raises(Refused, match="second person"):
        world.decide("prd_1", identity=ANN)
    assert world.decide("prd_1", identity=EVE).state == "upheld"


def test_a_decision_needs_a_reason_and_an_appeal_of_this_project(world: World) -> None:
    world.serve()
    world.file("prd_1")
    [found] = world.appeals.page(world.project).items
    with pytest.raises(InvalidInput, match="reason"):
        world.appeals.decide(world.project, found.id, ANN, uphold=True, reason=" ")
    with pytest.raises(InvalidInput, match="right answer"):
        world.appeals.decide(world.project, found.id, ANN, uphold=True, reason="good", label={"a": 1})
    for call in (world.appeals.get, lambda p, i: world.appeals.decide(p, i, ANN, uphold=True, reason="good")):
        with pytest.raises(NotFound):
            call("another", found.id)


def test_appeals_come_by_pages(world: World) -> None:
    world.serve()
    for n in range(7):
        world.file(f"prd_{n}", f"a{n}")
    first = world.appeals.page(world.project, limit=3)
    rest = world.appeals.page(world.project, limit=100, cursor=first.next)
    assert len({a.id for a in [*first.items, *rest.items]}) == 7
    for wrong in ("x", "1", "-"):
        with pytest.raises(InvalidInput):
            world.appeals.page(world.project, cursor=wrong)
    with pytest.raises(InvalidInput):
        world.appeals.page(world.project, "maybe")


def failing() -> Verdict:
    return judge(Check(metric=METRIC, at_most=1.25, by="sex"), 3.0, 1.5, 6.0, n=20, method="m",
                 detail={"words": "Appeals of women are upheld more often."})  # fmt: skip


def test_a_failing_comparison_opens_one_alert_and_counts_anew_when_it_is_resolved(world: World) -> None:
    world.serve()
    for n in (1, 3):
        world.file(f"prd_{n}")
        world.decide(f"prd_{n}")
    asked = world.alerts.judging(world.project, "income")
    assert [u.prediction_id for u in asked.upheld] == ["prd_1", "prd_3"]
    assert asked.deployments == ["dep_1"]
    for _ in range(2):
        world.alerts.record(world.project, "income", Judged(asked=asked.asked, verdicts={"dep_1": [failing()], "dep_0": [failing()]}))  # fmt: skip
    [alert] = world.database.read(lambda c: monitor_rows.listed_alerts(c, world.project))
    assert alert.words == "Appeals of women are upheld more often."
    now = world.clock.now_ms() + 10
    world.database.write(lambda c: monitor_rows.change_alert(c, alert.id, ("open",), state="resolved", updated_ms=now))
    assert world.alerts.judging(world.project, "income").upheld == []


def test_a_comparison_starts_once_for_each_decision(world: World) -> None:
    world.serve()

    def started() -> int:
        world.alerts.tick()
        return len(world.database.read(lambda c: c.execute(select(pipeline_runs.c.id)).all()))

    assert started() == 0
    world.file("prd_1")
    assert started() == 0  # nobody has decided
    world.decide("prd_1")
    assert [started(), started()] == [1, 1]
    asked = world.alerts.judging(world.project, "income")
    world.alerts.record(world.project, "income", Judged(asked=asked.asked, verdicts={}))
    assert started() == 1
