"""Loops over REST."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fairloop.core.cycles import Cycle, Loop
from fairloop.core.loops import LoopDefinition
from fairloop.core.people import Identity, Project
from fairloop.core.pipelines import Capture, Graph
from fairloop.core.records import Page, from_plain
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLoop:
    """What ``loop.py`` says: the definition, the traced pipeline and what surrounded it."""

    definition: dict[str, Any]
    graph: dict[str, Any]
    capture: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCycle:
    dataset_version_id: str
    words: str = ""


def register_loop(services: Services, project: Project, identity: Identity, data: NewLoop) -> Loop:
    """Register a loop, or a new version of it when something changed."""
    return services.loops.register(
        project.id, from_plain(LoopDefinition, data.definition), from_plain(Graph, data.graph),
        from_plain(Capture, data.capture), identity.name)  # fmt: skip


def list_loops(services: Services, project: Project) -> Page[Loop]:
    """The newest version of each loop."""
    return Page(items=services.loops.loops(project.id))


def get_loop(services: Services, project: Project, name: str) -> Loop:
    """One loop, newest version."""
    return services.loops.loop(project.id, name)


def start_cycle(services: Services, project: Project, identity: Identity, name: str, data: NewCycle) -> Cycle:
    """Turn the loop once. Answers at once; watch the cycle."""
    services.datasets.get(project.id, data.dataset_version_id)
    trigger = {"kind": "person", "by": identity.name, "words": data.words or f"Started by {identity.name}."}
    return services.loops.start_cycle(project.id, name, trigger=trigger, author=identity.name,
                                      dataset_version_id=data.dataset_version_id)  # fmt: skip
