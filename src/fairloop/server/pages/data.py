"""Datasets and their immutable versions, with profiles."""

from __future__ import annotations

from typing import Any

from fairloop.core.datasets import DatasetVersion
from fairloop.core.people import Project
from fairloop.errors import NotFound
from fairloop.server.pages import live
from fairloop.server.pages.data_bias import TEMPLATE
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import data_bias, lineage
from fairloop.server.services import Services


def listing(request: Asked, services: Services, project: Project, cursor: str | None = None) -> Html:
    """Datasets, each with its newest version."""
    found = services.datasets.list(project.id, cursor=cursor)
    rows = [{"version": v, "href": within(project, "data", v.dataset, v.version)} for v in found.items]
    return page(
        request,
        "data.html",
        title="Data",
        section="data",
        rows=rows,
        older=f"{within(project, 'data')}?cursor={found.next}" if found.next else "",
    )


def version(request: Asked, services: Services, project: Project, dataset: str, version: int) -> Html:
    """One version: roles, profile of every column, where it came from, what used it."""
    found = services.datasets.find(project.id, dataset, version)
    versions = services.datasets.versions(project.id, dataset).items
    cycles = [c for c in services.loops.cycles(project.id, limit=200).items if c.dataset_version_id == found.id]
    return page(
        request,
        "dataset.html",
        title=f"{dataset} v{version}",
        section="data",
        v=found,
        columns=_columns(found),
        crumbs=[("Data", within(project, "data"))],
        versions=[(v, within(project, "data", v.dataset, v.version)) for v in versions],
        parents=_parents(services, project, found),
        doubts=live.part(request, TEMPLATE, **data_bias.section(services, project, found)),
        used_by=[lineage.cycle(project, c.id, c.number) for c in cycles[:12]],
    )


def _parents(services: Services, project: Project, found: DatasetVersion) -> list[lineage.Part]:
    parts = []
    for parent in found.parents:
        try:
            parts.append(lineage.data(project, services.datasets.get(project.id, parent)))
        except NotFound:
            continue
    return [*parts, lineage.data(project, found, here=True)]


def _columns(found: DatasetVersion) -> list[dict[str, Any]]:
    roles = found.roles
    rows = []
    for name, told in (found.profile.get("columns") or {}).items():
        role = (
            "target"
            if name == roles.target
            else "sensitive"
            if name in roles.sensitive
            else "weight"
            if name == roles.weight
            else "ignored"
            if name in roles.ignore
            else "feature"
        )
        counts = (told.get("histogram") or {}).get("counts") or [n for _, n in (told.get("frequent") or [])[:12]]
        most = max(counts, default=0) or 1
        rows.append(
            {
                "name": name,
                "role": role,
                "told": told,
                "kind": told.get("kind", ""),
                "bars": [round(100 * n / most, 1) for n in counts],
                "missing": told.get("missing") or 0,
                "share": (told.get("missing") or 0) / found.rows if found.rows else 0.0,
            }
        )
    return rows
