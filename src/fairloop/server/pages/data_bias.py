"""The part of a dataset version's page about thin and doubtful data, and what can be asked there."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.people import Identity, Project
from fairloop.errors import InvalidInput
from fairloop.server.pages import live
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, within
from fairloop.server.pages.views import data_bias
from fairloop.server.services import Services

TEMPLATE = "parts/data-bias.html"


def doubts(request: Asked, services: Services, project: Project, dataset: str, version: int) -> Html:
    """The section alone, for the page to renew."""
    found = services.datasets.find(project.id, dataset, version)
    return live.renewed(request, TEMPLATE, **data_bias.section(services, project, found))


def look(services: Services, identity: Identity, project: Project, dataset: str, version: int) -> Redirect:
    """Look for wrong labels and thin places."""
    found = services.datasets.find(project.id, dataset, version)
    return act(_back(project, dataset, version),
               lambda: services.analyses.start(project.id, "data_bias", "dataset_version", found.id, {}, identity),
               "Looking. It takes from seconds to a few minutes.")  # fmt: skip


def prescribe(
    services: Services, identity: Identity, project: Project, dataset: str, version: int, data: Form
) -> Redirect:
    """Ask what better labels would do to a gap."""
    found = services.datasets.find(project.id, dataset, version)

    def start() -> object:
        return services.analyses.start(project.id, "prescription", "dataset_version", found.id, _params(data), identity)

    return act(
        _back(project, dataset, version), start, "Trying out what better labels would do. It takes some minutes."
    )


def _params(data: dict[str, str]) -> dict[str, Any]:
    params: dict[str, Any] = {name: data[name] for name in ("by", "metric") if data.get(name)}
    rows = data.get("relabel", "").strip()
    if rows:
        if not rows.isdecimal() or len(rows) > 6:
            raise InvalidInput(f"{rows[:40]!r} is no number of rows; leave it empty to let Fairloop choose.")
        params["relabel"] = int(rows)
    return params


def start_cycle(
    services: Services, identity: Identity, project: Project, dataset: str, version: int, data: Form
) -> Redirect:
    """A cycle that learns from this version."""
    found = services.datasets.find(project.id, dataset, version)
    name = data.get("loop", "")
    services.loops.loop(project.id, name)
    trigger = {"kind": "person", "by": identity.name, "words": f"{identity.name} started it on {dataset} v{version}."}
    return act(_back(project, dataset, version),
               lambda: services.loops.start_cycle(project.id, name, trigger=trigger, author=identity.name,
                                                  dataset_version_id=found.id),
               lambda cycle: f"Cycle {cycle.number} of {name} has begun on this version.")  # fmt: skip


def _back(project: Project, dataset: str, version: int) -> str:
    return within(project, "data", dataset, version)
