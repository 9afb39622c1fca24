from __future__ import annotations

import pytest

from fairloop.access.audit import Audit
from fairloop.core.checks import Check
from fairloop.core.clock import Clock
from fairloop.core.cycles import ApprovalRequest, Stage
from fairloop.core.ids import new_id
from fairloop.core.loops import Bias, Data, Drift, LoopDefinition, gate
from fairloop.core.people import Identity, Role
from fairloop.core.pipelines import Capture, Graph, StepSpec
from fairloop.core.policy import Approval
from fairloop.core.signals import Signals
from fairloop.errors import Conflict, InvalidInput, NotFound, PermissionDenied, Refused
from fairloop.loops.service import Loops, watched_limits
from fairloop.notices.outbox import Notices
from fairloop.projects.service import Projects


def graph(**changes):
    steps = [
        StepSpec(key="fit", name="fit", function={"module": "m", "qualname": "fit"}, returns="model"),
        StepSpec(key="candidate", name="candidate", function={"module": "e", "qualname": "judge"}, returns="candidate"),
    ]
    return Graph(**{"name": "train", "steps": steps, "params": {"people": {"table": True}}, **changes})


def definition(**changes):
    values = {"name": "income", "data": Data("adult", target="income", sensitive=["sex"]),
              "gates": [gate("roc_auc", at_least=0.8)], "mitigate": ["reweighing"]}  # fmt: skip
    return LoopDefinition(**{**values, **changes})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def loops(database, clock):
    return Loops(database, clock, Signals(), Audit(database, clock), Notices(database, clock))


@pytest.fixture
def project(database, clock):
    return Projects(database, clock).create("here").id


@pytest.fixture
def elsewhere(database, clock):
    return Projects(database, clock).create("elsewhere").id


def person(name, project_id, role):
    return Identity(kind="person", person_id=name, name=name, roles={project_id: role})


def start(loops, project, **changes):
    values = {"trigger": {"kind": "person", "by": "ada", "words": "go"}, "author": "ada", "dataset_version_id": "dsv_1"}
    return loops.start_cycle(project, "income", **{**values, **changes})


def waiting(loops, project, clock, **changes):
    """A cycle that waits for approval, and its request."""
    loops.register(project, definition(), graph(), Capture(), "ada")
    cycle = start(loops, project)
    request = ApprovalRequest(**{"id": new_id("apr"), "project_id": project, "cycle_id": cycle.id,
                                 "model_version_id": "mdv_1", "role": "manager", "author": "ada",
                                 "requested_ms": clock.now_ms(), "expires_ms": clock.now_ms() + 60_000, **changes})  # fmt: skip
    assert loops.move(cycle, "gate", "passed", approval=request, stage=Stage.APPROVE)
    return loops.cycle(project, cycle.id), request


def test_registering_the_same_definition_twice_makes_one_version(loops, project):
    first = loops.register(project, definition(), graph(), Capture(), "ada")
    assert loops.register(project, definition(), graph(), Capture(), "bo").version == first.version == 1
    assert loops.register(project, definition(goal="other"), graph(), Capture(), "ada").version == 2
    assert [loop.version for loop in loops.loops(project)] == [2]


@pytest.mark.parametrize(("changes", "told"), [
    ({"steps": graph().steps[:1]}, "fl.candidate"),
    ({"steps": graph().steps[1:]}, "returns fl.Model"),
    ({"params": {}}, "exactly one fl.Table"),
])  # fmt: skip
def test_a_pipeline_that_cannot_turn_the_loop_is_refused(loops, project, changes, told):
    with pytest.raises(InvalidInput, match=told):
        loops.register(project, definition(), graph(**changes), Capture(), "ada")
    assert loops.loops(project) == []


def test_an_approval_by_a_role_that_may_not_approve_is_refused(loops, project):
    with pytest.raises(InvalidInput, match="viewer"):
        loops.register(project, definition(approval=Approval(role="viewer")), graph(), Capture(), "ada")


def test_one_turn_at_a_time_and_numbers_count_up(loops, project):
    loops.register(project, definition(), graph(), Capture(), "ada")
    first = start(loops, project)
    with pytest.raises(Conflict, match="under way"):
        start(loops, project)
    loops.move(first, "refused", "no", stage=Stage.REFUSED)
    assert start(loops, project).number == 2


def test_the_check_an_alert_failed_becomes_a_gate_and_so_do_the_other_watched_limits(loops, project):
    watch = [Drift(), Bias("demographic_parity_difference", at_most=0.12, by="sex"),
             Bias("equalized_odds_difference", at_most=0.2, by="sex")]  # fmt: skip
    told = definition(watch=watch)
    loops.register(project, told, graph(), Capture(), "ada")
    failed = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")
    cycle = start(loops, project, extra_gates=[failed, *watched_limits(told)],
                  trigger={"kind": "alert", "alert_id": "alr_1", "words": "gap"})  # fmt: skip
    assert [g.metric for g in cycle.gates] == ["roc_auc", "demographic_parity_difference", "equalized_odds_difference"]
    assert cycle.stage is Stage.DATA


def test_a_cycle_moves_only_from_where_it_was_seen(loops, project):
    loops.register(project, definition(), graph(), Capture(), "ada")
    cycle = start(loops, project)
    assert loops.move(cycle, "chosen", "one", stage=Stage.GATE)
    assert not loops.move(cycle, "chosen", "two", stage=Stage.REFUSED)
    assert [e.text for e in loops.events(project, cycle.id)] == ["go", "one"]


def test_another_projects_cycle_is_missing(loops, project, elsewhere):
    loops.register(project, definition(), graph(), Capture(), "ada")
    cycle = start(loops, project)
    with pytest.raises(NotFound) as theirs:
        loops.cycle(elsewhere, cycle.id)
    with pytest.raises(NotFound) as nobodys:
        loops.cycle(elsewhere, "cyc_none")
    assert str(theirs.value) == str(nobodys.value)


def test_a_manager_decides_once_with_a_reason(loops, project, clock, database):
    cycle, request = waiting(loops, project, clock)
    grace = person("grace", project, Role.MANAGER)
    with pytest.raises(InvalidInput, match="reason"):
        loops.decide(project, request.id, grace, approve=True, reason="  ")
    done = loops.decide(project, request.id, grace, approve=True, reason="The gap is inside our policy.")
    assert (done.decision, done.decided_by, done.verified) == ("approved", "grace", False)
    with pytest.raises(Conflict, match="already approved"):
        loops.decide(project, request.id, grace, approve=False, reason="changed my mind")
    assert "grace approved it" in loops.events(project, cycle.id)[-1].text
    assert Audit(database, clock).verify()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DATA_SCIENTIST, Role.ML_ENGINEER, Role.AUDITOR])
def test_other_roles_may_not_decide(loops, project, clock, role):
    _, request = waiting(loops, project, clock)
    with pytest.raises(PermissionDenied, match="manager"):
        loops.decide(project, request.id, person("eve", project, role), approve=True, reason="let me")
    assert loops.approval(project, request.id).decision == "waiting"


def test_two_persons_means_not_the_author(loops, project, clock):
    _, request = waiting(loops, project, clock, two_person=True)
    with pytest.raises(Refused, match="second person"):
        loops.decide(project, request.id, person("ada", project, Role.MANAGER), approve=True, reason="mine is good")
    assert loops.decide(project, request.id, person("bo", project, Role.MANAGER), approve=True, reason="looks right")


def test_an_expired_request_cannot_be_approved(loops, project, clock):
    _, request = waiting(loops, project, clock)
    clock.offset_s = 120
    with pytest.raises(Conflict, match="expired"):
        loops.decide(project, request.id, person("grace", project, Role.MANAGER), approve=True, reason="too late")


def test_cycles_come_in_pages_newest_first(loops, project, clock):
    loops.register(project, definition(), graph(), Capture(), "ada")
    for _ in range(5):
        clock.offset_s += 1
        loops.move(start(loops, project), "refused", "no", stage=Stage.REFUSED)
    first = loops.cycles(project, limit=2)
    second = loops.cycles(project, limit=2, cursor=first.next)
    assert [c.number for c in [*first.items, *second.items]] == [5, 4, 3, 2]
    with pytest.raises(InvalidInput, match="cursor"):
        loops.cycles(project, cursor="abc")


def test_cancelling_ends_a_cycle_once(loops, project):
    loops.register(project, definition(), graph(), Capture(), "ada")
    cycle = start(loops, project)
    ada = person("ada", project, Role.DATA_SCIENTIST)
    assert loops.cancel(project, cycle.id, ada, "wrong data").stage is Stage.CANCELLED
    with pytest.raises(Conflict, match="over"):
        loops.cancel(project, cycle.id, ada, "again")


def test_nobody_is_asked_about_a_cycle_that_is_over(loops, project, clock):
    cycle, request = waiting(loops, project, clock)
    loops.cancel(project, cycle.id, person("ada", project, Role.DATA_SCIENTIST), "wrong data")
    closed = loops.approval(project, request.id)
    assert (closed.decision, closed.reason) == ("expired", "The cycle ended cancelled.")
    with pytest.raises(Conflict, match="already expired"):
        loops.decide(project, request.id, person("grace", project, Role.MANAGER), approve=True, reason="looks right")


def test_a_run_noted_by_one_server_is_not_replaced_by_another(loops, project):
    loops.register(project, definition(), graph(), Capture(), "ada")
    seen = start(loops, project)
    assert loops.note_run(seen, "train", "prn_1")
    assert not loops.note_run(seen, "train", "prn_2")
    assert loops.note_run(seen, "gate:x", "prn_3")
    assert loops.cycle(project, seen.id).pipeline_run_ids == {"train": "prn_1", "gate:x": "prn_3"}
