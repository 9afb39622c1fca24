"""Every page, with its permission."""

from __future__ import annotations

from fairloop.access.permissions import Permission as P
from fairloop.server.pages import assets, cycles, home, projects
from fairloop.server.routing import Route

IN = "/projects/{project_name:str}"


def _page(path: str, handler: object, permission: P, method: str = "GET") -> Route:
    return Route(method, path, handler, permission, surface="page")  # type: ignore[arg-type]


ROUTES: list[Route] = [
    _page("/static/{version:str}/{path:path}", assets.static_file, P.PUBLIC),
    # ---- server
    _page("/", home.home, P.SIGNED_IN),
    _page("/projects", projects.create, P.PEOPLE_MANAGE, "POST"),
    # ---- project
    _page(IN, projects.overview, P.PROJECT_READ),
    _page(IN + "/loops", projects.loops, P.PROJECT_READ),
    _page(IN + "/cycles/{cycle_id:str}", cycles.show, P.PROJECT_READ),
    _page(IN + "/cycles/{cycle_id:str}/timeline", cycles.timeline, P.PROJECT_READ),
    _page(IN + "/cycles/{cycle_id:str}/cancel", cycles.cancel, P.PIPELINE_RUN, "POST"),
    _page(IN + "/approvals/{approval_id:str}", cycles.decide, P.MODEL_APPROVE, "POST"),
    _page(IN + "/settings", projects.settings, P.PROJECT_READ),
    _page(IN + "/members", projects.set_member, P.PROJECT_EDIT, "POST"),
    _page(IN + "/members/remove", projects.remove_member, P.PROJECT_EDIT, "POST"),
]
