"""Is the server up?"""

from __future__ import annotations

from typing import Any

from litestar import Request

from fairloop import __version__


async def health(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Is the server up, and which version is it? ``yours`` answers the token of its server.json."""
    return {"status": "ok", "version": __version__, "yours": bool(request.scope["state"].get("owner"))}
