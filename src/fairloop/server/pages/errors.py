"""Errors as pages, for people with a browser."""

from __future__ import annotations

from typing import Any

from litestar import Request

from fairloop.errors import FairloopError
from fairloop.server.pages.shell import Html, page

_HEADS = {
    401: ("Log in first", "key"),
    403: ("You may not do that here", "key"),
    404: ("Nothing here", "search"),
    405: ("Nothing here", "search"),
    409: ("That does not fit the present state", "alert"),
    429: ("Too many attempts", "clock"),
}


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether whoever asked reads HTML: page routes, and unknown URLs opened in a browser."""
    handler = request.scope.get("route_handler")
    surface = getattr(handler, "opt", {}).get("surface")
    if surface is not None:
        return bool(surface == "page")
    reads_html = "text/html" in request.headers.get("accept", "")
    return reads_html and not request.url.path.startswith(("/api/", "/ajax-api/"))


def error_page(request: Request[Any, Any, Any], told: FairloopError, status: int, request_id: str) -> Html:
    """One sentence on what is wrong and what to do."""
    head, picture = _HEADS.get(status, ("Something went wrong" if status >= 500 else "That did not work", "alert"))
    return page(
        request,
        "error.html",
        title=head,
        picture=picture,
        detail=told.message,
        status=status,
        log_in=status == 401,
        request_id=request_id,
    )
