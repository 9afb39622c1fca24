"""Ask a real server why: a worker explains, the answer is kept, and pages, command line and SDK tell the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fairloop as fl
from fairloop.cli.main import run
from fairloop.core.analyses import AnalysisState
from fairloop.core.cycles import Stage
from fairloop.core.datasets import Roles
from fairloop.datasets.publish import publish
from fairloop.errors import InvalidInput, NotFound, PermissionDenied, StepFailed
from fairloop.evaluation.analysing import Subject
from fairloop.pipelines.context import Context
from fairloop.tables.table import Table
from support import loops


@pytest.fixture(scope="module")
def candidate(server: Any) -> str:
    """A candidate that a pipeline judged: ``place`` betrays the group, and costs it selections."""
    client = server.client()
    loops.publish_people(client, 3000)
    done = loops.learn.run(client=client, rows=loops.DATASET, quiet=True)
    return str(client.candidates.list(pipeline_run_id=done.id).items[0].id)


@pytest.fixture(scope="module")
def explained(server: Any, candidate: str) -> Any:
    client = server.client()
    return client.analyses.wait(client.analyses.start("explain", candidate).id, timeout_s=120)


def test_a_candidate_is_explained_on_the_rows_that_judged_it(server: Any, explained: Any) -> None:
    assert explained.state is AnalysisState.DONE
    assert explained.words.startswith("Most of the gap of 0.")
    (by_group,) = explained.result["attributes"]
    assert by_group["attribute"] == "group"
    gap = by_group["gap"]
    assert gap["parts"][0]["column"] == "place"
    assert sum(part["part"] for part in gap["parts"]) == pytest.approx(gap["gap"], abs=1e-9)
    assert by_group["proxies"][0]["column"] == "place"
    assert by_group["proxies"][0]["found"]
    assert not next(p for p in by_group["proxies"] if p["column"] == "luck")["found"]
    assert "place" in explained.words
    assert explained.result["rows"] == pytest.approx(600, abs=60)
    for person in explained.result["people"]:
        assert person["base"] + sum(p["part"] for p in person["parts"]) == pytest.approx(person["score"], abs=1e-6)


def test_the_same_question_is_answered_once(server: Any, candidate: str, explained: Any) -> None:
    client = server.client()
    assert client.analyses.start("explain", candidate).id == explained.id
    assert client.analyses.list(kind="explain", subject=candidate).items[0].id == explained.id
    run_of = client.pipelines.get(explained.pipeline_run_id)
    assert (run_of.purpose, run_of.state) == ("analysis", "done")
    assert client.analyses.start("explain", candidate, {"part": "test"}).id != explained.id


def test_parts_of_a_subject(server: Any, candidate: str) -> None:
    subject = Subject(
        Context(client=server.client(), project="default", pipeline_run_id="", step_run_id=""), "candidate", candidate
    )
    parts = {part: set(subject.table(part).row_ids.tolist()) for part in ("train", "validation", "test")}
    assert sum(len(rows) for rows in parts.values()) == len(set().union(*parts.values())) == 3000
    assert len(parts["validation"]) < min(len(parts["train"]), len(parts["test"]))
    assert len(subject.table(data=loops.DATASET)) == 3000
    assert subject.model().inputs == ["skill", "place", "luck"]
    with pytest.raises(InvalidInput, match="part='best'"):
        subject.table("best")


def test_a_counterfactual_leaves_what_may_not_change(server: Any, candidate: str) -> None:
    client = server.client()
    part = Subject(
        Context(client=client, project="default", pipeline_run_id="", step_run_id=""), "candidate", candidate
    )
    table, model = part.table(), part.model()
    row = int(table.row_ids[np.flatnonzero(model.predict(table.X) == 0)[0]])
    asked = {"row": row, "immutable": ["place"]}
    done = client.analyses.wait(client.analyses.start("counterfactual", candidate, asked).id)
    found = done.result
    assert (found["answer"], found["wanted"]) == (0, "yes")
    assert "place" in found["immutable"]
    assert found["changes"]
    for one in found["changes"]:
        changed = table.X.iloc[np.flatnonzero(table.row_ids == row)].copy()
        assert "place" not in {c["column"] for c in one["changes"]}
        for c in one["changes"]:
            changed[c["column"]] = c["after"]
        assert model.predict(changed)[0] == 1
    assert done.words.startswith("The answer would be yes with skill ")


def test_a_failed_analysis_says_why_and_can_be_asked_again(server: Any, candidate: str) -> None:
    client = server.client()
    first = client.analyses.start("counterfactual", candidate, {"row": 10**9})
    with pytest.raises(StepFailed, match="No row of these rows has the id"):
        client.analyses.wait(first.id)
    assert client.analyses.get(first.id).state is AnalysisState.FAILED
    assert client.analyses.start("counterfactual", candidate, {"row": 10**9}).id != first.id


def test_questions_that_make_no_sense(server: Any, candidate: str) -> None:
    client = server.client()
    with pytest.raises(InvalidInput, match="kind='prophecy'"):
        client.analyses.start("prophecy", candidate)
    with pytest.raises(NotFound, match="No such candidate"):
        client.analyses.start("explain", "cnd_nobody")
    with pytest.raises(InvalidInput, match="cannot be analysed"):
        client.analyses.start("explain", "whatever")


def test_only_a_worker_hands_in_answers(server: Any, explained: Any) -> None:
    with pytest.raises(PermissionDenied):
        server.client().analyses.finish(explained.id, result={}, words="made up")


def test_a_registered_model_on_a_named_dataset_and_a_prediction_it_made(server: Any, capsys: Any,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Without a pipeline there are no parts; a dataset version is named instead. A prediction finds its inputs again."""
    client = server.client()
    monkeypatch.setattr("fairloop.sdk.session._session", client)
    from sklearn.linear_model import LogisticRegression

    rows = Table(loops.people(1500, 4), Roles(target="label", positive="good", sensitive=["group"]))
    publish(client, "other people", rows)
    model = fl.Model(LogisticRegression().fit(rows.X, rows.y))
    model.describe(rows.X)
    deployed = fl.deploy(model, "why")
    try:
        asked = deployed.predict([{"skill": -1.2, "place": 1.1, "luck": 0.0}], sensitive={"group": "B"})
    finally:
        client.endpoints.stop("why", reason="asked enough")
    with pytest.raises(StepFailed, match="was not judged by a pipeline"):
        fl.explain("models:/why/1")
    done = fl.explain("models:/why/1", data="other people")
    assert done.result["importance"]["method"] == "sampled walks, 30 a row"
    subject = f"predictions:/{asked['prediction_ids'][0]}"
    one = fl.analyse("counterfactual", subject, data="other people/1", immutable=["place"])
    assert one.result["person"] == {"prediction_id": asked["prediction_ids"][0]}
    assert {p["column"]: p["value"] for p in one.result["parts"]} == {"skill": -1.2, "place": 1.1, "luck": 0.0}
    assert run(["--url", server.url, "analyse", "explain", "models:/why/1", "-p", "data=other people",
                "-p", "criterion=found"]) == 0  # fmt: skip
    assert "found among those who should be" in capsys.readouterr().out
    assert run(["--url", server.url, "analyses", "list", "--where", "kind=counterfactual"]) == 0
    assert "done" in capsys.readouterr().out


def test_a_repaired_candidate_and_the_cycle_that_chose_it(server: Any) -> None:
    """Its parts come from the step that repaired it and, for the test part, from the cycle's training run."""
    client = server.client()
    made = loops.loop("why", gates=[loops.QUALITY, loops.GAP], approval=fl.Approval())
    cycle = loops.turn(client, made, loops.publish_people(client), until=(Stage.APPROVE,))
    candidate = client.candidates.get(cycle.chosen_candidate_id or "")
    assert candidate.method == "reweighing"
    context = Context(client=client, project="default", pipeline_run_id="", step_run_id="")
    subject = Subject(context, "cycle", cycle.id)
    rows = {part: set(subject.table(part).row_ids.tolist()) for part in ("train", "validation", "test")}
    assert sum(len(part) for part in rows.values()) == len(set().union(*rows.values())) == 3000
    done = client.analyses.wait(client.analyses.start("explain", cycle.id, {"part": "test"}).id, timeout_s=120)
    gap = done.result["attributes"][0]["gap"]
    assert sum(part["part"] for part in gap["parts"]) == pytest.approx(gap["gap"], abs=1e-9)
    assert done.result["rows"] == len(rows["test"])
    evaluation = next(e for e in client.candidates.evaluations(candidate.id) if e.part == "test")
    assert gap["gap"] == pytest.approx(
        evaluation.metrics["demographic_parity_difference by group"]["estimate"], abs=1e-9
    )
    version = client.models.version_by_id(cycle.model_version_id or "")
    judged = client.analyses.wait(
        client.analyses.start("explain", f"models:/{version.model}/{version.version}").id, timeout_s=120
    )
    assert judged.result["rows"] == len(rows["validation"])
