"""One person, with every right there is, tries every road by which a version goes live under a two-person policy."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from fairloop.core.checks import Status, Verdict
from fairloop.core.cycles import ApprovalRequest, Cycle, Loop, Stage
from fairloop.core.endpoints import Deployment, DeploymentState
from fairloop.core.ids import new_id
from fairloop.core.loops import Data, LoopDefinition, gate
from fairloop.core.people import Identity, Role
from fairloop.core.records import to_plain
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage import loops as rows
from support.asgi import Answer, World, world_of

IN = "/api/v1/projects/OWN"
TWO = "approval: {role: [manager, administrator], two_person: true, verified: true}\n"
WHY = {"reason": "because I say so"}
ROOT = Identity(kind="person", name="setup", administrator=True)


class Person:
    """Somebody with two tokens and a session in a browser."""

    def __init__(self, world: World, name: str, role: Role, **options: Any) -> None:
        services = world.services
        assert world.own is not None
        person = next((p for p in services.people.list() if p.name == name), None)
        person = person or services.people.create(ROOT, name, **options)
        services.people.set_member(ROOT, world.own.id, name, role)
        identity = services.people.identity_of(person, verified=True)
        self.name, self.world, self.id = name, world, person.id
        self.tokens = [services.tokens.create(identity, f"t{i}").secret for i in range(2)]
        self.cookie = f"fl_session={services.sessions.start(person.id)}"

    def rest(self, method: str, path: str, body: Any = None, token: int = 0, **headers: str) -> Answer:
        sent = json.dumps(body).encode() if body is not None else b""
        known = {"Authorization": f"Bearer {self.tokens[token]}", **headers}
        known |= {"Content-Type": "application/json"} if sent else {}
        return call(self.world, method, path, known, sent)

    def page(self, path: str, **form: str) -> Answer:
        headers = {"Cookie": self.cookie, "Origin": "http://127.0.0.1:8799",
                   "Content-Type": "application/x-www-form-urlencoded"}  # fmt: skip
        return call(self.world, "POST", path, headers, urlencode(form).encode())


def call(world: World, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """OWN in the path means the project of this test."""
    assert world.own is not None
    return world.call(method, path.replace("OWN", world.own.name), headers=headers, body=body)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop) -> Iterator[World]:
    made = world_of(tmp_path_factory.mktemp("two"), auth=True, loop=loop)
    yield made
    made.services.close()


@pytest.fixture
def world(everybody: World) -> World:
    """A project of its own for each test."""
    everybody.own = everybody.services.projects.create(new_id("p"))
    return everybody


@pytest.fixture
def ada(world: World) -> Person:
    """Administrator of the server and of the project: nobody can more."""
    return Person(world, "ada", Role.ADMINISTRATOR, administrator=True)


@pytest.fixture
def bo(world: World) -> Person:
    return Person(world, "bo", Role.MANAGER)


def version(ada: Person) -> dict[str, Any]:
    data = b"not a model"
    sha = hashlib.sha256(data).hexdigest()
    call(ada.world, "PUT", f"{IN}/blobs/{sha}", {"Authorization": f"Bearer {ada.tokens[0]}"}, data)
    made = ada.rest("POST", f"{IN}/models/income/versions", {"files": {"model.txt": sha}})
    assert made.status == 201, made.body
    return dict(made.told)


def in_force(ada: Person, text: str = TWO) -> None:
    assert ada.rest("PUT", f"{IN}/policy", {"text": text, **WHY}).told["state"] == "active"


def refused(answer: Answer, *words: str) -> None:
    assert answer.status in {400, 403, 404, 409}, (answer.status, answer.body[:400])
    assert all(word in answer.body.decode() for word in words), answer.body[:400]


def deployments(world: World) -> list[Any]:
    assert world.own is not None
    found = [
        world.services.serving.deployments(world.own.id, e.id) for e in world.services.serving.endpoints(world.own.id)
    ]
    return [d for some in found for d in some]


def test_a_version_registered_by_hand_cannot_be_deployed_by_one_person(world: World, ada: Person, bo: Person) -> None:
    in_force(ada)
    made = version(ada)
    named = {"model_version": made["id"]}
    for body in (named, {**named, "share": 0}, {"model_version": "income/1"}, {"model_version": "models:/income/1"}):
        for token in (0, 1):
            told = ada.rest("POST", f"{IN}/endpoints/income/deployments", body, token)
            refused(told, "The policy does not let income v1 go live")
    assert ada.page("/projects/OWN/models/income/1/deploy", endpoint="income").status == 303
    worker = {"Authorization": f"Bearer {world.services.tokens.worker_token(world.own.id, 'w')}"}  # type: ignore[union-attr]
    sent = {**worker, "Content-Type": "application/json"}
    refused(call(world, "POST", f"{IN}/endpoints/income/deployments", sent, json.dumps(named).encode()), "policy")
    assert deployments(world) == []


def test_names_that_mean_live_do_not_move_in_rest_nor_in_mlflows_dialect(world: World, ada: Person) -> None:
    in_force(ada)
    version(ada)
    workspace = {"X-MLFLOW-WORKSPACE": world.own.name}  # type: ignore[union-attr]
    for alias in ("production", "champion"):
        refused(ada.rest("PUT", f"{IN}/models/income/aliases/{alias}", {"version": 1}), "policy")
        body = {"name": "income", "alias": alias, "version": "1"}
        refused(ada.rest("POST", "/api/2.0/mlflow/registered-models/alias", body, **workspace), "policy")
    for stage in ("Production", "Staging", "production"):
        body = {"name": "income", "version": "1", "stage": stage, "archive_existing_versions": True}
        refused(ada.rest("POST", "/api/2.0/mlflow/model-versions/transition-stage", body, **workspace), "Stages")
    assert ada.rest("PUT", f"{IN}/models/income/aliases/try-me", {"version": 1}).status == 200
    assert ada.rest("GET", f"{IN}/models/income").told["aliases"] == {"try-me": 1}


def test_traffic_does_not_move_to_what_was_loaded_before_the_policy(world: World, ada: Person) -> None:
    """A deployment that waits without traffic, made while everything was allowed."""
    made = version(ada)
    services = world.services
    endpoint = services.serving.ensure_endpoint(world.own.id, "income")  # type: ignore[union-attr]
    waiting = Deployment(id="dep_1", project_id=world.own.id, endpoint_id=endpoint.id, share=0,  # type: ignore[union-attr]
                         model_version_id=made["id"], state=DeploymentState.READY, created_ms=1)  # fmt: skip
    services.database.write(lambda c: endpoint_rows.add_deployment(c, waiting))
    in_force(ada)
    refused(ada.rest("PUT", f"{IN}/endpoints/income/shares", {"shares": {"dep_1": 100}, **WHY}), "policy")
    refused(ada.rest("POST", f"{IN}/endpoints/income/deployments", {"model_version": made["id"]}), "policy")
    refused(ada.rest("POST", f"{IN}/endpoints/income/rollback", WHY), "no earlier version")
    assert [d.share for d in deployments(world)] == [0]


def test_the_request_for_a_version_needs_somebody_else(world: World, ada: Person, bo: Person) -> None:
    in_force(ada)
    made = version(ada)
    asked = ada.rest("POST", f"{IN}/model-versions/{made['id']}/approval", WHY).told
    path, yes = f"{IN}/approvals/{asked['id']}/decision", {"decision": "approved", **WHY}
    for token in (0, 1):
        refused(ada.rest("POST", path, yes, token), "second person")
    ada.page(f"/projects/OWN/approvals/{asked['id']}", decision="approved", reason="from the page")
    refused(ada.rest("POST", path, {**yes, "on_behalf_of": "bo"}), "has not handed")
    refused(ada.rest("POST", f"{IN}/delegations", {"to": "ada", "until": "2099-01-01", **WHY}))
    refused(ada.rest("POST", "/api/v1/act-as", {"name": "bo"}), "secured server")
    assert ada.rest("GET", f"{IN}/approvals/{asked['id']}").told["decision"] == "waiting"
    # bo hands his decisions to ada, who started it: still one person
    assert bo.rest("POST", f"{IN}/delegations", {"to": "ada", "until": later(), **WHY}).status == 201
    refused(ada.rest("POST", path, {**yes, "on_behalf_of": "bo"}), "cannot be handed")
    assert bo.rest("POST", path, yes).told["decision"] == "approved"
    done = ada.rest("POST", f"{IN}/endpoints/income/deployments", {"model_version": made["id"]})
    assert done.status == 201, done.body  # let through; that it is no model is another matter
    assert ada.rest("PUT", f"{IN}/models/income/aliases/production", {"version": 1}).status == 200


def later() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")


def test_an_account_whose_password_the_author_set_is_the_author(world: World, ada: Person) -> None:
    in_force(ada)
    made = version(ada)
    asked = ada.rest("POST", f"{IN}/model-versions/{made['id']}/approval", WHY).told
    password = "four unrelated words here"
    assert ada.rest("POST", "/api/v1/people", {"name": "sock", "password": password}).status == 201
    assert ada.rest("PUT", f"{IN}/members/sock", {"role": "manager"}).status == 200
    sock = world.services.people.find("sock")
    identity = world.services.people.identity_of(sock, verified=True)
    token = {
        "Authorization": f"Bearer {world.services.tokens.create(identity, 't').secret}",
        "Content-Type": "application/json",
    }
    path, body = f"{IN}/approvals/{asked['id']}/decision", json.dumps({"decision": "approved", **WHY}).encode()
    refused(call(world, "POST", path, token, body), "ada set the password of sock")
    world.services.people.set_password(identity, sock.id, "entirely other words now", current=password)
    token["Authorization"] = f"Bearer {world.services.tokens.create(identity, 'u').secret}"
    assert call(world, "POST", path, token, body).told["decision"] == "approved"


def test_the_rule_itself_does_not_fall_to_one_person(world: World, ada: Person, bo: Person) -> None:
    in_force(ada)
    weaker = ada.rest("PUT", f"{IN}/policy", {"text": "automatic: [release, alert]\naliases: []\n", **WHY}).told
    assert weaker["state"] == "proposed"
    path = f"{IN}/policy/versions/{weaker['version']}/decision"
    for token in (0, 1):
        refused(ada.rest("POST", path, {"decision": "confirmed", **WHY}, token), "second person")
    made = version(ada)
    refused(ada.rest("POST", f"{IN}/endpoints/income/deployments", {"model_version": made["id"]}), "policy")
    assert ada.rest("GET", f"{IN}/policy").told["active"]["text"] == TWO
    assert bo.rest("POST", path, {"decision": "confirmed", **WHY}).told["state"] == "active"
    actions = [e["action"] for e in ada.rest("GET", f"{IN}/audit").told["items"]]
    assert actions.count("policy.proposed") == 1
    assert actions.count("policy.changed") == 2


def cycle_waits(world: World, author: str = "ada") -> str:
    """A cycle that ``author`` started waits for approval; the request's id."""
    assert world.own is not None
    definition = LoopDefinition(name="x", data=Data("d"), gates=[gate("roc_auc", at_least=0.8)])
    found = Verdict(check=definition.gates[0], status=Status.PASS, estimate=0.9, low=0.85, high=0.95, n=9, method="m")
    loop = Loop(id=new_id("lop"), project_id=world.own.id, name="x", definition=to_plain(definition), graph={}, capture={},
                author=author)  # fmt: skip
    cycle = Cycle(id=new_id("cyc"), project_id=world.own.id, loop="x", loop_id=loop.id, number=1, stage=Stage.GATE,
                  trigger={"kind": "person"}, gates=definition.gates, chosen_candidate_id="c", author=author)  # fmt: skip
    loops = world.services.loops
    judged = loops.policies.effective(world.own.id)
    request: ApprovalRequest = loops.new_request(judged.approval, project_id=world.own.id, cycle_id=cycle.id,
                                                 model_version_id="v", author=author, authors=[])  # fmt: skip
    world.services.database.write(lambda c: (rows.add_loop(c, loop), rows.add_cycle(c, cycle)))
    data = {"candidate_id": "c", "verdicts": to_plain([found])}
    assert loops.move(cycle, "gate", "passed", data=data, approval=request, stage=Stage.APPROVE)
    return request.id


def test_two_people_means_two_besides_the_author_and_none_of_them_twice(world: World, ada: Person, bo: Person) -> None:
    in_force(ada, "approval: {role: manager, people: 2}\n")
    cy, dee = Person(world, "cy", Role.VIEWER), Person(world, "dee", Role.MANAGER)
    request = cycle_waits(world)
    path, yes = f"{IN}/approvals/{request}/decision", {"decision": "approved", **WHY}
    refused(ada.rest("POST", path, yes), "second person")
    assert bo.rest("POST", path, yes).told["decision"] == "waiting"
    for token in (0, 1):
        refused(bo.rest("POST", path, yes, token), "decided this already")
    refused(cy.rest("POST", path, yes), "asks for the role")
    assert bo.rest("POST", f"{IN}/delegations", {"to": "cy", "until": later(), **WHY}).status == 201
    refused(cy.rest("POST", path, yes), "bo decided this already")
    assert dee.rest("POST", path, yes).told["decided_by"] == "bo, dee"


def test_a_delegate_decides_for_who_is_away_and_the_pair_counts_once(world: World, ada: Person, bo: Person) -> None:
    in_force(ada, "approval: {role: manager, people: 2}\n")
    cy = Person(world, "cy", Role.ML_ENGINEER)
    given = bo.rest("POST", f"{IN}/delegations", {"to": "cy", "until": later(), **WHY}).told
    request = cycle_waits(world)
    path, yes = f"{IN}/approvals/{request}/decision", {"decision": "approved", **WHY}
    vote = cy.rest("POST", path, yes).told["votes"][0]
    assert (vote["person"], vote["on_behalf_of"], vote["role"]) == ("cy", "bo", "manager")
    refused(bo.rest("POST", path, yes), "bo decided this already")
    refused(cy.rest("POST", path, yes))
    assert cy.rest("DELETE", f"{IN}/delegations/{given['id']}").status == 200
    other = cycle_waits_again(world)
    refused(cy.rest("POST", f"{IN}/approvals/{other}/decision", yes), "asks for the role")


def cycle_waits_again(world: World) -> str:
    assert world.own is not None
    open_now = world.services.loops.open_cycles(world.own.id)[0]
    world.services.loops.move(open_now, "refused", "no", stage=Stage.REFUSED)
    loop = world.services.loops.loop(world.own.id, "x")
    cycle = Cycle(id=new_id("cyc"), project_id=world.own.id, loop="x", loop_id=loop.id, number=2, stage=Stage.GATE,
                  trigger={"kind": "person"}, author="ada")  # fmt: skip
    loops = world.services.loops
    request = loops.new_request(loops.policies.effective(world.own.id).approval, project_id=world.own.id,
                                cycle_id=cycle.id, model_version_id="v", author="ada", authors=[])  # fmt: skip
    world.services.database.write(lambda c: rows.add_cycle(c, cycle))
    assert loops.move(cycle, "gate", "passed", approval=request, stage=Stage.APPROVE)
    return request.id


def test_a_loop_cannot_take_away_what_the_project_demands(world: World, ada: Person) -> None:
    in_force(ada, TWO + "gates: [{metric: roc_auc, at_least: 0.8}]\n")
    request = cycle_waits(world)
    assert world.own is not None
    cycle = world.services.loops.open_cycles(world.own.id)[0]
    verdict = world.services.loops.policies.of_cycle(cycle).verdict
    assert not verdict.allowed
    assert verdict.needs == ["approval by a manager or administrator, other than ada, logged in to a secured server"]
    assert request


def test_a_step_of_a_pipeline_decides_nothing(world: World, ada: Person) -> None:
    in_force(ada)
    request = cycle_waits(world)
    sent = {"Authorization": f"Bearer {world.services.tokens.worker_token(world.own.id, 'w')}",  # type: ignore[union-attr]
            "Content-Type": "application/json"}  # fmt: skip
    body = json.dumps({"decision": "approved", **WHY}).encode()
    refused(call(world, "POST", f"{IN}/approvals/{request}/decision", sent, body), "Only a person decides")
