"""Realistic rows for every state a page can show: written through storage, without a model having been trained."""

# fmt: off

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from fairloop.core import codec
from fairloop.core.analyses import Analysis, AnalysisState
from fairloop.core.checks import Check, Status, Verdict, judge
from fairloop.core.codec import bits_of
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Loop, Stage
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint, Rollout
from fairloop.core.models import Candidate, Evaluation, Model, ModelVersion
from fairloop.core.monitors import Alert, Monitor, Window
from fairloop.core.people import Identity, Project, Role
from fairloop.core.pipelines import Capture, Graph, Needs, PipelineRun, State, StepRun, StepSpec
from fairloop.core.records import to_plain
from fairloop.evaluation.plan import name_of
from fairloop.server.services import Services
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage import loops as loop_rows
from fairloop.storage import monitors as monitor_rows
from fairloop.storage import tables as t

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LONG = "a loop with a name so long that it would not fit anywhere unless the page takes care of it properly v2"
GOAL = "Find people likely to earn over 50K, equally well for women and men"
GROUPS = {"sex": ["Female", "Male"], "race": ["White", "Black", "Asian-Pac-Islander", "Other"]}
AUC, DP, EO = "roc_auc", "demographic_parity_difference", "equalized_odds_difference"
GATES = [Check(metric=AUC, at_least=0.85), Check(metric=DP, at_most=0.12, by="sex", because="equal access to the offer is the goal"),
         Check(metric=EO, at_most=0.20, by="sex"), Check(metric="latency_p99_ms", at_most=20), Check(metric="cost_usd", at_most=1)]
WATCH = [Check(metric="drift"), Check(metric=DP, at_most=0.12, by="sex"), Check(metric=AUC, drop=0.05),
         Check(metric="latency_p99_ms", at_most=50)]
COLUMNS = ["age", "workclass", "education", "education-num", "marital-status", "occupation", "relationship",
           "capital-gain", "capital-loss", "hours-per-week", "native-country"]


@dataclass
class Seed:
    services: Services
    now: int
    rng: random.Random

    def rows(self, table: Any, *records: Any, **extra: Any) -> None:
        names = set(table.c.keys())
        values = [{**{k: v for k, v in to_plain(r).items() if k in names}, **extra} for r in records]
        self.services.database.write(lambda c: c.execute(insert(table), values))


    def save(self, write: Callable[[Connection, Any], Any], *records: Any) -> None:
        for record in records:
            self.services.database.write(lambda c, r=record: write(c, r))


TRADE_OFFS = ["The positive label is true for 30.6 % of Male and 10.9 % of Female. With the same recall (60.2 %) and false positive rate (7.9 %) for "
              "both, selection rates differ by 10.3 points: equalized odds and demographic parity cannot both hold."]


def verdict(check: Check, estimate: float, half: float, n: int, **detail: Any) -> Verdict:
    baseline = detail.pop("baseline", None)
    return judge(check, estimate, estimate - half, estimate + half, n=n, method="Newcombe, simultaneous over pairs",
                 detail=detail, baseline=baseline)


def rate(p: float, n: int) -> dict[str, Any]:
    half = 1.96 * math.sqrt(max(p * (1 - p), 0.0004) / n)
    return {"estimate": p, "low": max(0.0, p - half), "high": min(1.0, p + half), "n": n, "method": "wilson"}


def group(name: str, n: int, selected: float, right: float, found: float, wrong: float) -> dict[str, Any]:
    return {"group": name, "n": n, "selection_rate": rate(selected, n), "accuracy": rate(right, n),
            "true_positive_rate": rate(found, n // 4), "false_positive_rate": rate(wrong, n * 3 // 4)}


def groups_for(gap: float) -> dict[str, Any]:
    base = 0.26 - gap * 0.3
    women, men = max(0.02, base - gap * 0.66), max(0.02, base + gap * 0.34)
    return {"sex": [group("Female", 3210, women, 0.91, 0.55 + women, women / 4), group("Male", 6558, men, 0.84, 0.52 + men, men / 3)],
            "race": [group("White", 8350, base, 0.86, 0.63, 0.08), group("Black", 940, base * 0.6, 0.91, 0.55, 0.04),
                     group("Asian-Pac-Islander", 300, base * 1.1, 0.85, 0.66, 0.09), group("Other", 178, base * 0.5, 0.92, 0.5, 0.03)]}


def evaluation(project_id: str, candidate_id: str, part: str, auc: float, dp: float, eo: float, at: int) -> Evaluation:
    n = 9768
    sex = groups_for(dp)["sex"]
    verdicts = [verdict(GATES[0], auc, 0.006, n), verdict(GATES[1], dp, 0.017, n, groups=sex, pair=["Female", "Male"], rate="selection_rate"),
                verdict(GATES[2], eo, 0.042, n, groups=sex, pair=["Female", "Male"], rate="true_positive_rate", trade_offs=TRADE_OFFS), verdict(GATES[3], 6.4, 0.9, 200)]
    found = {AUC: {"estimate": auc, "low": auc - 0.006, "high": auc + 0.006, "n": n, "method": "DeLong"},
             "accuracy": {"estimate": auc - 0.06, "low": auc - 0.066, "high": auc - 0.054, "n": n, "method": "wilson"},
             f"{DP} by sex": {"estimate": dp, "low": dp - 0.017, "high": dp + 0.017, "n": n, "method": "Newcombe"},
             f"{EO} by sex": {"estimate": eo, "low": eo - 0.042, "high": eo + 0.042, "n": n, "method": "Newcombe"},
             "latency_p50_ms": {"estimate": 3.1, "low": 3.0, "high": 3.3, "n": 200, "method": "order statistics"},
             "latency_p99_ms": {"estimate": 6.4, "low": 5.5, "high": 7.3, "n": 200, "method": "order statistics"},
             "size_bytes": {"estimate": 1_250_000, "low": None, "high": None, "n": 1, "method": "exact"}}
    importance = [0.071, 0.008, 0.004, 0.047, 0.118, 0.032, 0.041, 0.093, 0.021, 0.027, 0.002]
    drivers = [{"column": c, "importance": v, "low": v - 0.004, "high": v + 0.004} for c, v in zip(COLUMNS, importance, strict=True)]
    return Evaluation(id=f"evl_{candidate_id[4:]}{part[0]}", project_id=project_id, candidate_id=candidate_id, part=part, n=n,
                      predictions_sha256="ab" * 32, metrics=found, groups=groups_for(dp), drivers=drivers, verdicts=verdicts,
                      uses_of_part=3, created_ms=at)


def people(s: Seed) -> dict[str, Identity]:
    owner = Identity(kind="person", name="owner", administrator=True)
    s.services.people.ensure_owner("owner")
    for name in ("Maya Lindqvist", "Omar Haddad", "Ines Okafor", "Theo Brandt", "Wilhelmina Featherstonehaugh-Cholmondeley the Younger"):
        s.services.people.create(owner, name, email=f"{name.split()[0].lower()}@example.org")
    return {"owner": owner, "maya": Identity(kind="person", name="Maya Lindqvist"), "omar": Identity(kind="person", name="Omar Haddad")}


def project(s: Seed, name: str, goal: str, budget: float | None = None) -> Project:
    made = s.services.projects.create(name, goal=goal, budget_usd=budget)
    owner = Identity(kind="person", name="owner", administrator=True)
    for person, role in (("Maya Lindqvist", Role.DATA_SCIENTIST), ("Omar Haddad", Role.MANAGER), ("Ines Okafor", Role.AUDITOR),
                         ("Theo Brandt", Role.VIEWER)):
        s.services.people.set_member(owner, made.id, person, role)
    return made


def dataset(s: Seed, p: Project) -> None:
    profile: dict[str, Any] = {"rows": 39073, "columns": {}}
    for i, column in enumerate([*COLUMNS, "sex", "race", "income"]):
        if column in {"age", "education-num", "capital-gain", "capital-loss", "hours-per-week"}:
            counts = [max(3, int(4000 * math.exp(-((b - 7) ** 2) / (8 + i)))) for b in range(20)]
            profile["columns"][column] = {"kind": "number", "type": "Int64", "missing": 0, "distinct": 73, "min": 17.0, "max": 90.0,
                "mean": 38.6, "quartiles": [28.0, 37.0, 48.0], "histogram": {"edges": [17 + 3.65 * b for b in range(21)], "counts": counts}}
        else:
            profile["columns"][column] = {"kind": "category", "type": "String", "missing": 2200 if column == "workclass" else 0,
                "distinct": 9, "frequent": [["Private", 26800], ["Self-employed, not incorporated", 3100], ["Local government", 2500], ["State government", 1600]]}
    roles = Roles(target="income", positive=">50K", sensitive=["sex", "race"], ignore=["fnlwgt"])
    for number, rows in ((1, 39073), (2, 41873)):
        s.rows(t.dataset_versions, DatasetVersion(id=f"dsv_{p.name[:3]}{number}", project_id=p.id, dataset="adult", version=number,
               sha256=f"{number}c" * 32, rows=rows, size_bytes=1_640_000, schema={c: str(v["type"]) for c, v in profile["columns"].items()},
               roles=roles, profile=profile, parents=[f"dsv_{p.name[:3]}{number - 1}"] if number > 1 else [],
               origin={"sample": "adult", "source": "UCI Machine Learning Repository, Adult"} if number == 1 else {"words": "Version 1 plus 2,800 labelled predictions of income."},
               owner="Maya Lindqvist", licence="CC BY 4.0", created_ms=s.now - (20 - 8 * number) * DAY))


def graph() -> Graph:
    def step(key: str, inputs: dict[str, Any], **more: Any) -> StepSpec:
        return StepSpec(key=key, name=more.pop("name", key), function={"module": "loop", "qualname": key}, inputs=inputs,
                        needs=Needs(cpu=more.pop("cpu", 1), memory_bytes=more.pop("memory", 2**30), retries=1), **more)
    return Graph(name="train_income", params={"people": {"table": True}, "learning_rate": 0.1}, steps=[
        step("split", {"people": {"param": "people"}}, outputs=3),
        step("features", {"train": {"step": "split", "output": 0}}),
        step("fit", {"train": {"step": "features", "output": 0}, "learning_rate": {"param": "learning_rate"}}, returns="model", cpu=2, memory=2 * 2**30),
        step("calibrate_probabilities_on_validation", {"model": {"step": "fit", "output": 0}, "valid": {"step": "split", "output": 1}}),
        step("candidate", {"model": {"step": "calibrate_probabilities_on_validation", "output": 0}, "valid": {"step": "split", "output": 1},
                           "test": {"step": "split", "output": 2}}, returns="candidate")])


def pipeline_run(s: Seed, p: Project, run_id: str, at: int, states: list[State], *, state: State, cycle_id: str | None = None,
                 purpose: str = "train", error: str = "", name: str = "train_income") -> None:
    plan = graph()
    capture = Capture(snapshot="5a" * 32, environment="6b" * 32, python="3.11.9", entry="loop.py",
                      hardware={"cpu": "AMD EPYC 7B13", "cores": 2, "memory_bytes": 16 * 2**30, "gpus": []},
                      git={"commit": "3d947b6c2f", "branch": "main", "dirty": True, "diff": "7c" * 32})
    s.rows(t.pipeline_runs, PipelineRun(id=run_id, project_id=p.id, pipeline=name, state=state, graph=plan, capture=capture,
           params={"people": {"kind": "table", "sha256": "1c" * 32}, "learning_rate": 0.1}, cycle_id=cycle_id, purpose=purpose,
           author="Maya Lindqvist", error=error, created_ms=at, started_ms=at + 400, cost_usd=0.0021,
           ended_ms=at + 44_000 if state.final else None))
    walls = [1.9, 3.4, 31.0, 2.2, 5.1]
    start = at + 400
    for spec, wall, now in zip(plan.steps, walls, states, strict=True):
        begun = now not in {State.PENDING, State.READY, State.SKIPPED}
        ended = now in {State.DONE, State.FAILED}
        outputs = [{"kind": "table", "sha256": "9d" * 32, "size_bytes": 1_300_000, "rows": 23443}] if spec.key in {"split", "features"} else \
            [{"kind": "model", "sha256": "8e" * 32, "size_bytes": 1_250_000}] if spec.key != "candidate" else [{"json": {"candidate_id": "cnd_plain2"}}]
        trace = "Traceback (most recent call last):\n  File \"loop.py\", line 31, in fit\n    model.fit(train.X, train.y)\nValueError: could not convert string to float: 'Private'"
        s.rows(t.step_runs, StepRun(id=f"stp_{run_id[4:]}_{spec.key}", project_id=p.id, pipeline_run_id=run_id, key=spec.key, name=spec.name,
               state=now, attempt=1 if begun else 0, token=1, worker="local-1", inputs=spec.inputs, outputs=outputs if now is State.DONE else [],
               needs=spec.needs, used={"wall_s": wall, "cpu_s": wall * 1.4, "memory_bytes": int(3.1e8 + wall * 1.9e7), "cost_usd": wall * 4e-5} if ended else {},
               error=trace if now is State.FAILED else "", cache_key=spec.key, cached_from="stp_earlier" if spec.key == "split" and now is State.DONE and run_id.endswith("4") else None,
               run_id="f" * 31 + "1" if spec.key == "fit" else None, ready_ms=start, started_ms=start if begun else None,
               ended_ms=start + int(wall * 1000) if ended else None), heartbeat=1, worker_key="w", cancel=False)
        lines = "".join(f"{spec.key}: read 23443 rows, 11 features\n[{i * 50}] valid auc {0.86 + i * 0.012:.4f}\n" for i in range(6)) + (trace if now is State.FAILED else "")
        if begun:
            text = codec.dumps([[at, "stdout", lines]]).encode()
            s.services.database.write(lambda c, k=spec.key, d=text: c.execute(insert(t.step_logs).values(
                step_run_id=f"stp_{run_id[4:]}_{k}", seq=1, attempt=1, at_ms=at, data=d)))
        start += int(wall * 1000) if begun else 0


def searched() -> dict[str, Any]:
    """What a search of eight trials left, one of them failed and one a candidate."""
    tried = [("plain", None, {}, 0.925, 0.158, 0.07), ("reweighing", 1.5, {}, 0.918, 0.064, 0.149), ("gap_penalty", 12.0, {}, 0.919, 0.071, 0.15),
             ("gap_penalty", 40.0, {"learning_rate": 0.04}, 0.911, 0.035, 0.21), ("threshold_optimizer", 0.8, {"learning_rate": 0.2}, 0.9, 0.06, 0.2),
             ("reweighing", 0.4, {"learning_rate": 0.12}, 0.916, 0.13, 0.09), ("reweighing", 2.2, {"learning_rate": 0.03}, 0.9, 0.05, 0.28)]
    trials = [{"number": n, "name": name_of(method, strength, settings), "method": method, "strength": strength, "settings": settings, "error": "", "run_id": "f" * 31 + "1",
               "seconds": 2.4, "kept": n == 1, "metrics": {"roc_auc": auc, "demographic_parity_difference by sex": dp, "equalized_odds_difference by sex": eo}}
              for n, (method, strength, settings, auc, dp, eo) in enumerate(tried)]
    failed = {**trials[0], "number": 7, "name": "the plain model with learning_rate 0.29", "error": "ValueError: learning_rate is too large", "metrics": {}}
    return {"words": "8 trials of the plain model, reweighing, gap penalty inside LightGBM and threshold optimizer, with learning_rate varied, took 19 s.", "left_out": {},
            "trials": [*trials, failed]}


def model_and_candidates(s: Seed, p: Project) -> None:
    made = [("cnd_plain1", "cyc_1", "plain", None, 0.927, 0.167, 0.058, "chosen"), ("cnd_plain2", "cyc_4", "plain", None, 0.926, 0.169, 0.061, "refused"),
            ("cnd_rw10", "cyc_4", "reweighing", 1.0, 0.922, 0.102, 0.110, "judged"), ("cnd_rw15", "cyc_4", "reweighing", 1.5, 0.917, 0.061, 0.160, "chosen"),
            ("cnd_rw20", "cyc_4", "reweighing", 2.0, 0.909, 0.030, 0.270, "dominated"), ("cnd_eg", "cyc_4", "exponentiated_gradient", None, 0.908, 0.018, 0.260, "judged"),
            ("cnd_bad2", "cyc_2", "plain", None, 0.926, 0.171, 0.06, "refused"),
            ("cnd_new5", "cyc_5", "reweighing", 1.5, 0.918, 0.064, 0.149, "chosen"), ("cnd_new5p", "cyc_5", "plain", None, 0.925, 0.158, 0.07, "refused")]
    signature = {"task": "binary", "threshold": 0.5, "positive": ">50K", "sample": [{"age": 38, "workclass": "Private", "education": "Bachelors", "hours-per-week": 40, "capital-gain": 0}],
                 "columns": [{"name": "age", "kind": "integer", "low": 17, "high": 90}, {"name": "workclass", "kind": "category", "categories": ["Private", "Local government", "Self-employed"]},
                             {"name": "education", "kind": "category", "categories": ["Bachelors", "HS-grad", "Masters"]}, {"name": "hours-per-week", "kind": "integer", "low": 1, "high": 99},
                             {"name": "capital-gain", "kind": "number", "low": 0, "high": 99999}]}
    for number, (key, cycle, method, strength, auc, dp, eo, state) in enumerate(made):
        at = s.now - 10 * DAY + number * HOUR
        s.rows(t.candidates, Candidate(id=key, project_id=p.id, pipeline_run_id=f"prn_{cycle[4:]}", cycle_id=cycle, method=method, strength=strength,
               run_id="f" * 31 + "1", model_sha256="8e" * 32, state=state, signature=signature, profile={}, created_ms=at))
        for part in ("validation", "test") if state != "dominated" else ("validation",):
            shift = 0.003 if part == "test" else 0.0
            s.rows(t.evaluations, evaluation(p.id, key, part, auc - shift, dp + shift, eo + shift, at), part_sha256="cd" * 32)
    s.rows(t.models, Model(id="mod_income", project_id=p.id, name="income", description=GOAL, created_ms=s.now - 12 * DAY, updated_ms=s.now, aliases={"production": 2}))
    s.rows(t.models, Model(id="mod_long", project_id=p.id, name=LONG, created_ms=s.now - 2 * DAY, updated_ms=s.now - DAY))
    for number, key, cycle, decision in ((1, "cnd_plain1", "cyc_1", "none"), (2, "cnd_rw15", "cyc_4", "approved"), (3, "cnd_new5", "cyc_5", "candidate")):
        s.rows(t.model_versions, ModelVersion(id=f"ver_income{number}", project_id=p.id, model="income", version=number, decision=decision, cycle_id=cycle,
               candidate_id=key, run_id="f" * 31 + "1", user="Maya Lindqvist", created_ms=s.now - (11 - number * 3) * DAY, updated_ms=s.now, signature=signature), model_id="mod_income")
    s.rows(t.model_versions, ModelVersion(id="ver_long1", project_id=p.id, model=LONG, version=1, user="Maya Lindqvist", created_ms=s.now - DAY, updated_ms=s.now,
           signature={}, run_id="f" * 31 + "1"), model_id="mod_long")


def loop_of(p: Project, name: str, sensitive: list[str]) -> Loop:
    definition = {"name": name, "goal": GOAL, "data": {"name": "adult", "target": "income", "positive": ">50K", "sensitive": sensitive},
                  "gates": to_plain(GATES), "mitigate": ["reweighing", "exponentiated_gradient"], "approval": {"role": "manager", "expires": "3d", "two_person": False},
                  "rollout": {"steps": [10, 50, 100], "judge_by": ["sex"], "min_requests": 200, "max_wait": "1d"}, "watch": to_plain(WATCH),
                  "watch_every": "5m", "window": 1000, "on_alert": "propose", "primary": None}
    return Loop(id=f"lop_{p.id[-4:]}{len(name)}", project_id=p.id, name=name, definition=definition, graph=to_plain(graph()), capture=to_plain(Capture(git={"commit": "3d947b6c2f"})), author="Maya Lindqvist")


def event(s: Seed, cycle: str, at: int, kind: str, text: str, data: dict[str, Any] | None = None) -> None:
    s.services.database.write(lambda c: c.execute(insert(t.cycle_events).values(
        {k: v for k, v in to_plain(CycleEvent(seq=0, cycle_id=cycle, at_ms=at, kind=kind, text=text, data=data or {})).items() if k != "seq"})))


def cycles(s: Seed, p: Project) -> None:
    loop = loop_of(p, "income", ["sex", "race"])
    s.save(loop_rows.add_loop, loop)
    bias = "Women are selected 18.1 points less often than men in live traffic; the policy allows 12."
    drift = "hours-per-week and age changed beyond what chance explains in the last 3 windows."
    rows = [(1, Stage.LIVE, {"kind": "person", "by": "Maya Lindqvist", "words": "Maya Lindqvist ran loop.py."}, 12, "cnd_plain1", "ver_income1", "Only quality was gated: the plain candidate passed."),
            (2, Stage.REFUSED, {"kind": "git", "by": "Maya Lindqvist", "words": "A push to main."}, 9, "cnd_bad2", None, "The gate refused the chosen candidate on the test part: demographic_parity_difference by sex fail."),
            (3, Stage.FAILED, {"kind": "schedule", "by": "loop income", "words": "The weekly schedule."}, 8, None, None, "Training failed: could not convert string to float: 'Private'"),
            (4, Stage.LIVE, {"kind": "alert", "alert_id": "alr_bias", "by": "loop income", "words": bias}, 6, "cnd_rw15", "ver_income2",
             "Reweighing 1.5 was chosen: it passes every gate on the validation part and has the best ROC AUC (0.917) among those that do."),
            (5, Stage.APPROVE, {"kind": "alert", "alert_id": "alr_drift", "by": "loop income", "words": drift}, 0.1, "cnd_new5", "ver_income3",
             "Reweighing 1.5 was chosen: it passes every gate on the validation part and has the best ROC AUC (0.918) among those that do.")]
    for number, stage, trigger, days, chosen, version, words in rows:
        at = s.now - int(days * DAY)
        runs = {"train": f"prn_{number}", **({"mitigate": "prn_4m"} if number == 4 else {}), **({f"gate:{chosen}": f"prn_{number}g"} if chosen else {})}
        s.save(loop_rows.add_cycle, Cycle(id=f"cyc_{number}", project_id=p.id, loop="income", loop_id=loop.id, number=number, stage=stage, trigger=trigger, gates=GATES,
               dataset_version_id="dsv_inc2" if number > 3 else "dsv_inc1", pipeline_run_ids=runs, chosen_candidate_id=chosen, model_version_id=version,
               rollout_id="rol_4" if number == 4 else None, words=words, author="Maya Lindqvist", cost_usd=0.0184 if number == 4 else 0.0072, started_ms=at,
               ended_ms=at + 2 * HOUR if stage.final else None, live_ms=at + 2 * HOUR if stage is Stage.LIVE else None))
        event(s, f"cyc_{number}", at, "started", trigger["words"], trigger)
        if number == 3:
            event(s, "cyc_3", at + MINUTE, "failed", words)
            pipeline_run(s, p, "prn_3", at, [State.DONE, State.DONE, State.FAILED, State.SKIPPED, State.SKIPPED], state=State.FAILED, cycle_id="cyc_3", error="fit failed: could not convert string to float: 'Private'")
            continue
        pipeline_run(s, p, f"prn_{number}", at, [State.DONE] * 5, state=State.DONE, cycle_id=f"cyc_{number}")
        test = next((e for e in s.services.database.read(lambda c, key=chosen: _evaluations(c, key)) if e["part"] == "test"), None)
        if number in {4, 5}:
            event(s, f"cyc_{number}", at + MINUTE, "data", "2,800 labelled predictions were added to the training rows: adult v2.", {"dataset_version_id": "dsv_inc2"})
            event(s, f"cyc_{number}", at + 2 * MINUTE, "refused_candidate", "The plain candidate was refused by the gate: demographic parity difference by sex is 0.169, at most 0.12 is allowed.", {"after": "train", "frontier": []})
        event(s, f"cyc_{number}", at + 4 * MINUTE, "chosen", words, {"after": "mitigate", "frontier": [], "search": searched() if number == 5 else {}})
        passed = number != 2
        verdicts = [*(test["verdicts"] if test else []), *to_plain([verdict(GATES[4], 0.0184, 0.0, 4)])]
        event(s, f"cyc_{number}", at + 6 * MINUTE, "gate", f"All {len(verdicts)} gates passed on the test part; registered as income v{number}." if passed else words,
              {"verdicts": verdicts, "candidate_id": chosen, "passed": passed})
        if number == 4:
            s.save(loop_rows.add_approval, ApprovalRequest(id="apr_4", project_id=p.id, cycle_id="cyc_4", model_version_id="ver_income2", role="manager", author="Maya Lindqvist",
                   decision="approved", decided_by="Omar Haddad", reason="The gap falls from 0.17 to 0.06 and quality stays above our floor.", requested_ms=at + 6 * MINUTE,
                   expires_ms=at + 3 * DAY, decided_ms=at + 50 * MINUTE))
            event(s, "cyc_4", at + 50 * MINUTE, "approved", "Omar Haddad approved it: The gap falls from 0.17 to 0.06 and quality stays above our floor.", {"approval_id": "apr_4", "by": "Omar Haddad", "role": "manager", "verified": False})
            event(s, "cyc_4", at + 51 * MINUTE, "roll_out", "Approved: the rollout begins.")
            event(s, "cyc_4", at + 52 * MINUTE, "rollout", "The canary begins: 10 %, 50 %, 100 % of the traffic, judged at each step.")
            event(s, "cyc_4", at + 2 * HOUR, "live", "income v2 is live with all traffic.")
        if number == 1:
            event(s, "cyc_1", at + 2 * HOUR, "live", "income v1 is live with all traffic.")
        if number == 5:
            s.save(loop_rows.add_approval, ApprovalRequest(id="apr_5", project_id=p.id, cycle_id="cyc_5", model_version_id="ver_income3", role="manager", author="Maya Lindqvist",
                   requested_ms=at + 6 * MINUTE, expires_ms=s.now + 2 * DAY))


def _evaluations(connection: Connection, candidate_id: str | None) -> list[dict[str, Any]]:
    return [dict(r) for r in connection.execute(t.evaluations.select().where(t.evaluations.c.candidate_id == candidate_id)).mappings()]


def serving(s: Seed, p: Project) -> None:
    s.save(endpoint_rows.add_endpoint, Endpoint(id="end_income", project_id=p.id, name="income", state="stopped", loop="income", created_ms=s.now - 11 * DAY),
           Endpoint(id="end_down", project_id=p.id, name="fraud-scores", state="stopped", created_ms=s.now - 3 * DAY))
    s.save(endpoint_rows.add_deployment, Deployment(id="dep_1", project_id=p.id, endpoint_id="end_income", model_version_id="ver_income1", share=0, state=DeploymentState.RETIRED,
           created_ms=s.now - 11 * DAY, live_ms=s.now - 11 * DAY, retired_ms=s.now - 6 * DAY),
           Deployment(id="dep_2", project_id=p.id, endpoint_id="end_income", model_version_id="ver_income2", share=100, state=DeploymentState.LIVE,
           created_ms=s.now - 6 * DAY, live_ms=s.now - 6 * DAY),
           Deployment(id="dep_x", project_id=p.id, endpoint_id="end_down", model_version_id="ver_long1", share=0, state=DeploymentState.FAILED,
           reason="The smoke test failed: column 'hours-per-week' is missing from the model's input.", created_ms=s.now - 3 * DAY))
    history = [{"share": share, "at_ms": s.now - 6 * DAY + i * 20 * MINUTE, "requests": 220 + i * 40, "words": "", "verdicts": to_plain(
               [verdict(Check(metric="error_rate", at_most=0.02), 0.0, 0.004, 220), verdict(GATES[1], 0.062, 0.03, 220)])} for i, share in enumerate((10, 50, 100))]
    s.save(endpoint_rows.add_rollout, Rollout(id="rol_4", project_id=p.id, endpoint_id="end_income", to_deployment_id="dep_2", from_deployment_id="dep_1", cycle_id="cyc_4",
           steps=[10, 50, 100], step=2, judge_by=["sex"], state="promoted", history=history, started_ms=s.now - 6 * DAY, step_started_ms=s.now - 6 * DAY,
           expires_ms=s.now, ended_ms=s.now - 6 * DAY + HOUR))
    s.save(monitor_rows.save_monitor, Monitor(id="mon_income", project_id=p.id, endpoint_id="end_income", loop="income", checks=WATCH, every_s=300, window=1000, created_ms=s.now - 11 * DAY))
    for i in range(24):
        dp = 0.181 if i < 8 else 0.066 + 0.01 * math.sin(i)
        moved = {"age", "hours-per-week"} if i > 20 else set()
        columns = {c: {"kind": "number", "n": 1000, "status": "fail" if c in moved else "pass", "p_corrected": 0.0002 if c in moved else 0.6, "effect": 0.31 if c in moved else 0.01 + 0.03 * s.rng.random(),
                       "bins": [{"label": f"{b * 10} to {b * 10 + 10}", "reference": 0.1, "window": max(0.01, 0.1 + (0.018 * (b - 4.5) if c in moved else 0.004 * (b % 3 - 1)))} for b in range(10)]} for c in COLUMNS}
        found = [Verdict(check=WATCH[0], status=Status.FAIL if moved else Status.PASS, estimate=max(c["effect"] for c in columns.values()), low=None, high=None, n=1000,
                         method="excess PSI, calibrated to n, Benjamini-Hochberg", detail={"failing": sorted(moved), "min_effect": 0.1, "p_value": 0.0002}),
                 verdict(WATCH[1], dp, 0.04, 1000, groups=groups_for(dp)["sex"], pair=["Female", "Male"], rate="selection_rate"),
                 verdict(WATCH[2], 0.912 - 0.002 * i / 24, 0.012, 640, baseline=0.917), verdict(WATCH[3], 11.2 + s.rng.random() * 3, 1.1, 1000)]
        s.save(monitor_rows.save_window, Window(id=f"win_{i:02d}", project_id=p.id, monitor_id="mon_income", deployment_id="dep_1" if i < 8 else "dep_2", start_ms=s.now - (24 - i) * 6 * HOUR,
               end_ms=s.now - (23 - i) * 6 * HOUR, n=1000, labelled=640, verdicts=found, detail={"columns": columns}, created_ms=s.now - (23 - i) * 6 * HOUR))
    bias, drift = verdict(WATCH[1], 0.181, 0.04, 1000, groups=groups_for(0.181)["sex"], pair=["Female", "Male"], rate="selection_rate"), found[0]
    for key, v, words, state, cycle, at in (("alr_bias", bias, "Women are selected 18.1 points less often than men in live traffic; the policy allows 12.", "resolved", "cyc_4", 6 * DAY),
                                            ("alr_drift", drift, "hours-per-week and age changed beyond what chance explains in the last 3 windows.", "open", "cyc_5", 3 * HOUR),
                                            ("alr_slow", verdict(WATCH[3], 74.0, 6.0, 1000), "99 of 100 answers took up to 74 ms; the limit is 50 ms.", "acknowledged", None, DAY)):
        s.save(monitor_rows.save_alert, Alert(id=key, project_id=p.id, endpoint_id="end_income", monitor_id="mon_income", deployment_id="dep_2", window_id="win_23", verdict=v, words=words,
               state=state, cycle_id=cycle, acknowledged_by="Omar Haddad" if state == "acknowledged" else "", opened_ms=s.now - at, updated_ms=s.now - at // 2, windows=3))


def runs(s: Seed, p: Project, count: int) -> None:
    def write(c: Connection) -> None:
        experiment = c.execute(insert(t.experiments).values(project_id=p.id, name="income", active=True, created_ms=s.now, updated_ms=s.now, tags={}).returning(t.experiments.c.id)).scalar_one()
        for i in range(count):
            status = "FAILED" if i % 97 == 5 else "RUNNING" if i == count - 1 else "KILLED" if i % 211 == 9 else "FINISHED"
            start = s.now - (count - i) * 7 * MINUTE
            values = {"id": "f" * 31 + "1" if i == count - 1 else f"{i:032x}", "project_id": p.id, "experiment_id": experiment,
                      "name": f"{s.rng.choice(['brave', 'calm', 'eager', 'gentle'])}-{s.rng.choice(['heron', 'otter', 'wren', 'lynx'])}-{i}" if i != count - 3 else LONG,
                      "status": status, "user": s.rng.choice(["Maya Lindqvist", "Theo Brandt"]), "active": True, "start_ms": start,
                      "end_ms": None if status == "RUNNING" else start + 41_000, "step_run_id": None, "status_reason": "The process ended without a result." if status == "FAILED" else "",
                      "lease_s": 86400.0, "touched_ms": s.now, "inputs": [], "outputs": []}
            seq = c.execute(insert(t.runs).values(**values).returning(t.runs.c.seq)).scalar_one()
            c.execute(insert(t.params), [{"run_seq": seq, "key": k, "value": v} for k, v in (("learning_rate", f"{0.01 * (1 + i % 20):.2f}"), ("num_leaves", str(15 + i % 48)), ("seed", str(i)))])
            if i % 3 == 0:
                c.execute(insert(t.run_tags), [{"run_seq": seq, "key": "mlflow.source.name", "value": "loop.py"}, {"run_seq": seq, "key": "team", "value": "credit"}])
            full = i >= count - 3
            for key, value in ((AUC, 0.88 + 0.04 * s.rng.random()), (DP, 0.02 + 0.16 * s.rng.random()), ("log_loss", 0.3 + 0.1 * s.rng.random())):
                made = c.execute(insert(t.series).values(run_seq=seq, key=key, count=400 if full else 1, step=399 if full else 0, timestamp_ms=start, bits=bits_of(value), value=value).returning(t.series.c.id)).scalar_one()
                if full:
                    c.execute(insert(t.points), [{"series_id": made, "step": k, "timestamp_ms": start + k * 100, "bits": bits_of(value * (1 - 0.4 * math.exp(-k / 60)) + 0.004 * s.rng.random())} for k in range(400)])
    s.services.database.write(write)


def other_loop(s: Seed) -> None:
    """A loop in the middle of training, in a project with a long name."""
    p = project(s, LONG, "Sort customer comments by what they ask for, without treating dialects worse than standard spelling. " * 2, 5.0)
    loop = loop_of(p, LONG, ["dialect"])
    s.save(loop_rows.add_loop, loop)
    s.save(loop_rows.add_cycle, Cycle(id="cyc_run", project_id=p.id, loop=LONG, loop_id=loop.id, number=1, stage=Stage.TRAIN, trigger={"kind": "person", "by": "Maya Lindqvist", "words": "Maya Lindqvist ran loop.py."},
           gates=GATES, dataset_version_id="dsv_none", pipeline_run_ids={"train": "prn_running"}, author="Maya Lindqvist", started_ms=s.now - 25_000))
    event(s, "cyc_run", s.now - 25_000, "started", "Maya Lindqvist ran loop.py.")
    pipeline_run(s, p, "prn_running", s.now - 25_000, [State.DONE, State.DONE, State.RUNNING, State.PENDING, State.PENDING], state=State.RUNNING, cycle_id="cyc_run")


def analyses(s: Seed, p: Project) -> None:
    """Version 2 is explained, with one person; of version 3 one question waits and one failed. The answers are those of
    a model of the census data."""
    told = {kind: codec.loads((Path(__file__).parent / "answers" / f"{kind}.json").read_bytes()) for kind in ("explain", "counterfactual", "concepts", "swap")}
    made = [("2", "explain", "done", ""), ("2", "counterfactual", "done", ""), ("3", "explain", "waiting", ""),
            ("3", "counterfactual", "failed", "InvalidInput: No row of these rows has the id 7; ids are in the column _row."),
            ("3", "concepts", "done", ""), ("3", "swap", "done", "")]
    for number, (version, kind, state, error) in enumerate(made):
        done = state == "done"
        s.rows(t.analyses, Analysis(id=f"ana_{number}", project_id=p.id, kind=kind, subject_kind="model_version", subject_id=f"ver_income{version}",
               state=AnalysisState(state), result=told[kind] if done else {}, words=told[kind]["words"] if done else "", error=error,
               pipeline_run_id="prn_not_begun", author="Maya Lindqvist", created_ms=s.now - HOUR, ended_ms=s.now - HOUR if state != "waiting" else None),
               key=f"k{number}")


def seed(services: Services, *, run_count: int = 1000) -> None:
    """Fill an empty database."""
    s = Seed(services=services, now=services.clock.now_ms(), rng=random.Random(7))
    who = people(s)
    p = project(s, "income", GOAL, 50.0)
    project(s, "empty", "A project in which nothing has happened yet")
    dataset(s, p)
    model_and_candidates(s, p)
    cycles(s, p)
    analyses(s, p)
    serving(s, p)
    runs(s, p, run_count)
    other_loop(s)
    for action, thing in (("loop.register", "income"), ("cycle.start", "cyc_4"), ("model.approved", "ver_income2"), ("endpoint.deploy", "income")):
        services.audit.record(who["omar"], action, project_id=p.id, object=thing, detail={"reason": "seeded"})
