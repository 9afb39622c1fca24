"""Every page, with its permission."""

from __future__ import annotations

from fairloop.access.permissions import Permission as P
from fairloop.server.pages import assets, home
from fairloop.server.routing import Route

IN = "/projects/{project_name:str}"


def _page(path: str, handler: object, permission: P, method: str = "GET") -> Route:
    return Route(method, path, handler, permission, surface="page")  # type: ignore[arg-type]


ROUTES: list[Route] = [
    _page("/static/{version:str}/{path:path}", assets.static_file, P.PUBLIC),
    # ---- server
    _page("/", home.home, P.SIGNED_IN),
    # ---- project
]
