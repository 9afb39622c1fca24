"""Registered models in MLflow's dialect."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from msgspec import UNSET

from fairloop.core.models import Model, ModelVersion
from fairloop.core.people import Identity, Project
from fairloop.core.search import parse_order
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.scope import cut, limit_of, model_filter
from fairloop.server.services import Services
from fairloop.tracking.limits import check_tags

Ask = Request[Any, Any, Any]


def aliases_of(model: Model, version: ModelVersion) -> list[str]:
    return sorted(a for a, number in model.aliases.items() if number == version.version)


def _shown(services: Services, project: Project, model: Model) -> dict[str, Any]:
    newest = services.registry.search(project.id, name=model.name)[:1]
    return {"registered_model": wire.model(model, [wire.version(v, aliases_of(model, v)) for v in newest])}


def create(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Create a registered model."""
    asked = wire.decode(wire.OfModel, body)
    made = services.registry.create_model(
        project.id,
        asked.name,
        tags=check_tags(wire.pairs(asked.tags)),
        description="" if asked.description is UNSET else asked.description,
    )
    return wire.answer(_shown(services, project, made))


def get(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """One registered model."""
    return wire.answer(
        _shown(services, project, services.registry.model(project.id, request.query_params.get("name", "")))
    )


def search(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """Registered models by filter and order, a page at a time."""
    given = request.query_params
    found = services.registry.models(
        project.id,
        tree=model_filter(given.get("filter", "")),
        orders=tuple(parse_order(o) for o in given.getall("order_by", [])),
    )
    page, token = cut(found, given.get("page_token", ""), limit_of(given.get("max_results", "100"), 1000))
    answer: dict[str, Any] = {"registered_models": [_shown(services, project, m)["registered_model"] for m in page]}
    if token:
        answer["next_page_token"] = token
    return wire.answer(answer)


def update(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Describe a registered model."""
    asked = wire.decode(wire.OfModel, body)
    description = "" if asked.description is UNSET else asked.description
    return wire.answer(_shown(services, project, services.registry.describe(project.id, asked.name, description)))


def rename(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Rename a registered model."""
    asked = wire.decode(wire.OfModel, body)
    return wire.answer(_shown(services, project, services.registry.rename(project.id, asked.name, asked.new_name)))


def delete(services: Services, project: Project, identity: Identity, body: bytes) -> Response[bytes]:
    """Delete a registered model with its versions."""
    name = wire.decode(wire.OfModel, body).name
    services.registry.delete_model(project.id, name)
    services.audit.record(identity, "model.delete", project_id=project.id, object=name)
    return wire.answer({})


def set_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Set a tag of a registered model."""
    asked = wire.decode(wire.OfModel, body)
    services.registry.set_tags(project.id, asked.name, check_tags({asked.key: asked.value}))
    return wire.answer({})


def delete_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Delete a tag of a registered model."""
    asked = wire.decode(wire.OfModel, body)
    services.registry.delete_tag(project.id, asked.name, asked.key)
    return wire.answer({})


def set_alias(services: Services, project: Project, identity: Identity, body: bytes) -> Response[bytes]:
    """Point an alias at a version."""
    asked = wire.decode(wire.OfModel, body)
    number = wire.whole(asked.version, "version")
    services.registry.set_alias(project.id, asked.name, asked.alias, number)
    services.audit.record(
        identity,
        "model.alias",
        project_id=project.id,
        object=asked.name,
        detail={"alias": asked.alias, "version": number},
    )
    return wire.answer({})


def delete_alias(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Delete an alias."""
    asked = wire.decode(wire.OfModel, body)
    services.registry.delete_alias(project.id, asked.name, asked.alias)
    return wire.answer({})


def get_by_alias(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The version an alias points at."""
    given = request.query_params
    found = services.registry.version_by_alias(project.id, given.get("name", ""), given.get("alias", ""))
    model = services.registry.model(project.id, found.model)
    return wire.answer({"model_version": wire.version(found, aliases_of(model, found))})


def latest_versions(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """The newest version; stages are not used here, so every version's is None."""
    return _latest(services, project, wire.decode(wire.OfModel, body).name)


def latest_versions_get(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The newest version, asked in the query."""
    return _latest(services, project, request.query_params.get("name", ""))


def _latest(services: Services, project: Project, name: str) -> Response[bytes]:
    model = services.registry.model(project.id, name)
    newest = services.registry.search(project.id, name=name)[:1]
    return wire.answer({"model_versions": [wire.version(v, aliases_of(model, v)) for v in newest]})
