"""The strip that says where an object stands: data, run, model, endpoint."""

from __future__ import annotations

from fairloop.core.datasets import DatasetVersion
from fairloop.core.models import ModelVersion
from fairloop.core.people import Project
from fairloop.server.pages.shell import within

Part = dict[str, str]


def data(project: Project, version: DatasetVersion, *, here: bool = False) -> Part:
    return _part(
        "data",
        "Data",
        f"{version.dataset} v{version.version}",
        "" if here else within(project, "data", version.dataset, version.version),
    )


def pipeline(project: Project, run_id: str, name: str, *, here: bool = False) -> Part:
    return _part("pipelines", "Pipeline run", name, "" if here else within(project, "pipelines", run_id))


def run(project: Project, run_id: str, name: str, *, here: bool = False) -> Part:
    return _part("runs", "Run", name or run_id[:8], "" if here else within(project, "runs", run_id))


def cycle(project: Project, cycle_id: str, number: int, *, here: bool = False) -> Part:
    return _part("project", "Cycle", f"Cycle {number}", "" if here else within(project, "cycles", cycle_id))


def model(project: Project, version: ModelVersion, *, here: bool = False) -> Part:
    return _part(
        "models",
        "Model version",
        f"{version.model} v{version.version}",
        "" if here else within(project, "models", version.model, version.version),
    )


def endpoint(project: Project, name: str, *, here: bool = False) -> Part:
    return _part("endpoints", "Endpoint", name, "" if here else within(project, "endpoints", name))


def _part(icon: str, kind: str, name: str, href: str) -> Part:
    return {"icon": icon, "kind": kind, "name": name, "href": href}
