"""Candidates and evaluations, on both databases."""

from __future__ import annotations

import pytest

from fairloop.core.checks import judge
from fairloop.core.clock import Clock
from fairloop.core.loops import gate
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.evaluation.service import Evaluations, NewCandidate, NewEvaluation
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database


class World:
    def __init__(self, database: Database) -> None:
        clock = Clock()
        projects = Projects(database, clock)
        self.project, self.other = projects.create("one").id, projects.create("two").id
        self.service = Evaluations(database, clock)

    def candidate(self, number: int = 1, **changes: object) -> NewCandidate:
        values: dict[str, object] = {
            "pipeline_run_id": "prn_1",
            "step_run_id": f"srn_0{number}",
            "model_sha256": "a" * 64,
        }
        return NewCandidate(**(values | changes))  # type: ignore[arg-type]


def measured(part: str = "validation", rows: str = "r1", predictions: str = "p1") -> NewEvaluation:
    verdict = judge(gate("roc_auc", at_least=0.8), 0.9, 0.88, 0.92, n=100, method="DeLong")
    return NewEvaluation(part=part, n=100, predictions_sha256=predictions, part_sha256=rows, verdicts=[verdict],
                         metrics={"roc_auc": {"estimate": 0.9, "low": 0.88, "high": 0.92, "n": 100, "method": "DeLong"}},
                         groups={"sex": [{"group": "F", "n": 50}]}, drivers=[{"column": "age", "importance": 0.1}])  # fmt: skip


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_step_run_registers_one_candidate(world: World) -> None:
    one = world.service.create_candidate(
        world.project, world.candidate(method="reweighing", strength=1.25, cycle_id="cyc_1")
    )
    assert world.service.create_candidate(world.project, world.candidate(method="other")) == one
    assert world.service.candidate(world.project, one.id) == one
    assert (one.id, one.method, one.strength, one.state) == ("cnd_01", "reweighing", 1.25, "judged")


def test_candidates_are_found_by_cycle_and_by_run(world: World) -> None:
    for number in range(1, 6):
        world.service.create_candidate(world.project, world.candidate(number, cycle_id="cyc_1" if number < 4 else None))
    assert [c.id for c in world.service.candidates(world.project, cycle_id="cyc_1")] == ["cnd_01", "cnd_02", "cnd_03"]
    assert len(world.service.candidates(world.project, pipeline_run_id="prn_1")) == 5
    assert world.service.candidates(world.other, pipeline_run_id="prn_1") == []
    first = world.service.page(world.project, limit=3)
    rest = world.service.page(world.project, cursor=first.next, limit=3)
    assert [c.id for c in (*first.items, *rest.items)] == [f"cnd_0{n}" for n in range(1, 6)]
    with pytest.raises(InvalidInput, match="cycle_id or a pipeline_run_id"):
        world.service.candidates(world.project)


def test_evaluations_come_back_and_a_part_judges_once(world: World) -> None:
    one = world.service.create_candidate(world.project, world.candidate())
    found = world.service.add_evaluation(world.project, one.id, measured())
    assert world.service.add_evaluation(world.project, one.id, measured()) == found
    with pytest.raises(Conflict, match="a part judges once"):
        world.service.add_evaluation(world.project, one.id, measured(predictions="p2"))
    assert world.service.evaluations(world.project, one.id) == [found]
    assert world.service.evaluation(world.project, one.id, "test") is None
    assert found.verdicts[0].check.metric == "roc_auc"


def test_each_use_of_the_same_rows_is_counted(world: World) -> None:
    uses = []
    for number in range(1, 4):
        one = world.service.create_candidate(world.project, world.candidate(number))
        uses.append(world.service.add_evaluation(world.project, one.id, measured("test", "same rows")).uses_of_part)
    other = world.service.create_candidate(world.project, world.candidate(4))
    uses.append(world.service.add_evaluation(world.project, other.id, measured("test", "other rows")).uses_of_part)
    elsewhere = world.service.create_candidate(world.other, world.candidate(5))
    uses.append(world.service.add_evaluation(world.other, elsewhere.id, measured("test", "same rows")).uses_of_part)
    assert uses == [1, 2, 3, 1, 1]


def test_states(world: World) -> None:
    one = world.service.create_candidate(world.project, world.candidate())
    assert world.service.set_state(world.project, one.id, "chosen").state == "chosen"
    with pytest.raises(InvalidInput, match="state='great'"):
        world.service.set_state(world.project, one.id, "great")


def test_another_project_sees_nothing(world: World) -> None:
    one = world.service.create_candidate(world.project, world.candidate())
    for ask in (
        lambda: world.service.candidate(world.other, one.id),
        lambda: world.service.evaluations(world.other, one.id),
        lambda: world.service.add_evaluation(world.other, one.id, measured()),
        lambda: world.service.set_state(world.other, one.id, "chosen"),
        lambda: world.service.candidate(world.project, "cnd_none"),
    ):
        with pytest.raises(NotFound, match="No such candidate, or you may not see it"):
            ask()


@pytest.mark.parametrize("step_run_id", ["", "srn", "srn_../x", "srn_" + "a" * 50])
def test_a_step_run_id_that_is_none_is_refused(step_run_id: str, world: World) -> None:
    with pytest.raises(InvalidInput, match="not the id of a step run"):
        world.service.create_candidate(world.project, world.candidate(step_run_id=step_run_id))
    one = world.service.create_candidate(world.project, world.candidate())
    with pytest.raises(InvalidInput, match="part='train'"):
        world.service.add_evaluation(world.project, one.id, measured("train"))
