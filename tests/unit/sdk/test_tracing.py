from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import fairloop as fl
from fairloop.core.pipelines import Graph
from fairloop.errors import InvalidInput


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        self.kept[hashlib.sha256(data).hexdigest()] = data
        return hashlib.sha256(data).hexdigest()

    def get(self, sha256: str) -> bytes:
        return self.kept[sha256]


@fl.step(cpu=2, memory="2GiB", retries=1, time="3m")
def split(people: fl.Table, part: float = 0.5) -> tuple[fl.Table, fl.Table]:
    return people, people


@fl.step
def fit(train: fl.Table, rate: float = 0.1) -> fl.Model:
    return "model"  # type: ignore[return-value]


@fl.step
def number(x: Any) -> int:
    return 1


@fl.pipeline
def train_income(people: fl.Table, rate: float = 0.2):
    train, valid = split(people)
    model = fit(train, rate=rate)
    return fl.candidate(model, valid, valid)


def graph(pipeline: Any) -> Graph:
    found: Graph = pipeline.graph(Memory(), Path(__file__).parent)
    return found


def test_a_pipeline_becomes_a_graph() -> None:
    made = graph(train_income)
    assert [s.key for s in made.steps] == ["split", "fit", "candidate"]
    assert made.params == {"people": {"table": True}, "rate": 0.2}
    first, second, judged = made.steps
    assert first.inputs == {"people": {"param": "people"}, "part": {"value": 0.5}}
    assert (first.needs.cpu, first.needs.memory_bytes, first.needs.time_s, first.needs.retries) == (
        2,
        2 * 2**30,
        180,
        1,
    )
    assert first.outputs == 2
    assert second.inputs == {"train": {"step": "split", "output": 0}, "rate": {"param": "rate"}}
    assert second.returns == "model"
    assert (judged.returns, judged.cache) == ("candidate", False)
    assert judged.function == {"module": "fairloop.evaluation.steps", "qualname": "judge"}
    assert made.result == {"step": "candidate", "output": 0}


def test_steps_outside_a_pipeline_simply_run() -> None:
    assert number(5) == 1
    assert number.__name__ == "number"


def test_repeated_steps_and_nested_arguments() -> None:
    @fl.pipeline
    def many(n: int = 3):
        made = [number(i) for i in range(3)]
        return number({"all": made, "n": n, "plain": (1, 2)})

    steps = graph(many).steps
    assert [s.key for s in steps] == ["number", "number-2", "number-3", "number-4"]
    parts = steps[3].inputs["x"]["dict"]
    assert parts["all"]["list"][2] == {"step": "number-3", "output": 0}
    assert parts["n"] == {"param": "n"}
    assert parts["plain"]["stored"]["kind"] == "pickle"


def refused(function: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as found:
        graph(fl.pipeline(function))
    assert "\n" not in str(found.value)


def test_a_value_that_is_not_known_yet_gives_one_clear_error() -> None:
    def tested(x: int = 1):
        if number(x):
            return number(x)
        return None

    def compared(x: int = 1):
        return number(x) if x > 3 else number(0)

    def looped(x: int = 1):
        return [number(v) for v in number(x)]

    def computed(x: int = 1):
        return number(x) + 1

    def asked(x: int = 1):
        return number(x).shape

    refused(tested, r"the result of number\(\) is known only when the pipeline runs")
    refused(compared, "the parameter 'x' is known only")
    refused(looped, "loop over")
    refused(computed, "compute with it")
    refused(asked, "shape is known only")


def test_wrong_calls_are_refused_while_tracing() -> None:
    refused(lambda: split(), "missing a required argument: 'people'")
    refused(
        lambda: split(1, prat=2),
        "the step split has no argument 'prat'; it takes people, part".replace("the", "The", 1),
    )
    refused(lambda: number(1, 2), "too many positional arguments")

    def swapped(people: fl.Table):
        train, _ = split(people)
        return fit(fit(train))

    refused(swapped, r"fit\(train=...\) takes a Table, but the result of fit\(\) is a Model")
    with pytest.raises(InvalidInput, match="belongs into a function decorated"):
        fl.candidate(1, 2, 3)
    with pytest.raises(InvalidInput, match=r"run it with train_income.run\(...\)"):
        train_income()


def test_decorators_say_what_they_want() -> None:
    with pytest.raises(InvalidInput, match="decorates functions"):
        fl.step(5)  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="name of its own"):
        fl.step(lambda *things: things)
    with pytest.raises(InvalidInput, match="0 or more"):
        fl.step(retries=-1)
    with pytest.raises(InvalidInput, match="'2 GB of it' is not a size"):
        fl.step(memory="2 GB of it")


def test_parameters_are_checked_before_anything_is_sent() -> None:
    with pytest.raises(InvalidInput, match="no parameter 'peple'"):
        train_income.run(peple="x", client=object())
    with pytest.raises(InvalidInput, match="needs 'people'"):
        train_income.run(client=object())
