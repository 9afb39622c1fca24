"""S45: nothing is served that does not declare its permission, and strangers reach only a handful of URLs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from litestar import Litestar, WebSocket, get, websocket
from litestar.static_files import create_static_files_router

from fairloop.access.permissions import Permission
from fairloop.server.routing import Route, check_routes
from support.asgi import World

PUBLIC = {
    *("/health", "/version", "/api/3.0/mlflow/server-info", "/static", "/favicon.ico"),
    *("/login", "/setup", "/logout", "/api/v1/login", "/api/v1/setup", "/api/v1/logout"),
    *("/invitation", "/api/v1/invitation-acceptance"),  # who was invited has no account yet
    *("/appeal", "/appeal-answer"),  # who was judged has none
}


def test_a_planted_route_without_permission_stops_the_start() -> None:
    @get("/planted", sync_to_thread=False)
    def planted() -> str:
        return "open"

    with pytest.raises(TypeError, match=r"/planted.*declares no permission"):
        check_routes(Litestar([planted], openapi_config=None))


def test_a_planted_static_folder_stops_the_start(tmp_path: Path) -> None:
    router = create_static_files_router("/files", directories=[tmp_path])
    with pytest.raises(TypeError, match="declares no permission"):
        check_routes(Litestar([router], openapi_config=None))


def test_a_planted_websocket_stops_the_start() -> None:
    @websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    with pytest.raises(TypeError, match="declares no permission"):
        check_routes(Litestar([live], openapi_config=None))


def test_the_frameworks_own_openapi_pages_would_stop_the_start() -> None:
    with pytest.raises(TypeError, match="declares no permission"):
        check_routes(Litestar([]))


def test_a_route_cannot_be_written_without_a_permission() -> None:
    with pytest.raises(TypeError, match="declares no permission"):
        Route("GET", "/x", lambda: None, None)  # type: ignore[arg-type]


def test_a_project_permission_needs_a_project_in_the_path() -> None:
    with pytest.raises(TypeError, match="needs a project"):
        Route("GET", "/x", lambda: None, Permission.PROJECT_READ)


def test_strangers_reach_only_the_listed_public_urls(secured: World) -> None:
    public = {u.path for u in secured.urls() if u.permission is Permission.PUBLIC}
    unexpected = {p for p in public if not any(p == q or p.startswith(q + "/") for q in PUBLIC)}
    assert not unexpected


def test_every_other_url_answers_401_to_strangers(secured: World) -> None:
    for url in secured.urls():
        if url.permission is Permission.PUBLIC:
            continue
        path = re.sub(r"\{project_name[^}]*\}", "own", url.path)
        path = re.sub(r"\{\w+:int\}", "1", path)
        path = re.sub(r"\{[^}]*\}", "x", path)
        for headers in (
            {},
            secured.headers["revoked"],
            {"Authorization": "Bearer flp_forged"},
            {"Authorization": "Basic YWRtaW46cGFzc3dvcmQxMjM0"},
            {"Cookie": "fl_session=forged"},
        ):
            headers = {**headers, "Origin": "http://127.0.0.1:8799"} if "Cookie" in headers else headers
            answer = secured.call(url.method, path, headers=headers)
            expected = {401, 303} if url.surface == "page" else {401}
            assert answer.status in expected, (url.method, url.path, headers, answer.body[:200])
