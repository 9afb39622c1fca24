"""Can this pipeline turn this loop? Asked where loop.py runs, before anything is sent, and by the server again."""

from __future__ import annotations

from fairloop.access.permissions import ROLES, Permission
from fairloop.core.loops import LoopDefinition
from fairloop.core.pipelines import Graph, StepSpec
from fairloop.errors import InvalidInput
from fairloop.loops.graphs import bindings


def check_loop(definition: LoopDefinition, graph: Graph) -> None:
    """Raise InvalidInput, with the fix, when ``graph`` cannot do what ``definition`` asks for."""
    if sum(step.returns == "candidate" for step in graph.steps) != 1:
        raise InvalidInput(f"The pipeline {graph.name!r} must end in one fl.candidate(model, valid, test).")
    trainers = [step for step in graph.steps if step.returns == "model"]
    if definition.mitigate and len(trainers) != 1:
        raise InvalidInput(f"Mitigation calls the one step that returns fl.Model; {graph.name!r} has {len(trainers)}.")
    if definition.search is not None:
        _check_search(definition, graph, trainers)
    tables = [name for name, value in graph.params.items() if isinstance(value, dict) and value.get("table")]
    if len(tables) != 1:
        raise InvalidInput(f"The pipeline {graph.name!r} must take exactly one fl.Table; it takes {len(tables)}.")
    able = [str(role) for role, held in ROLES.items() if Permission.MODEL_APPROVE in held]
    own = definition.policy.approval if definition.policy is not None else None
    for role in [role for asked in (definition.approval, own) if asked is not None for role in asked.roles]:
        if role not in able:
            raise InvalidInput(f"The role {role!r} may not approve models; use {' or '.join(able)}.")


def _check_search(definition: LoopDefinition, graph: Graph, trainers: list[StepSpec]) -> None:
    """A hyperparameter must reach the trainer, else no trial differs from another."""
    assert definition.search is not None  # noqa: S101  # the caller has looked
    if len(trainers) != 1:
        raise InvalidInput(f"A search calls the one step that returns fl.Model; {graph.name!r} has {len(trainers)}.")
    if not definition.search.ranges and not definition.mitigate:
        raise InvalidInput("The search has nothing to vary: name hyperparameters in fl.Search(...), or mitigations.")
    known = bindings(graph)
    for found in definition.search.ranges:
        if found.name not in known:
            raise InvalidInput(
                f"fl.Search({found.name}=...) names no parameter that the pipeline {graph.name!r} hands to its trainer "
                f"{trainers[0].name!r}; those are: {', '.join(known) or 'none'}."
            )
