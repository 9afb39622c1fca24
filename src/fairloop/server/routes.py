"""Every URL of the server, with its permission. Deny by default: what is not here does not exist."""

from __future__ import annotations

from fairloop.access.permissions import Permission as P
from fairloop.server.api import blobs, datasets, health, projects
from fairloop.server.routing import Route

V1 = "/api/v1"
IN = V1 + "/projects/{project_name:str}"

ROUTES: list[Route] = [
    # ---- server
    Route("GET", "/health", health.health, P.PUBLIC),
    # ---- projects and people
    Route("GET", V1 + "/projects", projects.list_projects, P.SIGNED_IN),
    Route("POST", V1 + "/projects", projects.create_project, P.PEOPLE_MANAGE, status=201),
    Route("GET", IN, projects.get_project, P.PROJECT_READ),
    # ---- blobs and artifacts
    Route("PUT", IN + "/blobs/{sha256:str}", blobs.put_blob, P.RUN_WRITE, upload=True),
    Route("GET", IN + "/blobs/{sha256:str}", blobs.get_blob, P.PROJECT_READ),
    # ---- datasets
    Route("POST", IN + "/datasets", datasets.create_version, P.DATA_WRITE, status=201),
    Route("GET", IN + "/datasets", datasets.list_datasets, P.PROJECT_READ),
    Route("GET", IN + "/datasets/{dataset:str}/versions", datasets.list_versions, P.PROJECT_READ),
    Route("GET", IN + "/datasets/{dataset:str}/versions/{version:str}", datasets.get_by_number, P.PROJECT_READ),
    Route("GET", IN + "/dataset-versions/{version_id:str}", datasets.get_version, P.PROJECT_READ),
    # ---- tracking
    # ---- registry
    # ---- pipelines and work
    # ---- evaluation
    # ---- loops, cycles, approvals
    # ---- endpoints, predictions
    # ---- monitors, alerts
    # ---- audit
]
"""The REST API. The MLflow dialect and the pages add theirs in mlflow_api/routes.py and pages/routes.py."""
