"""Graphs: building system steps, checking, and what an input becomes once the steps before it are done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fairloop.core import codec
from fairloop.core.pipelines import Capture, Graph, Needs, StepSpec
from fairloop.errors import InvalidInput


def system_step(key: str, module: str, qualname: str, inputs: dict[str, Any], needs: Needs | None = None, *,
                returns: str = "", outputs: int = 1, after: list[str] | None = None) -> StepSpec:  # fmt: skip
    """A step whose function is part of Fairloop. Never cached: such steps judge, measure or register."""
    return StepSpec(key=key, name=key, function={"module": module, "qualname": qualname}, inputs=inputs,
                    needs=needs or Needs(), returns=returns, outputs=outputs, cache=False, after=after or [])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked graph with its edges both ways."""

    graph: Graph
    steps: dict[str, StepSpec]
    parents: dict[str, list[str]]
    children: dict[str, list[str]]


def references(form: Any) -> Iterator[dict[str, Any]]:
    """The ``{"step"}`` and ``{"param"}`` forms inside an input form."""
    if isinstance(form, dict):
        if "step" in form or "param" in form:
            yield form
        for part in [*form.get("list", []), *form.get("dict", {}).values()]:
            yield from references(part)


def plan(graph: Graph) -> Plan:
    """``graph`` checked: keys are unique, references point backwards to something that exists.

    Raises
    ------
    InvalidInput
        Names the step and the reference that does not fit.
    """
    steps: dict[str, StepSpec] = {}
    parents: dict[str, list[str]] = {}
    children: dict[str, list[str]] = {}
    for step in graph.steps:
        if step.key in steps:
            raise InvalidInput(f"Two steps of {graph.name!r} have the key {step.key!r}; keys must differ.")
        found = dict.fromkeys(step.after)
        for form in (form for value in step.inputs.values() for form in references(value)):
            if "param" in form and form["param"] not in graph.params:
                raise InvalidInput(
                    f"Step {step.key!r} reads the parameter {form['param']!r}, which {graph.name!r} lacks."
                )
            if "step" in form:
                found[form["step"]] = None
        for parent in found:
            if parent not in steps:
                raise InvalidInput(f"Step {step.key!r} needs {parent!r}, which is not a step before it.")
            children[parent].append(step.key)
        for form in (form for value in step.inputs.values() for form in references(value)):
            if "step" in form and not 0 <= form.get("output", 0) < steps[form["step"]].outputs:
                raise InvalidInput(f"Step {step.key!r} reads output {form['output']} of {form['step']!r}, which has "
                                   f"{steps[form['step']].outputs}.")  # fmt: skip
        steps[step.key], parents[step.key], children[step.key] = step, list(found), []
    if not steps:
        raise InvalidInput(f"The pipeline {graph.name!r} has no steps; call at least one step in it.")
    return Plan(graph=graph, steps=steps, parents=parents, children=children)


def is_table_param(default: Any) -> bool:
    return isinstance(default, dict) and default.get("table") is True


def is_stored(value: Any) -> bool:
    """Whether ``value`` has the shape of a stored output."""
    return isinstance(value, dict) and isinstance(value.get("sha256"), str) and "kind" in value


def bind(graph: Graph, given: dict[str, Any]) -> dict[str, Any]:
    """The value of every parameter: ``given``, else the default; InvalidInput names one that is unknown or missing."""
    for name in given:
        if name not in graph.params:
            known = ", ".join(graph.params) or "none"
            raise InvalidInput(f"The pipeline {graph.name!r} has no parameter {name!r}; it has: {known}.")
    values = {}
    for name, default in graph.params.items():
        if name not in given and is_table_param(default):
            raise InvalidInput(
                f"The pipeline {graph.name!r} needs a table for {name!r}; give a Table or a dataset's name."
            )
        values[name] = given.get(name, default)
    return values


def resolve(form: Any, outputs: dict[str, list[Any]], params: dict[str, Any]) -> Any:
    """What a step receives for an input form: outputs as they are stored, inside lists and dicts too."""
    if "step" in form:
        return outputs[form["step"]][form.get("output", 0)]
    if "param" in form:
        value = params[form["param"]]
        return value if is_stored(value) else {"json": value}
    if "stored" in form:
        return form["stored"]
    if "list" in form:
        return {"list": [resolve(part, outputs, params) for part in form["list"]]}
    if "dict" in form:
        return {"dict": {name: resolve(part, outputs, params) for name, part in form["dict"].items()}}
    return {"json": form["value"]}


def worker_key(project_id: str, capture: Capture) -> str:
    """Warm workers are shared only between steps with the same project, sources, environment and interpreter."""
    told = [project_id, capture.snapshot, capture.environment, capture.python]
    return hashlib.sha256(codec.dumps(told).encode()).hexdigest()[:32]


def cache_key(step: StepSpec, inputs: dict[str, Any], capture: Capture) -> str:
    """Hash of everything a result depends on; empty when the step must run."""
    if not step.cache or not step.source:
        return ""
    told = [
        step.source,
        step.function.get("qualname", step.name),
        step.outputs,
        _values(inputs),
        capture.environment,
    ]
    return hashlib.sha256(codec.dumps(told).encode()).hexdigest()


def _values(resolved: Any) -> Any:
    """A resolved input reduced to what decides its value: where a table came from does not."""
    if is_stored(resolved):
        return {k: v for k, v in resolved.items() if k in {"kind", "sha256", "roles", "library"}}
    if isinstance(resolved, dict):
        return {k: _values(v) for k, v in resolved.items()}
    if isinstance(resolved, list):
        return [_values(v) for v in resolved]
    return resolved
