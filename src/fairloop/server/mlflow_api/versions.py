"""Model versions in MLflow's dialect."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from msgspec import UNSET

from fairloop.core.models import ModelVersion
from fairloop.core.people import Identity, Project
from fairloop.core.search import parse_order
from fairloop.errors import InvalidInput
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.models import aliases_of
from fairloop.server.mlflow_api.scope import cut, files_below, limit_of, model_filter, source_of
from fairloop.server.services import Services
from fairloop.tracking.limits import check_tags

Ask = Request[Any, Any, Any]


def _answer(services: Services, project: Project, version: ModelVersion) -> Response[bytes]:
    model = services.registry.model(project.id, version.model)
    return wire.answer({"model_version": wire.version(version, aliases_of(model, version))})


def create(services: Services, project: Project, identity: Identity, body: bytes) -> Response[bytes]:
    """Register files a run logged as the next version: linked by hash, so that later changes there do not reach it."""
    asked = wire.decode(wire.CreateVersion, body)
    place = source_of(services, project, asked.source)
    tags = check_tags(wire.pairs(asked.tags))
    if asked.run_id:
        services.tracking.get(project.id, asked.run_id)
    if asked.model_id:
        services.tracking.logged_models.get(project.id, asked.model_id)
    files = {path: (f.sha256, f.size_bytes) for path, f in files_below(services, place).items()}
    if not files:
        raise InvalidInput(f"There are no files at {asked.source[:120]!r}; log the model before you register it.")
    origin = {"source": asked.source, "model_id": asked.model_id or place.model_id, "run_link": asked.run_link}
    made = services.registry.create_version(
        project.id,
        asked.name,
        run_id=asked.run_id or place.run_id,
        files=files,
        description=asked.description,
        user=identity.name,
        origin={k: v for k, v in origin.items() if v},
        tags=tags,
        create_model=False,
    )
    services.audit.record(
        identity,
        "model.version",
        project_id=project.id,
        object=made.id,
        detail={"model": made.model, "version": made.version},
    )
    return _answer(services, project, made)


def _asked(services: Services, project: Project, name: str, number: wire.Whole) -> ModelVersion:
    return services.registry.version(project.id, name, wire.whole(number, "version"))


def get(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """One version."""
    given = request.query_params
    return _answer(services, project, _asked(services, project, given.get("name", ""), given.get("version", "")))


def download_uri(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The reference under which a version's files are read."""
    given = request.query_params
    found = _asked(services, project, given.get("name", ""), given.get("version", ""))
    return wire.answer({"artifact_uri": wire.version_uri(found)})


def search(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """Versions by filter and order, a page at a time."""
    given = request.query_params
    found = services.registry.search(
        project.id,
        tree=model_filter(given.get("filter", "")),
        orders=tuple(parse_order(o) for o in given.getall("order_by", [])),
    )
    page, token = cut(found, given.get("page_token", ""), limit_of(given.get("max_results", "10000"), 200_000))
    models = {m.name: m for m in services.registry.models(project.id)}
    shown = [wire.version(v, aliases_of(models[v.model], v)) for v in page if v.model in models]
    answer: dict[str, Any] = {"model_versions": shown}
    if token:
        answer["next_page_token"] = token
    return wire.answer(answer)


def update(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Describe a version."""
    asked = wire.decode(wire.OfModel, body)
    found = _asked(services, project, asked.name, asked.version)
    description = "" if asked.description is UNSET else asked.description
    return _answer(services, project, services.registry.describe_version(project.id, found.id, description))


def transition(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Stages are not kept: only None is accepted; aliases say which version is meant for what."""
    asked = wire.decode(wire.OfModel, body)
    found = _asked(services, project, asked.name, asked.version)
    if asked.stage.lower() != "none":
        raise InvalidInput(
            f"Stages such as {asked.stage[:40]!r} are not kept here; set an alias instead, for example "
            "client.set_registered_model_alias(name, 'champion', version)."
        )
    return _answer(services, project, found)


def delete(services: Services, project: Project, identity: Identity, body: bytes) -> Response[bytes]:
    """Delete a version."""
    asked = wire.decode(wire.OfModel, body)
    number = wire.whole(asked.version, "version")
    services.registry.delete_version(project.id, asked.name, number)
    services.audit.record(
        identity, "model.version.delete", project_id=project.id, object=asked.name, detail={"version": number}
    )
    return wire.answer({})


def set_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Set a tag of a version."""
    asked = wire.decode(wire.OfModel, body)
    found = _asked(services, project, asked.name, asked.version)
    services.registry.set_version_tags(project.id, found.id, check_tags({asked.key: asked.value}))
    return wire.answer({})


def delete_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Delete a tag of a version."""
    asked = wire.decode(wire.OfModel, body)
    found = _asked(services, project, asked.name, asked.version)
    services.registry.delete_version_tag(project.id, found.id, asked.key)
    return wire.answer({})
