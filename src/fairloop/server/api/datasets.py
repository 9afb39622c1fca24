"""Datasets over REST."""

from __future__ import annotations

from fairloop.core.datasets import DatasetVersion
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.datasets.service import NewVersion
from fairloop.errors import NotFound
from fairloop.server.services import Services


def create_version(services: Services, identity: Identity, project: Project, data: NewVersion) -> DatasetVersion:
    """Register the next version of a dataset; the same rows and roles give the same version again."""
    made_of = services.datasets.get(project.id, data.parents[0]) if identity.kind == "worker" and data.parents else None
    version = services.datasets.create(project.id, data, owner=made_of.owner if made_of else identity.name)
    services.audit.record(identity, "dataset.create", project_id=project.id, object=version.id,
                          detail={"dataset": version.dataset, "version": version.version})  # fmt: skip
    return version


def list_datasets(
    services: Services, project: Project, cursor: str | None = None, limit: int = 100
) -> Page[DatasetVersion]:
    """The newest version of every dataset, by name."""
    return services.datasets.list(project.id, cursor=cursor, limit=limit)


def list_versions(
    services: Services, project: Project, dataset: str, cursor: str | None = None, limit: int = 100
) -> Page[DatasetVersion]:
    """All versions of one dataset, newest first."""
    return services.datasets.versions(project.id, dataset, cursor=cursor, limit=limit)


def get_by_number(services: Services, project: Project, dataset: str, version: str) -> DatasetVersion:
    """One version of a dataset by number, or ``latest``."""
    if version != "latest" and not version.isdecimal():
        raise NotFound("No such dataset, or you may not see it.")
    return services.datasets.find(project.id, dataset, None if version == "latest" else int(version[:9]))


def get_version(services: Services, project: Project, version_id: str) -> DatasetVersion:
    """One version of a dataset by its id."""
    return services.datasets.get(project.id, version_id)
