"""The graphs a cycle runs beside the user's own: gather data, mitigate, gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fairloop.core.checks import Check
from fairloop.core.loops import Data
from fairloop.core.pipelines import Graph, StepRun, StepSpec
from fairloop.core.records import to_plain
from fairloop.evaluation.plan import name_of
from fairloop.pipelines.graph import system_step

JUDGING = "fairloop.evaluation.steps"
WATCHING = "fairloop.monitoring.steps"


def the_step(graph: Graph, returns: str) -> StepSpec:
    """The one step that returns a model (the trainer) or a candidate."""
    return next(step for step in graph.steps if step.returns == returns)


def table_param(graph: Graph) -> str:
    """The pipeline parameter the loop's dataset fills."""
    return next(name for name, value in graph.params.items() if isinstance(value, dict) and value.get("table"))


def settled(form: dict[str, Any], steps: dict[str, StepRun], params: dict[str, Any]) -> dict[str, Any]:
    """An input of a finished run as a form another run can use: what a step gave becomes a stored value."""
    if "step" in form:
        output: dict[str, Any] = steps[form["step"]].outputs[form["output"]]
        return {"value": output["json"]} if "json" in output else {"stored": output}
    if "param" in form:
        value = params[form["param"]]
        return {"stored": value} if isinstance(value, dict) and "sha256" in value else {"value": value}
    if "list" in form:
        return {"list": [settled(part, steps, params) for part in form["list"]]}
    if "dict" in form:
        return {"dict": {name: settled(part, steps, params) for name, part in form["dict"].items()}}
    return form


def train_graph(graph: Graph, gates: list[Check]) -> Graph:
    """The user's graph with the cycle's gates handed to its candidate step."""
    checks = {"value": to_plain(gates)}
    steps = [
        step if step.returns != "candidate" else replace(step, inputs={**step.inputs, "checks": checks})
        for step in graph.steps
    ]
    return Graph(name=graph.name, steps=steps, params=graph.params, result=graph.result)


def mitigate_graph(graph: Graph, steps: dict[str, StepRun], params: dict[str, Any], gates: list[Check],
                   plan: list[tuple[str, float | None]]) -> Graph:  # fmt: skip
    """One step per mitigation, each calling the trainer again on what it was called with before."""
    trainer, judged = the_step(graph, "model"), the_step(graph, "candidate")
    arguments = {"dict": {name: settled(form, steps, params) for name, form in trainer.inputs.items()}}
    made = []
    for number, (method, strength) in enumerate(plan):
        inputs = {"trainer": {"value": trainer.function}, "arguments": arguments,
                  "valid": settled(judged.inputs["valid"], steps, params), "method": {"value": method},
                  "strength": {"value": strength}, "checks": {"value": to_plain(gates)}}  # fmt: skip
        step = system_step(f"mitigate-{number}", JUDGING, "mitigate", inputs, needs=trainer.needs, returns="candidate")
        made.append(replace(step, name=name_of(method, strength)))
    return Graph(name=f"{graph.name} mitigated", steps=made)


def gate_graph(graph: Graph, steps: dict[str, StepRun], params: dict[str, Any], gates: list[Check], candidate_id: str,
               model: dict[str, Any]) -> Graph:  # fmt: skip
    """Judge one candidate on the test part."""
    judged = the_step(graph, "candidate")
    inputs = {"candidate_id": {"value": candidate_id}, "model": model, "checks": {"value": to_plain(gates)},
              "test": settled(judged.inputs["test"], steps, params)}  # fmt: skip
    return Graph(name=f"{graph.name} gate", steps=[system_step("gate", JUDGING, "gate", inputs, needs=judged.needs)])


def data_graph(endpoint_id: str, folder: str, data: Data, dataset_version_id: str) -> Graph:
    """A new dataset version: the rows the live model learned from and the labelled traffic since."""
    inputs = {"endpoint_id": {"value": endpoint_id}, "folder": {"value": folder},
              "dataset_version_id": {"value": dataset_version_id}, "train": {"param": "train"}}  # fmt: skip
    step = system_step("data", WATCHING, "extend_dataset", inputs)
    return Graph(name=f"{data.name} with labelled traffic", steps=[step], params={"train": {"table": True}})
