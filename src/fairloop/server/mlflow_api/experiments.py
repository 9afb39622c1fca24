"""Experiments in MLflow's dialect."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from fairloop.core.people import Project
from fairloop.core.search import parse_filter, parse_order
from fairloop.errors import InvalidInput
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.scope import active_of, cut, experiment_id, limit_of
from fairloop.server.services import Services

Ask = Request[Any, Any, Any]


def create(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Create an experiment."""
    asked = wire.decode(wire.CreateExperiment, body)
    if asked.artifact_location:
        raise InvalidInput(
            f"artifact_location is {asked.artifact_location[:120]!r}: where files are stored is the server's "
            "decision; leave it out."
        )
    made = services.tracking.experiments.create(project.id, asked.name, tags=wire.pairs(asked.tags))
    return wire.answer({"experiment_id": str(made.id)})


def get(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """One experiment by id."""
    number = experiment_id(services, project, request.query_params.get("experiment_id", ""))
    return wire.answer(
        {"experiment": wire.experiment(services.tracking.experiments.get(project.id, number), project.name)}
    )


def get_by_name(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """One experiment by name."""
    found = services.tracking.experiments.by_name(project.id, request.query_params.get("experiment_name", ""))
    return wire.answer({"experiment": wire.experiment(found, project.name)})


def search(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Experiments by filter."""
    return _search(services, project, wire.decode(wire.SearchExperiments, body))


def search_get(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """Experiments by filter, asked in the query."""
    given = request.query_params
    return _search(
        services,
        project,
        wire.SearchExperiments(
            max_results=given.get("max_results", 1000),
            page_token=given.get("page_token", ""),
            filter=given.get("filter", ""),
            order_by=given.getall("order_by", []),
            view_type=given.get("view_type", "ACTIVE_ONLY"),
        ),
    )


def _search(services: Services, project: Project, asked: wire.SearchExperiments) -> Response[bytes]:
    found = services.tracking.experiments.list(
        project.id,
        active=active_of(asked.view_type),
        tree=parse_filter(asked.filter),
        orders=tuple(parse_order(o) for o in asked.order_by),
    )
    page, token = cut(found, asked.page_token, limit_of(asked.max_results, 50_000))
    answer: dict[str, Any] = {"experiments": [wire.experiment(e, project.name) for e in page]}
    if token:
        answer["next_page_token"] = token
    return wire.answer(answer)


def update(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Rename an experiment."""
    asked = wire.decode(wire.OfExperiment, body)
    if asked.new_name is not None:
        number = experiment_id(services, project, asked.experiment_id)
        services.tracking.experiments.rename(project.id, number, asked.new_name)
    return wire.answer({})


def delete(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Delete an experiment; it can be restored."""
    number = experiment_id(services, project, wire.decode(wire.OfExperiment, body).experiment_id)
    services.tracking.experiments.set_active(project.id, number, False)
    return wire.answer({})


def restore(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Restore a deleted experiment."""
    number = experiment_id(services, project, wire.decode(wire.OfExperiment, body).experiment_id)
    services.tracking.experiments.set_active(project.id, number, True)
    return wire.answer({})


def set_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Set a tag of an experiment."""
    asked = wire.decode(wire.OfExperiment, body)
    number = experiment_id(services, project, asked.experiment_id)
    services.tracking.experiments.set_tags(project.id, number, {asked.key: asked.value})
    return wire.answer({})


def delete_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Delete a tag of an experiment."""
    asked = wire.decode(wire.OfExperiment, body)
    number = experiment_id(services, project, asked.experiment_id)
    services.tracking.experiments.delete_tag(project.id, number, asked.key)
    return wire.answer({})
