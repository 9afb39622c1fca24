"""The graphs a cycle runs beside the user's own: gather data, mitigate, gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fairloop.core.checks import Check
from fairloop.core.loops import Data, LoopDefinition
from fairloop.core.pipelines import Graph, StepRun, StepSpec
from fairloop.core.records import to_plain
from fairloop.costs.prices import PriceBook
from fairloop.evaluation.plan import name_of, not_tried
from fairloop.pipelines.graph import is_table_param, system_step

JUDGING = "fairloop.evaluation.steps"
SEARCHING = "fairloop.tuning.steps"
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
                   plan: list[tuple[str, float | None]], *, allow_attribute: bool = False) -> Graph:  # fmt: skip
    """One step per mitigation, each calling the trainer again on what it was called with before."""
    trainer, judged = the_step(graph, "model"), the_step(graph, "candidate")
    arguments = {"dict": {name: settled(form, steps, params) for name, form in trainer.inputs.items()}}
    made = []
    for number, (method, strength) in enumerate(plan):
        inputs = {"trainer": {"value": trainer.function}, "arguments": arguments,
                  "valid": settled(judged.inputs["valid"], steps, params), "method": {"value": method},
                  "strength": {"value": strength}, "checks": {"value": to_plain(gates)},
                  "allow_attribute": {"value": allow_attribute}}  # fmt: skip
        step = system_step(f"mitigate-{number}", JUDGING, "mitigate", inputs, needs=trainer.needs, returns="candidate")
        made.append(replace(step, name=name_of(method, strength)))
    return Graph(name=f"{graph.name} mitigated", steps=made)


def search_graph(graph: Graph, steps: dict[str, StepRun], params: dict[str, Any], gates: list[Check],
                 definition: LoopDefinition, prices: PriceBook) -> Graph:  # fmt: skip
    """One step that searches over the mitigations' strengths and the trainer's hyperparameters together."""
    trainer, judged = the_step(graph, "model"), the_step(graph, "candidate")
    allowed = definition.allow_attribute_at_prediction
    left_out = not_tried(definition.mitigate, allow_attribute=allowed)
    arguments = {"dict": {name: settled(form, steps, params) for name, form in trainer.inputs.items()}}
    inputs = {"trainer": {"value": trainer.function}, "arguments": arguments,
              "valid": settled(judged.inputs["valid"], steps, params), "plan": {"value": to_plain(definition.search)},
              "methods": {"value": [m for m in definition.mitigate if m not in left_out]},
              "checks": {"value": to_plain(gates)}, "bindings": {"value": bindings(graph)},
              "allow_attribute": {"value": allowed},
              "usd_per_hour": {"value": prices.cost_usd(trainer.needs, 3600, 0)}}  # fmt: skip
    step = system_step("search", SEARCHING, "search", inputs, needs=trainer.needs, returns="candidate")
    return Graph(name=f"{graph.name} search", steps=[step])


def bindings(graph: Graph) -> dict[str, str]:
    """Parameters of the pipeline to the arguments of the trainer that they fill."""
    return {form["param"]: name for name, form in the_step(graph, "model").inputs.items()
            if "param" in form and not is_table_param(graph.params.get(form["param"]))}  # fmt: skip


def gate_graph(graph: Graph, steps: dict[str, StepRun], params: dict[str, Any], gates: list[Check], candidate_id: str,
               model: dict[str, Any]) -> Graph:  # fmt: skip
    """Judge one candidate on the test part."""
    judged = the_step(graph, "candidate")
    inputs = {"candidate_id": {"value": candidate_id}, "model": model, "checks": {"value": to_plain(gates)},
              "test": settled(judged.inputs["test"], steps, params)}  # fmt: skip
    return Graph(name=f"{graph.name} gate", steps=[system_step("gate", JUDGING, "gate", inputs, needs=judged.needs)])


def with_probes(graph: Graph, definition: LoopDefinition) -> Graph:
    """The graph with the loop's concepts and terms handed to the steps that judge."""
    if not (definition.concepts or definition.terms):
        return graph
    told = {"value": {"concepts": to_plain(definition.concepts), "terms": to_plain(definition.terms)}}
    steps = [replace(step, inputs={**step.inputs, "probes": told})
             if step.returns == "candidate" or step.key == "gate" else step for step in graph.steps]  # fmt: skip
    return replace(graph, steps=steps)


def data_graph(endpoint_id: str, folder: str, data: Data, dataset_version_id: str) -> Graph:
    """A new dataset version: the rows the live model learned from and the labelled traffic since."""
    inputs = {"endpoint_id": {"value": endpoint_id}, "folder": {"value": folder},
              "dataset_version_id": {"value": dataset_version_id}, "train": {"param": "train"}}  # fmt: skip
    step = system_step("data", WATCHING, "extend_dataset", inputs)
    return Graph(name=f"{data.name} with labelled traffic", steps=[step], params={"train": {"table": True}})
