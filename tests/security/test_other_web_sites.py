"""S31-S35: another web site in the user's browser changes nothing and reads nothing, in both modes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from fairloop.server.origin import allowed, refusal
from fairloop.storage.tables import metadata
from support.asgi import HOST, World

EVIL_HOSTS = [
    "evil.example",
    "evil.example:8799",
    "127.0.0.1",
    "127.0.0.1:8700",
    "localhost:9999",
    "localhost.evil:8799",
    "127.0.0.1:8799.evil.example",
    "127.0.0.1:8799@evil",
    "0.0.0.0:8799",
    "10.0.0.7:8799",
    "192.168.1.9:8799",
    "[::]:8799",
    "",
]
EVIL_ORIGINS = [
    "null",
    "http://evil.example",
    "https://evil.example",
    "http://localhost:9999",
    "http://127.0.0.1:8700",
    "http://127.0.0.1",
    "https://app.good.com.evil.com",
    "http://127.0.0.1:8799.evil.com",
    "http://evil.com#127.0.0.1:8799",
    "http://127.0.0.1:87990",
    "file://",
    "chrome-extension://abc",
    "https://127.0.0.1:8799",
    "http://[::ffff:127.0.0.1]:8799",
    "http://user@127.0.0.1:8799",
    "",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "CONNECT"]
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"


@pytest.fixture(params=["local", "secured"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def credentials(world: World) -> dict[str, str]:
    """What a logged-in browser sends along by itself."""
    if not world.services.settings.auth:
        return {"Cookie": "fairloop_person=administrator"}
    secret = world.services.sessions.start(world.services.people.find("boss").id)
    return {"Cookie": f"fl_session={secret}"}


def state(world: World) -> list[Any]:
    """Everything a request could have changed, but for the audit log."""
    names = [t for t in metadata.tables if t not in {"audit", "sessions"}]
    return world.services.database.read(
        lambda c: [tuple(map(str, row)) for name in names for row in c.execute(text(f"SELECT * FROM {name}"))]
    )


def paths(world: World) -> list[str]:
    found = [*sorted({u.path for u in world.urls()}), "/api/v1/none", "/static/x"]
    return [p.replace("{project_name:str}", "own").replace(":str}", "}").replace(":path}", "}") for p in found]


@pytest.mark.parametrize("host", EVIL_HOSTS)
def test_s32_a_foreign_host_gets_nothing(world: World, credentials: dict[str, str], host: str) -> None:
    for path in paths(world):
        answer = world.call("GET", path, host=host, headers=credentials)
        assert answer.status == 403, (host, path)
    assert world.call("GET", "/health", host=None).status == 403


def test_s32_websocket_upgrades_are_refused(world: World) -> None:
    answer = world.call("GET", "/", host="evil.example", kind="websocket")
    assert answer.status == 4403


@pytest.mark.parametrize("origin", EVIL_ORIGINS)
def test_s34_s35_a_foreign_origin_changes_nothing(world: World, credentials: dict[str, str], origin: str) -> None:
    before = state(world)
    for url in world.urls():
        path = url.path.replace("{project_name:str}", "own").replace(":str}", "}")
        for body, kind in (
            (b"name=x&password=y", "application/x-www-form-urlencoded"),
            (b'{"name":"evil"}', "text/plain"),
        ):
            answer = world.call(
                url.method,
                path,
                headers={**credentials, "Origin": origin, "Content-Type": kind, "User-Agent": BROWSER},
                body=body,
            )
            assert answer.status == 403, (origin, url.method, path)
            assert not [v for k, v in answer.headers if k.lower().startswith("access-control-")]
    assert state(world) == before


@pytest.mark.parametrize("method", METHODS)
def test_s34_no_method_is_forgotten(world: World, credentials: dict[str, str], method: str) -> None:
    before = state(world)
    for path in paths(world):
        evil = world.call(method, path, headers={**credentials, "Origin": "http://evil.example"})
        assert evil.status in {403, 405}, (method, path)
    assert state(world) == before


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "FOO", "CONNECT"])
def test_methods_nobody_needs_do_not_exist(world: World, method: str) -> None:
    for path in paths(world):
        assert world.call(method, path).status == 405, (method, path)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_s31_forms_and_images_of_other_sites_without_origin(
    world: World, credentials: dict[str, str], site: str
) -> None:
    before = state(world)
    for url in world.urls():
        path = url.path.replace("{project_name:str}", "own").replace(":str}", "}")
        for mode, destination in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
            headers = {
                "Sec-Fetch-Site": site,
                "Sec-Fetch-Mode": mode,
                "Sec-Fetch-Dest": destination,
                **credentials,
            }
            assert world.call(url.method, path, headers=headers).status == 403, (url.method, path, mode)
        if url.method != "GET":
            headers = {
                "Sec-Fetch-Site": site,
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
                **credentials,
            }
            assert world.call(url.method, path, headers=headers).status == 403, (url.method, path)
    assert state(world) == before


def test_a_link_in_a_mail_opens(world: World, credentials: dict[str, str]) -> None:
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        **credentials,
    }
    assert world.call("GET", "/api/v1/projects/own", headers=headers).status == 200


def test_s33_the_user_agent_decides_nothing(world: World, credentials: dict[str, str]) -> None:
    for agent in (BROWSER, "curl/8.0", "python-requests/2", ""):
        headers = {**credentials, "User-Agent": agent}
        assert world.call("GET", "/api/v1/me", headers=headers).status == 200
        headers["Origin"] = "http://evil.example"
        assert world.call("GET", "/api/v1/me", headers=headers).status == 403


def test_our_own_pages_may_write(world: World, credentials: dict[str, str]) -> None:
    for origin in (f"http://{HOST}", "http://localhost:8799"):
        answer = world.call("POST", "/api/v1/logout", headers={**credentials, "Origin": origin})
        assert answer.status == 200


def test_a_cookie_alone_changes_nothing(secured: World) -> None:
    secret = secured.services.sessions.start(secured.services.people.find("boss").id)
    body, cookie = b'{"name":"sneaked"}', {"Cookie": f"fl_session={secret}"}
    assert secured.call("POST", "/api/v1/people", headers=cookie, body=body).status == 403
    assert (
        secured.call("POST", "/api/v1/people", headers={**cookie, "Sec-Fetch-Site": "same-origin"}, body=body).status
        == 201
    )


def test_two_hosts_or_two_origins_are_none(world: World) -> None:
    expected = allowed(world.services.settings)
    good = (b"host", HOST.encode())
    assert refusal("GET", [good], expected, "") == ""
    assert refusal("GET", [good, good], expected, "")
    assert refusal("GET", [good, (b"origin", b"http://evil"), (b"origin", f"http://{HOST}".encode())], expected, "")


def test_refused_origins_stand_in_the_audit_log(world: World) -> None:
    world.call("GET", "/api/v1/me", headers={"Origin": "http://evil.example"})
    world.services.database.write(lambda _: None)  # notes are written behind: wait for the queue
    assert any(e.action == "refused.origin" for e in world.services.audit.entries(limit=1000).items)
