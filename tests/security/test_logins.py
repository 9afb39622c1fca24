"""S28, S29, S38-S40, S51: the first administrator, passwords, and when a login or token ends."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fairloop.core.people import Identity, Role
from fairloop.server.auth import session_cookie
from fairloop.server.lifecycle import ServerFile, write_secret
from fairloop.server.services import build_services
from fairloop.settings import Settings
from fairloop.storage.tables import people
from support.asgi import HOST, Answer, World, world_of

GOOD = "seven tall lamps hum"
ROOT = Identity(kind="person", name="test", administrator=True)
_people = iter(f"person{i}" for i in range(1000))


def post(world: World, path: str, headers: dict[str, str] | None = None, **body: Any) -> Answer:
    return world.call(
        "POST",
        f"/api/v1{path}",
        headers={"Origin": f"http://{HOST}", **(headers or {})},
        body=json.dumps(body).encode(),
    )


def cookie_of(answer: Answer) -> dict[str, str]:
    value = next(v for k, v in answer.headers if k.lower() == "set-cookie")
    return {"Cookie": value.split(";")[0], "Origin": f"http://{HOST}"}


def person(world: World) -> str:
    name = next(_people)
    world.services.people.create(ROOT, name, password=GOOD)
    return name


def me(world: World, headers: dict[str, str]) -> int:
    return world.call("GET", "/api/v1/me", headers=headers).status


# ---- the first administrator
def test_s28_no_default_password_and_a_setup_token_that_works_once(tmp_path: Path, loop: Any) -> None:
    world = world_of(tmp_path, auth=True, loop=loop)
    token = world.services.people.new_setup_token()
    assert token is not None
    for name, password in (
        ("admin", "password1234"),
        ("admin", "admin"),
        ("root", ""),
        ("fairloop", "fairloop"),
    ):
        assert post(world, "/login", name=name, password=password).status == 401
    assert post(world, "/setup", token="fls_wrong", name="ann", password=GOOD).status == 401
    assert post(world, "/setup", token=token, name="ann", password="elevenchars").status == 400
    done = post(world, "/setup", token=token, name="ann", password=GOOD)
    assert done.status == 200
    assert world.call("GET", "/api/v1/me", headers=cookie_of(done)).told["administrator"] is True
    assert post(world, "/setup", token=token, name="eve", password=GOOD).status == 401
    assert world.services.people.new_setup_token() is None
    world.services.close()


def test_a_new_start_voids_the_old_setup_token(tmp_path: Path, loop: Any) -> None:
    world = world_of(tmp_path, auth=True, loop=loop)
    first, second = world.services.people.new_setup_token(), world.services.people.new_setup_token()
    assert post(world, "/setup", token=first, name="ann", password=GOOD).status == 401
    assert post(world, "/setup", token=second, name="ann", password=GOOD).status == 200
    world.services.close()


@pytest.mark.parametrize(
    "password",
    [
        "",
        "x",
        "admin",
        "password",
        "123456",
        "qwerty",
        "elevenchars",
        "password1234",
        "Password1234!",
        "p@ssw0rd1234",
        "123456789012",
        "qwertyuiop[]",
        "qwertyuiopas",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "abababababab",
        "letmein12345",
        "passwordpassword",
        "iloveyou2026",
        "welcome12345",
        "administrator",
        "correcthorsebatterystaple",
        "1q2w3e4r5t6y",
        "somebody.else",
        "Somebody.Else1",
    ],
)
def test_s29_weak_passwords_are_refused(secured: World, password: str) -> None:
    answer = post(secured, "/people", secured.headers["server_administrator"], name="somebody.else", password=password)
    assert answer.status == 400


def test_passwords_are_stored_as_argon2id_and_never_shown(secured: World) -> None:
    name = person(secured)
    query = select(people.c.password_hash).where(people.c.name == name)
    assert secured.services.database.read(lambda c: c.execute(query).scalar()).startswith("$argon2id$")
    listed = secured.call("GET", "/api/v1/people", headers=secured.headers["server_administrator"])
    assert b"argon2" not in listed.body
    assert b"password" not in listed.body


# ---- logins
def test_login_rotates_the_session_and_logout_ends_it(secured: World) -> None:
    name = person(secured)
    first = cookie_of(post(secured, "/login", name=name, password=GOOD))
    second = cookie_of(post(secured, "/login", first, name=name, password=GOOD))
    assert first["Cookie"] != second["Cookie"]
    assert me(secured, first) == 401
    assert me(secured, second) == 200
    post(secured, "/logout", second)
    assert me(secured, second) == 401


def test_the_cookie_is_httponly_and_same_site(secured: World) -> None:
    answer = post(secured, "/login", name=person(secured), password=GOOD)
    cookie = next(v for k, v in answer.headers if k.lower() == "set-cookie").lower()
    assert cookie.startswith("fl_session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    behind_tls = session_cookie(Settings(auth=True, tls=True), "s").to_header(header="").lower()
    assert "__host-fl=s" in behind_tls
    assert "secure" in behind_tls
    assert "path=/;" in behind_tls + ";"
    assert "domain" not in behind_tls


def test_guessing_is_slowed_down_and_all_failures_answer_alike(secured: World) -> None:
    name = person(secured)
    wrong = post(secured, "/login", name=name, password="not the right one")
    nobody = post(secured, "/login", name="no such person", password="not the right one")
    assert wrong.same_as() == nobody.same_as()
    statuses = [post(secured, "/login", name=name, password="not the right one").status for _ in range(8)]
    assert statuses[-1] == 429
    secured.services.people._backoff.succeeded(f"name {name} 127.0.0.1", "ip 127.0.0.1")
    assert post(secured, "/login", name=name, password=GOOD).status == 200


def test_s38_what_ends_a_login_ends_it_at_once(secured: World) -> None:
    services, name = secured.services, person(secured)
    known = services.people.find(name)

    def fresh() -> list[dict[str, str]]:
        token = services.tokens.create(services.people.identity_of(known, verified=True), "t").secret
        return [
            cookie_of(post(secured, "/login", name=name, password=GOOD)),
            {"Authorization": f"Bearer {token}"},
        ]

    for end in (
        lambda: services.people.set_password(ROOT, known.id, GOOD),
        lambda: services.people.change(ROOT, known.id, disabled=True),
    ):
        held = fresh()
        assert [me(secured, h) for h in held] == [200, 200]
        end()
        assert [me(secured, h) for h in held] == [401, 401]


def test_s38_a_lowered_role_counts_at_once(secured: World) -> None:
    services, name = secured.services, person(secured)
    assert secured.own is not None
    services.people.set_member(ROOT, secured.own.id, name, Role.ADMINISTRATOR)
    held = cookie_of(post(secured, "/login", name=name, password=GOOD))
    change = ("PATCH", "/api/v1/projects/own")
    assert secured.call(*change, headers=held, body=b'{"goal":"g"}').status == 200
    services.people.set_member(ROOT, secured.own.id, name, Role.VIEWER)
    assert secured.call(*change, headers=held, body=b'{"goal":"g"}').status == 403
    services.people.remove_member(ROOT, secured.own.id, name)
    assert secured.call(*change, headers=held, body=b'{"goal":"g"}').status == 404


def test_s39_changing_ones_own_password_needs_the_current_one(secured: World) -> None:
    name = person(secured)
    held, known = (
        cookie_of(post(secured, "/login", name=name, password=GOOD)),
        secured.services.people.find(name),
    )
    other = "nine green kites fly"
    assert post(secured, f"/people/{known.id}/password", held, password=other).status == 403
    assert post(secured, f"/people/{known.id}/password", held, password=other, current="wrong").status == 403
    assert post(secured, f"/people/{known.id}/password", held, password=other, current=GOOD).status == 200
    assert me(secured, held) == 401


def test_nobody_sets_another_persons_password(secured: World) -> None:
    victim = secured.services.people.find("viewer")
    missing = post(secured, "/people/per_none/password", secured.headers["administrator"], password=GOOD)
    theirs = post(secured, f"/people/{victim.id}/password", secured.headers["administrator"], password=GOOD)
    assert theirs.status == 404
    assert theirs.same_as() == missing.same_as()


# ---- tokens
def test_a_token_works_as_bearer_and_as_basic_password_until_revoked(secured: World) -> None:
    boss = secured.headers["server_administrator"]
    made = post(secured, "/tokens", boss, name="ci").told
    basic = base64.b64encode(f"anything:{made['secret']}".encode()).decode()
    forms = [{"Authorization": f"Bearer {made['secret']}"}, {"Authorization": f"Basic {basic}"}]
    assert [me(secured, f) for f in forms] == [200, 200]
    listed = secured.call("GET", "/api/v1/tokens", headers=boss)
    assert made["secret"].encode() not in listed.body
    secured.call("DELETE", f"/api/v1/tokens/{made['token']['id']}", headers=boss)
    assert [me(secured, f) for f in forms] == [401, 401]


def test_a_token_of_one_project_reaches_no_other(secured: World) -> None:
    made = post(secured, "/tokens", secured.headers["server_administrator"], name="narrow", project="own").told
    held = {"Authorization": f"Bearer {made['secret']}"}
    assert secured.call("GET", "/api/v1/projects/own", headers=held).status == 200
    assert secured.call("GET", "/api/v1/projects/other", headers=held).status == 404
    assert secured.call("GET", "/api/v1/people", headers=held).status == 403
    assert post(secured, "/tokens", held, name="wider").status == 403
    assert [p["name"] for p in secured.call("GET", "/api/v1/projects", headers=held).told["items"]] == ["own"]


def test_s40_tokens_of_another_installation_are_worthless(secured: World, tmp_path: Path) -> None:
    other = build_services(Settings(data=tmp_path, auth=True))
    assert secured.own is not None
    foreign = other.tokens.worker_token(secured.own.id, "w")
    own = secured.services.tokens.worker_token(secured.own.id, "w")
    other.close()
    assert foreign != own
    project = "/api/v1/projects/own"
    assert secured.call("GET", project, headers={"Authorization": f"Bearer {own}"}).status == 200
    assert secured.call("GET", project, headers={"Authorization": f"Bearer {foreign}"}).status == 401


# ---- nobody raises themselves
def test_s51_nobody_raises_themselves(secured: World) -> None:
    manager, administrator = secured.headers["manager"], secured.headers["administrator"]
    for who in ("viewer", "manager", "administrator"):
        headers = {**secured.headers[who], "Content-Type": "application/json"}
        answer = secured.call(
            "PUT", f"/api/v1/projects/own/members/{who}", headers=headers, body=b'{"role":"administrator"}'
        )
        assert answer.status == 403, who
        own = secured.services.people.find(who)
        assert (
            secured.call("PATCH", f"/api/v1/people/{own.id}", headers=headers, body=b'{"administrator":true}').status
            == 403
        )
    assert (
        secured.call("PUT", "/api/v1/projects/own/members/gone", headers=manager, body=b'{"role":"viewer"}').status
        == 403
    )
    boss = secured.services.people.find("boss")
    answer = secured.call(
        "PATCH", f"/api/v1/people/{boss.id}", headers=secured.headers["server_administrator"], body=b'{"disabled":true}'
    )
    assert answer.status == 403
    assert secured.call("GET", "/api/v1/people", headers=administrator).status == 403


def test_local_mode_has_nothing_to_log_in_to_and_shows_names_as_unverified(local: World) -> None:
    for path in ("/login", "/setup"):
        assert post(local, path, name="x", password="y", token="z").status == 404
    told = local.call("GET", "/api/v1/me", headers={"X-Fairloop-Person": "manager"}).told
    assert (told["name"], told["verified"], told["roles"]) == ("manager", False, {"own": "manager"})
    assert local.call("GET", "/api/v1/me", headers={"X-Fairloop-Person": "nobody known"}).status == 401
    assert local.call("GET", "/api/v1/me", headers={"Cookie": "fairloop_person=nobody"}).told["administrator"] is True
    acting = post(local, "/act-as", name="viewer")
    assert local.call("GET", "/api/v1/me", headers={"Cookie": cookie_of(acting)["Cookie"]}).told["name"] == "viewer"


def test_secrets_lie_in_files_only_their_owner_reads(tmp_path: Path) -> None:
    write_secret(tmp_path / "setup-token", "fls_x")
    ServerFile(pid=1, port=2, url="u", token="t").write(tmp_path)
    for name in ("setup-token", "server.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
