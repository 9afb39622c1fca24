"""The same policy file gives the same verdict on the command line, in a CI job and in the server: on random policies and facts."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fairloop.cli.main import run
from fairloop.core.checks import GROUP_METRICS, Check, Status, Verdict
from fairloop.core.cycles import ApprovalRequest, Cycle, Loop, Stage
from fairloop.core.decisions import Judged
from fairloop.core.ids import new_id
from fairloop.core.loops import Data, LoopDefinition
from fairloop.core.policy import AUTOMATIC, INSUFFICIENT, Approval, Facts, Policy, Primary, Vote, evaluate
from fairloop.core.policy_file import read_policy, write_policy
from fairloop.core.records import from_wire, to_plain, to_wire
from fairloop.storage import loops as rows
from support.asgi import World, world_of

QUALITY, GAPS = ["roc_auc", "accuracy", "brier_score"], ["demographic_parity_difference", "equalized_odds_difference"]
PEOPLE, ROLES = ["ana", "bo", "cy", "dee", "eve"], ["manager", "administrator", "viewer"]
limits = st.one_of(
    st.sampled_from([0.05, 0.1, 0.12, 1 / 3, 0.8, 0.85, 1e-7, -0.0, 1]), st.floats(-1, 2, allow_nan=False)
)


@st.composite
def checks(draw: Any) -> Check:
    metric = draw(st.sampled_from(QUALITY + GAPS))
    side = draw(st.sampled_from(["at_least", "at_most"]))
    by = draw(st.sampled_from(["sex", "race"])) if metric in GROUP_METRICS else None
    return Check(
        metric=metric, by=by, because=draw(st.sampled_from([None, "yes: it's 'fair'", "no"])), **{side: draw(limits)}
    )


approvals = st.builds(
    Approval, role=st.one_of(st.sampled_from(["manager", "administrator"]), st.just(["manager", "administrator"])),
    expires=st.sampled_from(["3d", "1h", "90s"]), two_person=st.booleans(), people=st.integers(1, 3),
    verified=st.booleans())  # fmt: skip
primaries = st.builds(Primary, metric=st.sampled_from(GAPS), by=st.sampled_from([None, "sex", "race"]),
                      because=st.sampled_from(["the offer", "off: no", "gleicher Zugang – für alle"]))  # fmt: skip
policies = st.builds(
    Policy, gates=st.lists(checks(), max_size=3), limits=st.lists(checks(), max_size=2),
    primary=st.none() | primaries, automatic=st.lists(st.sampled_from(AUTOMATIC), unique=True), approval=approvals,
    insufficient_evidence=st.sampled_from(INSUFFICIENT), allow_attribute_at_prediction=st.booleans(),
    aliases=st.sampled_from([[], ["production"], ["live", "on"]]))  # fmt: skip
votes = st.lists(
    st.builds(Vote, person=st.sampled_from(PEOPLE), decision=st.sampled_from(["approved"] * 5 + ["refused"]),
              role=st.sampled_from(ROLES), on_behalf_of=st.sampled_from(["", "", "", *PEOPLE]),
              password_by=st.sampled_from(["", "", "", *PEOPLE]), verified=st.booleans(), reason=st.just("because"),
              at_ms=st.integers(1, 10**12)), max_size=5, unique_by=lambda v: v.person)  # fmt: skip


@st.composite
def loops(draw: Any) -> tuple[LoopDefinition, str, list[Verdict] | None, list[Vote]]:
    """A loop, what triggers it, what its gate found (None: nothing yet), and what people said."""
    gates = draw(st.lists(checks(), max_size=4))
    made = LoopDefinition(name="x", data=Data("d", sensitive=["sex", "race"]), gates=gates,
                          approval=draw(st.none() | approvals), on_alert=draw(st.sampled_from(["propose", "auto"])),
                          primary=draw(st.sampled_from([None, *GAPS])),
                          allow_attribute_at_prediction=draw(st.booleans()))  # fmt: skip
    judged = gates + draw(st.lists(checks(), max_size=2))
    status = st.sampled_from([Status.PASS] * 4 + [Status.FAIL, Status.INSUFFICIENT])
    found = [Verdict(check=c, status=draw(status), estimate=0.1, low=None, high=0.2, n=10, method="m") for c in judged]
    return made, draw(st.sampled_from(["person", "alert", "schedule"])), draw(st.none() | st.just(found)), draw(votes)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    loop = asyncio.new_event_loop()
    made = world_of(tmp_path_factory.mktemp("policy"), auth=False, loop=loop)
    made.services.people.ensure_owner("owner")
    yield made
    made.services.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def ask(world: World, method: str, path: str, body: Any = None) -> Any:
    sent = json.dumps(body).encode() if body is not None else b""
    answer = world.call(method, path, headers={"Content-Type": "application/json"} if sent else {}, body=sent)
    assert answer.status < 300, answer.body
    return answer.told


def written(world: World, project_id: str, case: tuple[Any, ...]) -> str:
    """A cycle in the database as the driver left it; its id."""
    definition, trigger, verdicts, said = case
    loop = Loop(id=new_id("lop"), project_id=project_id, name="x", definition=to_plain(definition), graph={}, capture={},
                author="ana")  # fmt: skip
    cycle = Cycle(id=new_id("cyc"), project_id=project_id, loop="x", loop_id=loop.id, number=1, stage=Stage.APPROVE,
                  trigger={"kind": trigger, "by": "bo"}, gates=definition.gates, chosen_candidate_id="c",
                  model_version_id="v", author="bo")  # fmt: skip
    request = ApprovalRequest(id=new_id("apr"), project_id=project_id, cycle_id=cycle.id, model_version_id="v",
                              role="manager")  # fmt: skip

    def work(connection: Any) -> None:
        rows.add_loop(connection, loop)
        rows.add_cycle(connection, cycle)
        if verdicts is not None:
            rows.add_event(connection, cycle.id, 1, "gate", "", {"candidate_id": "c", "verdicts": to_plain(verdicts)})
        rows.add_approval(connection, request)
        for vote in said:
            rows.add_vote(connection, request.id, vote)

    world.services.database.write(work)
    return cycle.id


quick = settings(deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True)


@settings(quick, max_examples=20)
@given(policy=policies, case=loops())
def test_command_line_ci_and_server_agree(world: World, tmp_path_factory: pytest.TempPathFactory, capsys: Any,
                                          policy: Policy, case: tuple[Any, ...]) -> None:  # fmt: skip
    agree(world, tmp_path_factory, capsys, policy, case)


@pytest.mark.simulation
@settings(quick, max_examples=400)
@given(policy=policies, case=loops())
def test_they_agree_on_many_more(world: World, tmp_path_factory: pytest.TempPathFactory, capsys: Any, policy: Policy,
                                 case: tuple[Any, ...]) -> None:  # fmt: skip
    agree(world, tmp_path_factory, capsys, policy, case)


def agree(world: World, tmp_path_factory: pytest.TempPathFactory, capsys: Any, policy: Policy,
          case: tuple[Any, ...]) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("case")
    file, told = folder / "policy.yaml", folder / "facts.json"
    file.write_text(write_policy(policy), "utf-8")
    assert read_policy(file.read_text("utf-8")) == policy

    # the server: its project has this file as policy, and its driver judges a cycle
    project = world.services.projects.create(new_id("p"))
    path = f"/api/v1/projects/{project.name}"
    ask(world, "PUT", f"{path}/policy", {"text": file.read_text("utf-8"), "reason": "as agreed"})
    cycle_id = written(world, project.id, case)
    driver = world.services.loops.policies.of_cycle(world.services.loops.cycle(project.id, cycle_id)).verdict
    shown = from_wire(Judged, ask(world, "GET", f"{path}/cycles/{cycle_id}/policy"))
    stated = from_wire(Judged, ask(world, "POST", f"{path}/policy/evaluation", {"facts": to_wire(shown.facts)}))
    assert driver == shown.verdict == stated.verdict

    # a CI job that reads the two files with the public function
    told.write_text(json.dumps(to_wire(shown.facts)), "utf-8")
    ci = evaluate(read_policy(file.read_text("utf-8")), from_wire(Facts, json.loads(told.read_text("utf-8"))))
    assert ci == driver

    # the command line
    capsys.readouterr()
    code = run(["policy", "check", str(told), "--policy", str(file), "--json"])
    printed = from_wire(Judged, json.loads(capsys.readouterr().out))
    assert printed.verdict == driver
    assert code == (0 if driver.allowed else 1)


def test_a_ci_job_without_a_server(tmp_path: Path) -> None:
    """The documented command, in a process of its own with no server to reach."""
    (tmp_path / "policy.yaml").write_text("automatic: [release]\ngates: [{metric: roc_auc, at_least: 0.8}]\n")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FAIRLOOP_")} | {
        "FAIRLOOP_URL": "http://127.0.0.1:9"
    }
    for at_least, code in ((0.85, 0), (0.75, 1)):
        facts = Facts(gates=[Check(metric="roc_auc", at_least=at_least)])
        (tmp_path / "facts.json").write_text(json.dumps(to_wire(facts)))
        done = subprocess.run([sys.executable, "-m", "fairloop.cli.main", "policy", "check", "facts.json"], cwd=tmp_path,
                              env=clean, capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stdout.startswith("allowed" if code == 0 else "not allowed")
