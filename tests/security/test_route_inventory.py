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
}
    unexpected = {p for p in public if not any(p == q or p.startswith(q + "/") for q in PUBLIC)}
    assert not unexpected


def test_every_other_url_answers_401_to_strangers(secured: World) -> None:
    for url in secured.urls():
        if url.permission is Permission.PUBLIC:
            continue
        path = re.sub(r"\{project_name[^}]*\}", "own", url.path)
        path = re.sub(r"\{[^}]*\}", "x", path)
        for headers in ({}, secured.headers["revoked"], {"Authorization": "Bearer flp_forged"},
                        {"Authorization": "Basic YWRtaW46cGFzc3dvcmQxMjM0"}, {"Cookie": "fl_session=forged"}):  # fmt: skip
            headers = {**headers, "Origin": "http://127.0.0.1:8799"} if "Cookie" in headers else headers
            answer = secured.call(url.method, path, headers=headers)
            expected = {401, 303} if url.surface == "page" else {401}
            assert answer.status in expected, (url.method, url.path, headers, answer.body[:200])
