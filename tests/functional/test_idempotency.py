"""``Idempotency-Key`` over HTTP: a repeated create is one thing, whoever loses an answer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import RunningServer

from fairloop.access.permissions import ROLES, Permission
from fairloop.client.http import Http
from fairloop.client.patient import PatientHttp
from fairloop.core.people import Identity, Role
from fairloop.errors import Unreachable
from fairloop.server import idempotency
from support.asgi import Answer, World, world_of

RUNS = "/api/v1/projects/default/runs"


def replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def test_the_second_gets_the_first_answer(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "first"}
    one = http.post(RUNS, json={"name": "once"}, headers=key)
    two = http.post(RUNS, json={"name": "once"}, headers=key)
    assert one.status_code == two.status_code == 201
    assert one.content == two.content
    assert one.headers["content-type"] == two.headers["content-type"]
    assert (replayed(one), replayed(two)) == (False, True)
    assert not replayed(http.post(RUNS, json={"name": "once"}))
    names = [run["name"] for run in http.get(RUNS).json()["items"]]
    assert names.count("once") == 2


def test_another_body_person_or_address(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "second"}
    first = http.post(RUNS, json={"name": "a"}, headers=key)
    other = http.post(RUNS, json={"name": "b"}, headers=key)
    assert other.status_code == 409
    assert other.json()["code"] == "conflict"
    assert "send a new key" in other.json()["detail"]
    http.post("/api/v1/people", json={"name": "Ada", "administrator": True}).raise_for_status()
    hers = http.post(RUNS, json={"name": "a"}, headers=key | {"X-Fairloop-Person": "Ada"})
    assert hers.status_code == 201
    assert hers.json()["id"] != first.json()["id"]
    assert not replayed(hers)
    elsewhere = http.post("/api/v1/projects/default/experiments", json={"name": "a"}, headers=key)
    assert elsewhere.status_code == 201
    assert not replayed(elsewhere)


def test_sixteen_at_once_make_one(server: RunningServer, http: httpx.Client) -> None:
    def send(_: int) -> httpx.Response:
        return httpx.post(server.url + RUNS, json={"name": "together"}, headers={"Idempotency-Key": "third"})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(16)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert sum(replayed(a) for a in answers) == 15
    assert [run["name"] for run in http.get(RUNS).json()["items"]].count("together") == 1


def test_an_error_frees_the_key(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "fourth"}
    wrong = http.post("/api/v1/projects/absent/runs", json={"name": "x"}, headers=key)
    assert wrong.status_code == 404
    http.post("/api/v1/projects", json={"name": "absent"}).raise_for_status()
    again = http.post("/api/v1/projects/absent/runs", json={"name": "x"}, headers=key)
    assert again.status_code == 201
    assert not replayed(again)
    twice = http.post("/api/v1/projects", json={"name": "absent"}, headers=key)
    assert twice.status_code == 409
    assert twice.json()["code"] == "already_exists"
    assert http.post("/api/v1/projects", json={"name": "absent"}, headers=key).json()["code"] == "already_exists"


def test_what_is_no_key(http: httpx.Client) -> None:
    for key in ("", "two words", "x" * 201):
        answer = http.post(RUNS, json={"name": "x"}, headers={"Idempotency-Key": key})
        assert answer.status_code == 400
        assert "visible ASCII" in answer.json()["detail"]


def test_large_and_streamed_bodies_are_not_kept(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "fifth", "Content-Type": "application/json"}
    large = json.dumps({"name": "large", "tags": {"t": "x" * 2**20}}).encode()
    small = b'{"name": "streamed"}'
    for _ in range(2):
        assert not replayed(http.post(RUNS, content=large, headers=key))
        streamed = http.post(RUNS, content=iter([small]), headers=key)
        assert streamed.status_code == 201
        assert not replayed(streamed)


def test_secrets_are_not_kept(server: RunningServer, http: httpx.Client) -> None:
    key = {"Idempotency-Key": "sixth"}
    made = [http.post("/api/v1/tokens", json={"name": "t"}, headers=key) for _ in range(2)]
    assert [m.status_code for m in made] == [201, 201], made[0].text
    secrets = [m.json()["secret"] for m in made]
    assert secrets[0] != secrets[1]
    http.post(RUNS, json={"name": "written"}, headers=key).raise_for_status()
    stored = b"".join(file.read_bytes() for file in server.data.glob("fairloop.db*"))
    assert b'"written"' in stored
    assert not any(secret.encode() in stored for secret in secrets)


def test_a_step_process_whose_answer_is_lost_makes_one(server: RunningServer, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    client = PatientHttp(server.url, token="", server_file=tmp_path / "none", patience_s=5)
    sent = Http.request
    keys: list[str] = []

    def lose(self: Http, method: str, path: str, **options: Any) -> httpx.Response:
        answer = sent(self, method, path, **options)
        keys.append(options["headers"]["Idempotency-Key"])
        if len(keys) == 1:
            raise Unreachable("the answer got lost")
        return answer

    monkeypatch.setattr(Http, "request", lose)
    answer = client.request("POST", RUNS, json={"name": "by a step"})
    assert replayed(answer)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    monkeypatch.undo()
    assert [r["name"] for r in client.json("GET", RUNS)["items"]].count("by a step") == 1
    client.close()


# ------------------------------------------------------------------ inside the process, where time can stand still
@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    loop = asyncio.new_event_loop()
    made = world_of(tmp_path, auth=True, loop=loop)
    made.own = made.services.projects.create("own")
    root = Identity(kind="person", name="setup", administrator=True)
    person = made.services.people.create(root, "ada")
    made.services.people.set_member(root, made.own.id, "ada", Role.DATA_SCIENTIST)
    token = made.services.tokens.create(made.services.people.identity_of(person, verified=True), "t")
    made.headers["ada"] = {
        "Authorization": f"Bearer {token.secret}", "Idempotency-Key": "k", "Content-Type": "application/json"}  # fmt: skip
    yield made
    made.services.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_the_second_is_told_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_WAIT_S", 0.05)
    begun, go_on = threading.Event(), threading.Event()
    create = world.services.tracking.create_run

    def slow(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return create(*args, **kwargs)

    monkeypatch.setattr(world.services.tracking, "create_run", slow)

    async def call() -> Answer:
        return await world._call("POST", "/api/v1/projects/own/runs", world.headers["ada"], b'{"name": "x"}', "",
                                 "127.0.0.1:8799", "http")  # fmt: skip

    async def both() -> tuple[Answer, Answer, Answer]:
        first = asyncio.create_task(call())
        await asyncio.to_thread(begun.wait, 20)
        second = await call()
        go_on.set()
        return await first, second, await call()

    first, second, third = world.loop.run_until_complete(both())
    assert (first.status, second.status, third.status) == (201, 409, 201)
    assert second.code == "under_way"
    assert ("retry-after", "2") in second.headers
    assert third.body == first.body
    assert ("idempotent-replayed", "true") in third.headers


def test_a_kept_answer_is_not_given_to_somebody_who_may_no_longer_ask(world: World) -> None:
    def call() -> Answer:
        return world.call("POST", "/api/v1/projects/own/runs", headers=world.headers["ada"], body=b'{"name": "x"}')

    assert call().status == 201
    assert Permission.RUN_WRITE not in ROLES[Role.VIEWER]
    root = Identity(kind="person", name="setup", administrator=True)
    assert world.own is not None
    world.services.people.set_member(root, world.own.id, "ada", Role.VIEWER)
    assert call().status == 403
    world.services.people.remove_member(root, world.own.id, "ada")
    assert call().status == 404


def test_a_fault_of_the_server_frees_the_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def call() -> Answer:
        return world.call("POST", "/api/v1/projects/own/runs", headers=world.headers["ada"], body=b'{"name": "x"}')

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(world.services.tracking, "create_run", broken)
        assert call().status == 500
    assert call().status == 201
