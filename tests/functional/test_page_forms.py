"""The forms of the pages that change projects and endpoints: offered to whom they are for, and what they do is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from fairloop.core.checks import Check
from fairloop.core.endpoints import Rollout
from fairloop.core.loops import Canary
from fairloop.core.people import Identity, Role
from support.asgi import Answer, World, world_of
from support.serving import end_endpoints, seed, trained

ROOT = Identity(kind="person", name="setup", administrator=True)
PAGE = "/projects/default/endpoints/income"
GATE = Check(metric="demographic_parity_difference", at_most=0.25, by="sex")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data, models = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("models")
    for number in (1, 2):
        trained(number).save(models / str(number))
    seed(data, [models / "1", models / "2"])
    loop = asyncio.new_event_loop()
    made = world_of(data, auth=False, loop=loop)
    made.own = made.services.projects.find("default")
    for name, role in (("mia", Role.MANAGER), ("eve", Role.ML_ENGINEER), ("vic", Role.VIEWER)):
        made.services.people.create(ROOT, name)
        made.services.people.set_member(ROOT, made.own.id, name, role)
    made.services.people.create(ROOT, "ada", administrator=True)
    yield made
    made.services.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    end_endpoints(data)


def see(world: World, who: str, path: str) -> str:
    answer = world.call("GET", path, headers={"X-Fairloop-Person": who, "Accept": "text/html"})
    assert answer.status == 200, answer.body
    return answer.body.decode()


def send(world: World, who: str, path: str, **fields: str) -> Answer:
    headers = {"X-Fairloop-Person": who, "Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
    return world.call("POST", path, headers=headers, body=urlencode(fields).encode())


def flash(answer: Answer) -> str:
    assert answer.status == 303, (answer.status, answer.body)
    return next(v for k, v in answer.headers if k == "set-cookie" and v.startswith("fairloop_flash="))


def actions(world: World) -> list[str]:
    assert world.own is not None
    return [entry.action for entry in world.services.audit.entries(world.own.id).items]


# ------------------------------------------------------------------ projects
def test_goal_and_budget_are_changed_by_who_may(world: World) -> None:
    settings = "/projects/default/settings"
    assert f'action="{settings}"' in see(world, "mia", settings)
    assert f'action="{settings}"' not in see(world, "vic", settings)
    assert "Saved" in flash(send(world, "mia", settings, goal="Lend fairly", budget_usd="250.5"))
    text = see(world, "mia", settings)
    assert 'value="Lend fairly"' in text
    assert 'value="250.5"' in text
    flash(send(world, "mia", settings, goal="Lend fairly", budget_usd=""))
    assert world.services.projects.find("default").budget_usd is None
    for wrong in ("-1", "lots", "nan"):
        assert "fairloop_flash=%21" in flash(send(world, "mia", settings, goal="x", budget_usd=wrong))
    assert world.services.projects.find("default").goal == "Lend fairly"
    assert send(world, "vic", settings, goal="Mine", budget_usd="").status == 403
    assert "project.change" in actions(world)


def test_only_administrators_of_members_set_roles(world: World) -> None:
    members = "/projects/default/members"
    assert "Set role" in see(world, "ada", members)
    assert "Set role" not in see(world, "mia", members)
    assert "Approve or refuse a candidate" in see(world, "vic", members)  # what each role may do, in words
    assert send(world, "mia", "/projects/default/members", name="mia", role="administrator").status == 403


def test_administrators_of_the_server_make_projects(world: World) -> None:
    assert 'action="/projects"' in see(world, "ada", "/")
    assert 'action="/projects"' not in see(world, "mia", "/")
    assert "Project%20lending%20was%20made" in flash(
        send(world, "ada", "/projects", name="lending", goal="Lend", budget_usd="9")
    )
    made = world.services.projects.find("lending")
    assert (made.goal, made.budget_usd) == ("Lend", 9.0)
    assert "%21" in flash(send(world, "ada", "/projects", name="lending", goal="", budget_usd=""))
    assert send(world, "mia", "/projects", name="mine", goal="", budget_usd="").status == 403


# ------------------------------------------------------------------ a rollout, on a real endpoint process
def begin(world: World) -> Rollout:
    """Version 1 serves; version 2 has the first step of its rollout."""
    services, project = world.services, world.own
    assert project is not None
    serving = services.serving
    if not serving.endpoints(project.id):
        serving.deploy(project.id, "income", services.registry.version(project.id, "income", 1).id, share=100)
    found = serving.deploy(project.id, "income", services.registry.version(project.id, "income", 2).id, share=0)
    canary = Canary(steps=[10, 100], judge_by=["sex"], min_requests=100)
    rollout = serving.start_rollout(project.id, found.endpoint_id, found.id, canary, [GATE])
    serving._rollouts.tick()
    return serving.rollout(project.id, rollout.id)


def decide(world: World, rollout: Rollout, decision: str, reason: str = "as agreed") -> str:
    words = flash(send(world, "eve", f"{PAGE}/rollouts/{rollout.id}", decision=decision, reason=reason))
    assert world.own is not None
    return words + " " + world.services.serving.rollout(world.own.id, rollout.id).state


def shares(world: World) -> dict[int, int]:
    services, project = world.services, world.own
    assert project is not None
    endpoint = services.serving.endpoint(project.id, "income")
    return {
        services.registry.version_by_id(project.id, d.model_version_id).version: d.share
        for d in services.serving.deployments(project.id, endpoint.id)
        if d.share
    }


def test_a_rollout_is_held_resumed_taken_back_and_promoted(world: World) -> None:
    rollout = begin(world)
    assert rollout.state == "running"
    assert shares(world) == {1: 90, 2: 10}
    text = see(world, "eve", PAGE)
    assert all(f'value="{d}"' in text for d in ("hold", "promote", "roll_back"))
    assert f"/rollouts/{rollout.id}" not in see(world, "vic", PAGE)
    assert send(world, "vic", f"{PAGE}/rollouts/{rollout.id}", decision="promote", reason="mine").status == 403

    assert "needs%20a%20reason" in decide(world, rollout, "hold", "  ")
    assert "choose%20one" in decide(world, rollout, "explode")
    assert decide(world, rollout, "hold").endswith("held")
    assert 'value="resume"' in see(world, "eve", PAGE)
    assert decide(world, rollout, "resume").endswith("running")
    assert decide(world, rollout, "roll_back").endswith("rolled_back")
    assert shares(world) == {1: 100}
    assert "ended%20already" in decide(world, rollout, "promote")

    second = begin(world)
    assert decide(world, second, "promote").endswith("promoted")
    assert shares(world) == {2: 100}
    assert send(world, "eve", f"{PAGE}/rollouts/rol_none", decision="hold", reason="x").status == 404
    found = actions(world)
    assert {"rollout.hold", "rollout.resume", "rollout.roll_back", "rollout.promote"} <= set(found)

    assert "Roll back to income v1" in see(world, "eve", PAGE)
    assert "needs%20a%20reason" in flash(send(world, "eve", f"{PAGE}/roll-back", reason=""))
    assert "Rolled%20back" in flash(send(world, "eve", f"{PAGE}/roll-back", reason="v2 is slow"))
    assert shares(world) == {1: 100}


def test_an_endpoint_is_stopped_with_a_reason_and_started_again(world: World) -> None:
    if world.services.serving.endpoint(world.own.id if world.own else "", "income").state != "up":
        world.services.serving.supervise()
    assert 'name="to" value="stop"' in see(world, "eve", PAGE)
    assert "needs%20a%20reason" in flash(send(world, "eve", f"{PAGE}/switch", to="stop", reason=""))
    assert "Stopped" in flash(send(world, "eve", f"{PAGE}/switch", to="stop", reason="the campaign is over"))
    assert 'name="to" value="start"' in see(world, "eve", PAGE)
    assert "starting" in flash(send(world, "eve", f"{PAGE}/switch", to="start"))
