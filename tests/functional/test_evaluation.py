"""Judge, mitigate and gate as real steps of a real server; every stored number is computed again from its predictions."""

from __future__ import annotations

import importlib
import io
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn import metrics as reference

from fairloop.core.checks import Check, Status
from fairloop.core.datasets import Roles
from fairloop.core.loops import gate
from fairloop.core.models import Evaluation
from fairloop.core.pipelines import Capture
from fairloop.datasets.publish import publish
from fairloop.errors import StepFailed
from fairloop.evaluation.choose import choose
from fairloop.loops.graphs import gate_graph, mitigate_graph
from fairloop.pipelines import values
from fairloop.tables.table import Table

LOOP = textwrap.dedent(
    """
    import fairloop as fl

    @fl.step
    def split(rows: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
        return rows.split(0.5, 0.25, 0.25)

    @fl.step
    def fit(train: fl.Table, trees: int = 20) -> fl.Model:
        from lightgbm import LGBMClassifier
        assert "sex" not in train.X.columns
        model = LGBMClassifier(n_estimators=trees, num_leaves=8, random_state=0, verbose=-1, n_jobs=1)
        return fl.Model(model.fit(train.X, train.y, sample_weight=train.weight))

    @fl.step
    def fit_unweighted(train: fl.Table) -> fl.Model:
        from sklearn.linear_model import LogisticRegression
        return fl.Model(LogisticRegression().fit(train.X[["score"]], train.y))

    @fl.pipeline
    def learn(rows: fl.Table, trees: int = 20):
        train, valid, test = split(rows)
        return fl.candidate(fit(train, trees), valid, test)

    @fl.pipeline
    def learn_unweighted(rows: fl.Table):
        train, valid, test = split(rows)
        return fl.candidate(fit_unweighted(train), valid, test)

    @fl.pipeline
    def overlapping(rows: fl.Table):
        train, valid, test = split(rows)
        return fl.candidate(fit(train), valid, valid)
    """
)
GATES = [gate("roc_auc", at_least=0.6), gate("demographic_parity_difference", at_most=0.12, by="sex"),
         gate("equalized_odds_difference", at_most=0.9, by="sex")]  # fmt: skip


def people(rows: int = 6000) -> Table:
    random = np.random.default_rng(3)
    sex = random.choice(["F", "M"], rows)
    score = random.normal(0, 1, rows) + 0.6 * (sex == "M")
    frame = pl.DataFrame({
        "score": score, "hobby": np.where(random.random(rows) < 0.8, np.where(sex == "M", "chess", "tennis"), "golf"),
        "noise": random.normal(0, 1, rows), "sex": sex,
        "hired": np.where(score + 0.5 * (sex == "M") + random.normal(0, 1, rows) > 0.6, "yes", "no"),
    })  # fmt: skip
    return Table(frame, Roles(target="hired", positive="yes", sensitive=["sex"]))


@pytest.fixture(scope="module")
def learning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "hiring_loop.py").write_text(LOOP)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("hiring_loop")
    sys.path.remove(str(folder))
    del sys.modules["hiring_loop"]


@pytest.fixture(scope="module")
def plain(server: Any, learning: Any) -> Any:
    client = server.client()
    publish(client, "hiring", people())
    return learning.learn.run(client=client, rows="hiring", quiet=True)


def recomputed(client: Any, evaluation: Evaluation) -> None:
    """The stored numbers against scikit-learn and fairlearn, on the stored predictions."""
    rows = pl.read_parquet(io.BytesIO(client.blobs.get(evaluation.predictions_sha256))).to_pandas()
    assert list(rows.columns) == ["row_id", "label", "score", "predicted", "weight", "sex"]
    y, score, answer = rows["label"], rows["score"], rows["predicted"]
    assert ((score >= 0.5).astype(int) == answer).all()
    expected = {
        "roc_auc": reference.roc_auc_score(y, score), "accuracy": reference.accuracy_score(y, answer),
        "average_precision": reference.average_precision_score(y, score), "f1": reference.f1_score(y, answer),
        "log_loss": reference.log_loss(y, score), "brier_score": reference.brier_score_loss(y, score),
        "balanced_accuracy": reference.balanced_accuracy_score(y, answer),
        "precision": reference.precision_score(y, answer), "recall": reference.recall_score(y, answer),
        "demographic_parity_difference by sex": demographic_parity_difference(y, answer, sensitive_features=rows["sex"]),
        "equalized_odds_difference by sex": equalized_odds_difference(y, answer, sensitive_features=rows["sex"]),
    }  # fmt: skip
    for name, value in expected.items():
        found = evaluation.metrics[name]
        assert found["estimate"] == pytest.approx(value, abs=1e-9), name
        assert found["low"] <= found["estimate"] <= found["high"]
    assert evaluation.n == len(rows)


def of(client: Any, run: Any) -> tuple[Any, list[Evaluation]]:
    (candidate,) = client.candidates.list(pipeline_run_id=run.id).items
    return candidate, client.candidates.evaluations(candidate.id)


def test_judging_registers_a_candidate_with_its_evidence(server: Any, plain: Any) -> None:
    client = server.client()
    candidate, (evaluation,) = of(client, plain)
    recomputed(client, evaluation)
    assert (evaluation.part, candidate.method, candidate.state, candidate.cycle_id) == (
        "validation",
        "plain",
        "judged",
        None,
    )
    assert set(candidate.profile) == {"columns", "scores"}
    assert set(candidate.profile["columns"]) == {"score", "hobby", "noise"}
    assert [c["name"] for c in candidate.signature["columns"]] == ["score", "hobby", "noise"]
    assert {d["column"] for d in evaluation.drivers} == {"score", "hobby", "noise"}
    assert evaluation.drivers[0]["column"] == "score"
    assert {"latency_p50_ms", "latency_p99_ms", "size_bytes", "memory_bytes"} <= set(evaluation.metrics)
    groups = {row["group"]: row for row in evaluation.groups["sex"]}
    assert set(groups) == {"F", "M"}
    model = values.load({"kind": "model", "sha256": candidate.model_sha256}, client.blobs)
    assert model.columns == candidate.signature["columns"]
    assert "sex" not in model.inputs
    run = client.runs.get(candidate.run_id)
    logged = {metric.key: metric.value for metric in run.metrics}
    assert logged["roc_auc"] == evaluation.metrics["roc_auc"]["estimate"]
    assert run.params["method"] == "plain"


@pytest.fixture(scope="module")
def tried(server: Any, plain: Any) -> list[tuple[Any, Evaluation]]:
    """The plain candidate and two mitigated ones."""
    client = server.client()
    steps = {step.key: step for step in client.pipelines.steps(plain.id)}
    params = {"rows": client.pipelines.get(plain.id).params["rows"], "trees": 20}
    graph = mitigate_graph(
        plain.run.graph, steps, params, GATES, [("reweighing", 1.25), ("exponentiated_gradient", None)]
    )
    run = client.pipelines.start(graph, plain.run.capture, {})
    from fairloop.sdk.result import PipelineResult, follow

    follow(PipelineResult(client, run), quiet=True)
    candidates = [
        *client.candidates.list(pipeline_run_id=plain.id).items,
        *client.candidates.list(pipeline_run_id=run.id).items,
    ]
    return [(c, client.candidates.evaluations(c.id)[0]) for c in candidates]


def test_mitigations_call_the_trainer_again(server: Any, tried: list[tuple[Any, Evaluation]]) -> None:
    client = server.client()
    by_method = {candidate.method: (candidate, evaluation) for candidate, evaluation in tried}
    assert set(by_method) == {"plain", "reweighing", "exponentiated_gradient"}
    gap = "demographic_parity_difference by sex"
    before = by_method["plain"][1].metrics[gap]["estimate"]
    for method in ("reweighing", "exponentiated_gradient"):
        candidate, evaluation = by_method[method]
        recomputed(client, evaluation)
        assert evaluation.metrics[gap]["estimate"] < before / 2
        model = values.load({"kind": "model", "sha256": candidate.model_sha256}, client.blobs)
        X = people(50).X
        np.testing.assert_array_equal(model.scores(X), model.scores(X))
    assert len({candidate.id for candidate, _ in tried}) == 3


def test_the_gate_judges_the_test_part_once(server: Any, plain: Any, tried: list[tuple[Any, Evaluation]]) -> None:
    client = server.client()
    choice = choose(tried, GATES)
    assert choice.candidate_id is not None
    chosen = client.candidates.get(choice.candidate_id)
    assert chosen.method != "plain"
    assert "was chosen" in choice.words
    steps = {step.key: step for step in client.pipelines.steps(plain.id)}
    params = {"rows": client.pipelines.get(plain.id).params["rows"]}
    from fairloop.sdk.result import PipelineResult, follow

    checks = [*GATES, Check(metric="cost_usd", at_most=1)]
    for again in range(2):
        for number, (candidate, _) in enumerate(tried[: 1 if again else None]):
            model = {"stored": {"kind": "model", "sha256": candidate.model_sha256}}
            graph = gate_graph(plain.run.graph, steps, params, checks, candidate.id, model)
            follow(PipelineResult(client, client.pipelines.start(graph, Capture(), {})), quiet=True)
            found = {e.part: e for e in client.candidates.evaluations(candidate.id)}
            assert set(found) == {"validation", "test"}
            recomputed(client, found["test"])
            assert found["test"].uses_of_part == number + 1, again
            verdicts = {v.check.name: v for v in found["test"].verdicts}
            assert set(verdicts) == {c.name for c in GATES}
            if candidate.method == "plain":
                assert verdicts["demographic_parity_difference by sex"].status is Status.FAIL
            if candidate.id == choice.candidate_id:
                assert {v.status for v in verdicts.values()} == {Status.PASS}


def test_any_metric_gates_and_says_what_cannot_be_had_together(server: Any, plain: Any, learning: Any) -> None:
    client = server.client()
    plain = learning.learn.run(client=client, rows="hiring", trees=21, quiet=True)  # a candidate not yet gated
    (candidate,) = client.candidates.list(pipeline_run_id=plain.id).items
    steps = {step.key: step for step in client.pipelines.steps(plain.id)}
    params = {"rows": client.pipelines.get(plain.id).params["rows"]}
    checks = [
        gate("demographic_parity_ratio", at_least=0.9, by="sex"), gate("calibration_within_groups", at_most=0.3, by="sex"),
        gate("conditional_demographic_disparity", at_most=0.9, by="sex|hobby"), gate("label_rate_difference", at_most=0.5, by="sex"),
        gate("expected_calibration_error", at_most=0.2), gate("consistency", at_least=0.5), gate("lift_top_tenth", at_least=1),
        gate("macro_f1", at_least=0.5), gate("equalized_odds_difference", at_most=0.9, by="sex"),
    ]  # fmt: skip
    model = {"stored": {"kind": "model", "sha256": candidate.model_sha256}}
    from fairloop.sdk.result import PipelineResult, follow

    graph = gate_graph(plain.run.graph, steps, params, checks, candidate.id, model)
    follow(PipelineResult(client, client.pipelines.start(graph, Capture(), {})), quiet=True)
    (judged,) = (e for e in client.candidates.evaluations(candidate.id) if e.part == "test")
    found = {verdict.check.name: verdict for verdict in judged.verdicts}
    statuses = {name: verdict.status for name, verdict in found.items()}
    assert statuses.pop("demographic_parity_ratio by sex") is Status.FAIL
    assert statuses.pop("macro_f1") is Status.INSUFFICIENT
    assert found["macro_f1"].detail["reason"] == "macro_f1 is not defined for a binary target."
    assert set(statuses.values()) == {Status.PASS}, statuses
    assert "cannot both hold" in found["equalized_odds_difference by sex"].detail["trade_offs"][0]


def test_a_trainer_that_ignores_weights_is_refused_by_file_and_line(server: Any, learning: Any) -> None:
    client = server.client()
    result = learning.learn_unweighted.run(client=client, rows="hiring", quiet=True)
    steps = {step.key: step for step in client.pipelines.steps(result.id)}
    params = {"rows": client.pipelines.get(result.id).params["rows"]}
    graph = mitigate_graph(result.run.graph, steps, params, GATES, [("reweighing", 1.0)])
    from fairloop.sdk.result import PipelineResult, follow

    with pytest.raises(StepFailed, match=r"weights change nothing in fit_unweighted \(hiring_loop.py, line \d+\)"):
        follow(PipelineResult(client, client.pipelines.start(graph, result.run.capture, {})), quiet=True)
    assert len(client.candidates.list(pipeline_run_id=result.id).items) == 1


def test_overlapping_parts_are_refused(server: Any, learning: Any) -> None:
    with pytest.raises(StepFailed, match="both the validation and the test part"):
        learning.overlapping.run(client=server.client(), rows="hiring", quiet=True)
