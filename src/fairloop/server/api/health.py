"""Is the server up?"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from fairloop import __version__
from fairloop.server.openapi import document


async def health(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Is the server up, and which version is it? ``yours`` answers the token of its server.json."""
    return {"status": "ok", "version": __version__, "yours": bool(request.scope["state"].get("owner"))}


def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """This API's OpenAPI document."""
    state = request.app.state
    if "openapi" not in state:
        state["openapi"] = document(state.routes)
    return Response(state["openapi"], media_type="application/json")
