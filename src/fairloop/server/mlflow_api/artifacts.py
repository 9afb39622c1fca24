"""Files through the server, in MLflow's dialect: references are resolved by rows, bytes are streamed."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response
from litestar.response import Stream

from fairloop.core.names import check_artifact_path
from fairloop.core.people import Project
from fairloop.errors import InvalidInput, Refused
from fairloop.server.api.blobs import chunks_of, spooled
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.scope import Place, place_of
from fairloop.server.sent_path import sent_path
from fairloop.server.services import Services
from fairloop.storage.files import File

Ask = Request[Any, Any, Any]
ROOT = "/api/2.0/mlflow-artifacts/artifacts"


def _place(request: Ask, services: Services, project: Project) -> Place:
    """What the URL names: its path as it came, decoded once and never again."""
    return place_of(services, project, sent_path(request, ROOT + "/"))


def _level(files: list[File], folder: str) -> list[dict[str, Any]]:
    """The files and folders directly in ``folder``; paths relative to it."""
    prefix = folder + "/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        if not file.path.startswith(prefix):
            continue
        name, slash, _ = file.path[len(prefix) :].partition("/")
        found[name] = (
            {"path": name, "is_dir": True} if slash else {"path": name, "is_dir": False, "file_size": file.size_bytes}
        )
    return [found[name] for name in sorted(found)]


def list_proxied(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The files directly below a reference."""
    place = place_of(services, project, request.query_params.get("path", ""))
    return wire.answer({"files": _level(services.files.list(place.owner, place.path), place.path)})


def list_of_run(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """The files of a run directly in a folder."""
    given = request.query_params
    run = services.tracking.get(project.id, given.get("run_id", "") or given.get("run_uuid", ""))
    folder = given.get("path", "").rstrip("/")
    if folder:
        check_artifact_path(folder)
    level = _level(services.files.list(("run", run.id), folder), folder)
    files = [{**f, "path": f"{folder}/{f['path']}" if folder else f["path"]} for f in level]
    return wire.answer({"root_uri": wire.run_uri(run.experiment_id, run.id), "files": files})


def list_of_model(request: Ask, services: Services, project: Project, model_id: str) -> Response[bytes]:
    """The files of a logged model directly in a folder."""
    model = services.tracking.logged_models.get(project.id, model_id)
    folder = request.query_params.get("artifact_directory_path", "").rstrip("/")
    if folder:
        check_artifact_path(folder)
    level = _level(services.files.list(("logged_model", model.id), folder), folder)
    files = [{**f, "path": f"{folder}/{f['path']}" if folder else f["path"]} for f in level]
    return wire.answer({"root_uri": wire.logged_model_uri(model), "files": files})


def _writable(place: Place) -> Place:
    if place.owner[0] == "version":
        raise Refused("The files of a registered model version never change; register a new version.")
    if not place.path:
        raise InvalidInput("The reference names no file; add its path below artifacts/.")
    return place


async def upload(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """Store a file; visible when all its bytes are on disk."""
    place = _writable(await asyncio.to_thread(_place, request, services, project))
    spool = await spooled(request)
    await asyncio.to_thread(services.files.put, project.id, place.owner, place.path, chunks_of(spool))
    return Response(wire.EMPTY, media_type="application/json")


def download(request: Ask, services: Services, project: Project) -> Stream:
    """A file's bytes, verified while they are read."""
    place = _place(request, services, project)
    file, body = services.files.stream(place.owner, place.path)
    headers = {
        "Content-Length": str(file.size_bytes),
        "Content-Disposition": "attachment",
        "ETag": f'"{file.sha256}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Stream(body, media_type="application/octet-stream", headers=headers)


def delete(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """Delete a file or a folder of files."""
    place = _writable(_place(request, services, project))
    services.files.delete(place.owner, place.path)
    return wire.answer({})
