"""What MLflow's clients ask about the server itself: its version, its features, its workspaces (our projects)."""

from __future__ import annotations

from litestar import Response

from fairloop.access.permit import visible
from fairloop.core.people import Identity
from fairloop.errors import NotFound
from fairloop.server.mlflow_api import wire
from fairloop.server.services import Services


async def version() -> Response[bytes]:
    """The MLflow version whose dialect this is."""
    return Response(wire.COMPATIBLE_VERSION.encode(), media_type="text/plain")


async def server_info() -> Response[bytes]:
    """What this server can do."""
    return wire.answer(
        {
            "store_type": "SqlStore",
            "workspaces_enabled": True,
            "trace_archival_enabled": False,
            "multipart_uploads_enabled": False,
            "multipart_downloads_enabled": False,
            "presigned_upload_run_id_supported": False,
            "presigned_upload_model_id_supported": False,
            "features_enabled": [],
        }
    )


def list_workspaces(services: Services, identity: Identity) -> Response[bytes]:
    """The projects you are a member of."""
    found = [{"name": p.name, "description": p.goal} for p in services.projects.list() if visible(identity, p.id)]
    return wire.answer({"workspaces": found})


def get_workspace(services: Services, identity: Identity, workspace_name: str) -> Response[bytes]:
    """One project."""
    project = services.projects.find(workspace_name)
    if not visible(identity, project.id):
        raise NotFound("No such project, or you may not see it.")
    return wire.answer({"workspace": {"name": project.name, "description": project.goal}})
