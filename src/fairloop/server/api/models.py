"""Registered models and their versions over REST."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.response import Stream

from fairloop.core.models import Model, ModelVersion
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.core.search import parse_filter, parse_order
from fairloop.server.api.runs import Artifact, shown, streamed
from fairloop.server.sent_path import sent_path
from fairloop.server.services import Services
from fairloop.tracking.limits import check_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    name: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModelVersion:
    """``files`` maps path to the sha256 of a blob that was stored in this project before."""

    files: dict[str, str]
    run_id: str | None = None
    description: str = ""
    signature: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasTarget:
    version: int


def list_models(
    services: Services, project: Project, filter: str = "", order_by: str = ""
) -> Page[Model]:  # the query's name
    """The project's models by name."""
    orders = tuple(parse_order(part) for part in order_by.split(",") if part.strip())
    return Page(items=services.registry.models(project.id, tree=parse_filter(filter), orders=orders))


def create_model(services: Services, project: Project, identity: Identity, data: NewModel) -> Model:
    """Create a model without versions."""
    made = services.registry.create_model(
        project.id, data.name, description=data.description, tags=check_tags(data.tags)
    )
    services.audit.record(identity, "model.create", project_id=project.id, object=made.name)
    return made


def get_model(services: Services, project: Project, name: str) -> Model:
    """One model with its aliases."""
    return services.registry.model(project.id, name)


def change_model(services: Services, project: Project, name: str, data: ModelChange) -> Model:
    """Describe a model, add or replace tags."""
    if data.tags:
        services.registry.set_tags(project.id, name, check_tags(data.tags))
    if data.description is not None:
        return services.registry.describe(project.id, name, data.description)
    return services.registry.model(project.id, name)


def delete_model(services: Services, project: Project, identity: Identity, name: str) -> dict[str, Any]:
    """Delete a model with its versions."""
    services.registry.delete_model(project.id, name)
    services.audit.record(identity, "model.delete", project_id=project.id, object=name)
    return {}


def list_versions(services: Services, project: Project, name: str) -> Page[ModelVersion]:
    """The versions of a model, the newest first."""
    services.registry.model(project.id, name)
    return Page(items=services.registry.search(project.id, name=name))


def create_version(
    services: Services, project: Project, identity: Identity, name: str, data: NewModelVersion
) -> ModelVersion:
    """Register stored files as the model's next version; the model is made when it is new."""
    if data.run_id is not None:
        services.tracking.get(project.id, data.run_id)
    files = {path: (sha256, services.files.size(project.id, sha256)) for path, sha256 in data.files.items()}
    made = services.registry.create_version(
        project.id,
        name,
        run_id=data.run_id,
        files=files,
        description=data.description,
        signature=data.signature,
        user=identity.name,
        tags=check_tags(data.tags),
    )
    services.audit.record(
        identity,
        "model.version",
        project_id=project.id,
        object=made.id,
        detail={"model": name, "version": made.version},
    )
    return made


def get_version(services: Services, project: Project, name: str, version: int) -> ModelVersion:
    """One version of a model by number."""
    return services.registry.version(project.id, name, version)


def get_version_by_id(services: Services, project: Project, version_id: str) -> ModelVersion:
    """One version by its id."""
    return services.registry.version_by_id(project.id, version_id)


def get_version_by_alias(services: Services, project: Project, name: str, alias: str) -> ModelVersion:
    """The version an alias points at."""
    return services.registry.version_by_alias(project.id, name, alias)


def set_alias(
    services: Services, project: Project, identity: Identity, name: str, alias: str, data: AliasTarget
) -> Model:
    """Point an alias at a version."""
    changed = services.registry.set_alias(project.id, name, alias, data.version)
    services.audit.record(
        identity, "model.alias", project_id=project.id, object=name, detail={"alias": alias, "version": data.version}
    )
    return changed


def delete_alias(services: Services, project: Project, name: str, alias: str) -> Model:
    """Delete an alias."""
    return services.registry.delete_alias(project.id, name, alias)


def list_files(services: Services, project: Project, version_id: str) -> Page[Artifact]:
    """The files of a version."""
    return shown(services.registry.files_of(services.registry.version_by_id(project.id, version_id)))


def get_file(request: Request[Any, Any, Any], services: Services, project: Project, version_id: str) -> Stream:
    """A file of a version, verified while it is read."""
    version = services.registry.version_by_id(project.id, version_id)
    return streamed(services, ("version", version.id), sent_path(request, f"/model-versions/{version_id}/files/"))
