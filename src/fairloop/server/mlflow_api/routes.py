"""Every URL of the MLflow dialect, with its permission. The project is the workspace header's, else ``default``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fairloop.access.permissions import Permission as P
from fairloop.server.mlflow_api import (
    about,
    artifacts,
    experiments,
    logged_models,
    metrics,
    models,
    runs,
    versions,
)
from fairloop.server.routing import Route

API = "/api/2.0/mlflow"
V3 = "/api/3.0/mlflow"
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _route(method: Method, path: str, handler: Callable[..., Any], permission: P, *, upload: bool = False) -> Route:
    return Route(method, path, handler, permission, surface="mlflow", status=200, upload=upload)


ROUTES: list[Route] = [
    # ---- the server
    _route("GET", "/version", about.version, P.PUBLIC),
    _route("GET", V3 + "/server-info", about.server_info, P.PUBLIC),
    _route("GET", V3 + "/workspaces", about.list_workspaces, P.PROJECT_READ),
    _route("GET", V3 + "/workspaces/{workspace_name:str}", about.get_workspace, P.PROJECT_READ),
    # ---- experiments
    _route("POST", API + "/experiments/create", experiments.create, P.RUN_WRITE),
    _route("GET", API + "/experiments/get", experiments.get, P.PROJECT_READ),
    _route("GET", API + "/experiments/get-by-name", experiments.get_by_name, P.PROJECT_READ),
    _route("GET", API + "/experiments/search", experiments.search_get, P.PROJECT_READ),
    _route("POST", API + "/experiments/search", experiments.search, P.PROJECT_READ),
    _route("GET", API + "/experiments/list", experiments.search_get, P.PROJECT_READ),
    _route("POST", API + "/experiments/update", experiments.update, P.RUN_WRITE),
    _route("POST", API + "/experiments/delete", experiments.delete, P.RUN_DELETE),
    _route("POST", API + "/experiments/restore", experiments.restore, P.RUN_DELETE),
    _route("POST", API + "/experiments/set-experiment-tag", experiments.set_tag, P.RUN_WRITE),
    _route("POST", API + "/experiments/delete-experiment-tag", experiments.delete_tag, P.RUN_WRITE),
    # ---- runs
    _route("POST", API + "/runs/create", runs.create, P.RUN_WRITE),
    _route("GET", API + "/runs/get", runs.get, P.PROJECT_READ),
    _route("POST", API + "/runs/update", runs.update, P.RUN_WRITE),
    _route("POST", API + "/runs/delete", runs.delete, P.RUN_DELETE),
    _route("POST", API + "/runs/restore", runs.restore, P.RUN_DELETE),
    _route("POST", API + "/runs/search", runs.search, P.PROJECT_READ),
    _route("POST", API + "/runs/log-metric", metrics.log_metric, P.RUN_WRITE),
    _route("POST", API + "/runs/log-batch", metrics.log_batch, P.RUN_WRITE),
    _route("POST", API + "/runs/log-parameter", metrics.log_param, P.RUN_WRITE),
    _route("POST", API + "/runs/set-tag", metrics.set_tag, P.RUN_WRITE),
    _route("POST", API + "/runs/delete-tag", runs.delete_tag, P.RUN_WRITE),
    _route("POST", API + "/runs/log-inputs", runs.log_inputs, P.RUN_WRITE),
    _route("POST", API + "/runs/outputs", runs.log_outputs, P.RUN_WRITE),
    _route("POST", API + "/runs/log-model", runs.log_model, P.RUN_WRITE),
    _route("GET", API + "/metrics/get-history", metrics.history, P.PROJECT_READ),
    _route("GET", API + "/metrics/get-history-bulk-interval", metrics.history_interval, P.PROJECT_READ),
    # ---- logged models
    _route("POST", API + "/logged-models", logged_models.create, P.RUN_WRITE),
    _route("POST", API + "/logged-models/search", logged_models.search, P.PROJECT_READ),
    _route("GET", API + "/logged-models/{model_id:str}", logged_models.get, P.PROJECT_READ),
    _route("PATCH", API + "/logged-models/{model_id:str}", logged_models.finalize, P.RUN_WRITE),
    _route("DELETE", API + "/logged-models/{model_id:str}", logged_models.delete, P.RUN_DELETE),
    _route("PATCH", API + "/logged-models/{model_id:str}/tags", logged_models.set_tags, P.RUN_WRITE),
    _route("DELETE", API + "/logged-models/{model_id:str}/tags/{tag_key:str}", logged_models.delete_tag, P.RUN_WRITE),
    _route("POST", API + "/logged-models/{model_id:str}/params", logged_models.log_params, P.RUN_WRITE),
    _route("GET", API + "/logged-models/{model_id:str}/artifacts/directories", artifacts.list_of_model, P.PROJECT_READ),
    # ---- files
    _route("GET", API + "/artifacts/list", artifacts.list_of_run, P.PROJECT_READ),
    _route("GET", artifacts.ROOT, artifacts.list_proxied, P.PROJECT_READ),
    _route("GET", artifacts.ROOT + "/{reference:path}", artifacts.download, P.PROJECT_READ),
    _route("PUT", artifacts.ROOT + "/{reference:path}", artifacts.upload, P.RUN_WRITE, upload=True),
    _route("DELETE", artifacts.ROOT + "/{reference:path}", artifacts.delete, P.RUN_DELETE),
    # ---- registered models
    _route("POST", API + "/registered-models/create", models.create, P.MODEL_WRITE),
    _route("GET", API + "/registered-models/get", models.get, P.PROJECT_READ),
    _route("GET", API + "/registered-models/search", models.search, P.PROJECT_READ),
    _route("PATCH", API + "/registered-models/update", models.update, P.MODEL_WRITE),
    _route("POST", API + "/registered-models/rename", models.rename, P.MODEL_WRITE),
    _route("DELETE", API + "/registered-models/delete", models.delete, P.MODEL_WRITE),
    _route("POST", API + "/registered-models/set-tag", models.set_tag, P.MODEL_WRITE),
    _route("DELETE", API + "/registered-models/delete-tag", models.delete_tag, P.MODEL_WRITE),
    _route("POST", API + "/registered-models/alias", models.set_alias, P.MODEL_WRITE),
    _route("DELETE", API + "/registered-models/alias", models.delete_alias, P.MODEL_WRITE),
    _route("GET", API + "/registered-models/alias", models.get_by_alias, P.PROJECT_READ),
    _route("POST", API + "/registered-models/get-latest-versions", models.latest_versions, P.PROJECT_READ),
    _route("GET", API + "/registered-models/get-latest-versions", models.latest_versions_get, P.PROJECT_READ),
    # ---- model versions
    _route("POST", API + "/model-versions/create", versions.create, P.MODEL_WRITE),
    _route("GET", API + "/model-versions/get", versions.get, P.PROJECT_READ),
    _route("GET", API + "/model-versions/search", versions.search, P.PROJECT_READ),
    _route("GET", API + "/model-versions/get-download-uri", versions.download_uri, P.PROJECT_READ),
    _route("PATCH", API + "/model-versions/update", versions.update, P.MODEL_WRITE),
    _route("POST", API + "/model-versions/transition-stage", versions.transition, P.MODEL_WRITE),
    _route("DELETE", API + "/model-versions/delete", versions.delete, P.MODEL_WRITE),
    _route("POST", API + "/model-versions/set-tag", versions.set_tag, P.MODEL_WRITE),
    _route("DELETE", API + "/model-versions/delete-tag", versions.delete_tag, P.MODEL_WRITE),
]
