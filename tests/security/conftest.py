"""A secured and a local server inside the test process, with people of every role."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fairloop.core.people import Identity, Role
from fairloop.errors import Unavailable
from fairloop.serving.process import EndpointProcess
from support.asgi import World, world_of


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.run_until_complete(made.shutdown_default_executor())
    made.close()


@pytest.fixture(autouse=True)
def no_endpoint_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of permitted requests shall not start processes that outlive the tests."""

    def refuse(self: EndpointProcess) -> None:
        raise Unavailable("no processes here")

    monkeypatch.setattr(EndpointProcess, "start", refuse)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop) -> Iterator[World]:
    """A secured server with two projects and, in ``own``, one person of every role with a token.

    ``headers`` holds the credentials by role, for ``anonymous``, ``worker``, ``server_administrator`` and ``revoked``.
    """
    world = world_of(tmp_path_factory.mktemp("secured"), auth=True, loop=loop)
    services = world.services
    root = Identity(kind="person", name="setup", administrator=True)
    world.own, world.other = services.projects.create("own"), services.projects.create("other")

    def bearer(person_name: str, *, administrator: bool = False) -> dict[str, str]:
        person = services.people.create(root, person_name, administrator=administrator)
        made = services.tokens.create(services.people.identity_of(person, verified=True), "t")
        return {"Authorization": f"Bearer {made.secret}"}

    for role in Role:
        world.headers[role.value] = bearer(role.value)
        services.people.set_member(root, world.own.id, role.value, role)
    world.headers["server_administrator"] = bearer("boss", administrator=True)
    world.headers["worker"] = {"Authorization": f"Bearer {services.tokens.worker_token(world.own.id, 'w')}"}
    world.headers["anonymous"] = {}
    world.headers["revoked"] = bearer("gone")
    gone = services.people.find("gone")
    services.people.change(root, gone.id, disabled=True)
    yield world
    services.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop) -> Iterator[World]:
    """A local server with its owner and one member of each role in the project ``own``."""
    world = world_of(tmp_path_factory.mktemp("local"), auth=False, loop=loop)
    services = world.services
    owner = services.people.ensure_owner("owner")
    root = services.people.identity_of(owner, verified=False)
    world.own, world.other = services.projects.create("own"), services.projects.create("other")
    for role in Role:
        services.people.create(root, role.value)
        services.people.set_member(root, world.own.id, role.value, role)
        world.headers[role.value] = {"X-Fairloop-Person": role.value}
    yield world
    services.close()
