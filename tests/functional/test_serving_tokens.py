"""A secured endpoint: only tokens that may predict in the project, and a revoked one only for a second more."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx

from fairloop.access.audit import Audit
from fairloop.access.people import People
from fairloop.access.tokens import Tokens
from fairloop.core.clock import Clock
from fairloop.core.people import Identity, Role
from fairloop.projects.service import Projects
from fairloop.serving.allowed import PredictTokens
from fairloop.storage.engine import Database
from support.serving import ROW, end_endpoints, fleet, trained

ROOT = Identity(kind="person", name="root", administrator=True)


def test_only_owners_who_may_predict(database: Database) -> None:
    clock = Clock()
    audit = Audit(database, clock)
    people, tokens = People(database, clock, audit), Tokens(database, clock, audit)
    project = Projects(database, clock).ensure_default()
    allowed = PredictTokens(people, tokens, secured=True)
    secrets = {}
    for name, role in (("science", Role.DATA_SCIENTIST), ("view", Role.VIEWER), ("nobody", None)):
        person = people.create(ROOT, name)
        if role is not None:
            people.set_member(ROOT, project.id, name, role)
        secrets[name] = tokens.create(people.identity_of(person, verified=True), "t")
    assert allowed(project.id) == [hashlib.sha256(secrets["science"].secret.encode()).hexdigest()]
    tokens.revoke(ROOT, secrets["science"].token.id)
    assert allowed(project.id) == []
    assert PredictTokens(people, tokens, secured=False)(project.id) is None


def test_a_changed_token_list_reaches_the_endpoint_with_the_next_look(tmp_path: Path) -> None:
    good = [hashlib.sha256(b"flp_good").hexdigest()]
    clock = Clock()
    trained().save(tmp_path / "model")
    world = fleet(tmp_path / "data", clock, hashes=lambda _: list(good))
    try:
        deployment = world.serving.deploy(world.project_id, "income", world.register(tmp_path / "model"))
        assert deployment.share == 100, deployment.reason
        endpoint = world.serving.endpoint(world.project_id, "income")
        url = f"http://127.0.0.1:{endpoint.port}/invocations"

        def ask(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return httpx.post(url, json={"instances": [ROW]}, headers=headers).status_code

        assert (ask("flp_good"), ask("flp_other")) == (200, 401)
        good.clear()
        clock.offset_s += 1
        world.serving.tick()
        assert ask("flp_good") == 401
        folder = world.serving.unit(endpoint.id).folder
        assert (folder.path / "config.json").stat().st_mode & 0o077 == 0
        assert (folder.path / "state.json").stat().st_mode & 0o077 == 0
        assert world.serving.predictions.predict(world.project_id, "income", b'{"instances": [[1, 2, "x"]]}')
    finally:
        world.close()
        end_endpoints(tmp_path / "data")
