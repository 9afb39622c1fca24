"""What moves cycles on. Each tick looks at rows only, so any server can die at any point and the next one goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairloop.core.checks import GROUP_METRICS, Check, Status, Verdict, judge
from fairloop.core.clock import Clock
from fairloop.core.cycles import ApprovalRequest, Cycle, Stage
from fairloop.core.ids import new_id
from fairloop.core.loops import LoopDefinition
from fairloop.core.models import Candidate, Evaluation
from fairloop.core.people import SERVER, Identity
from fairloop.core.pipelines import Capture, Graph, PipelineRun, State, StepRun
from fairloop.core.policy import Approval, PolicyVerdict, required_approval
from fairloop.core.records import to_plain
from fairloop.costs.prices import PriceBook
from fairloop.errors import FairloopError, NotFound, Unavailable
from fairloop.evaluation.analyses import Analyses
from fairloop.evaluation.causes import words_of
from fairloop.evaluation.choose import Choice, choose
from fairloop.evaluation.plan import mitigation_plan, name_of, not_tried
from fairloop.evaluation.service import Evaluations
from fairloop.loops.graphs import (
    data_graph,
    gate_graph,
    mitigate_graph,
    search_graph,
    table_param,
    train_graph,
    with_probes,
)
from fairloop.loops.release import Release
from fairloop.loops.service import Loops
from fairloop.pipelines.service import Pipelines

log = logging.getLogger(__name__)

JUDGED_BY_SERVER = {"cost_usd"}
"""Gates the steps cannot answer: what the cycle itself cost."""


@dataclass(slots=True)
class Driver:
    clock: Clock
    loops: Loops
    pipelines: Pipelines
    evaluations: Evaluations
    release: Release
    analyses: Analyses
    endpoint_folder: Callable[[str], str]
    """Where an endpoint keeps its log on this machine, for steps that read it."""
    prices: PriceBook
    """What a search may cost is counted by it."""
    interval_s: float = 1.0

    def tick(self) -> None:
        self.look_at(lambda stage: stage is not Stage.ROLL_OUT)
        self.loops.tend()

    def look_at(self, wanted: Callable[[Stage], bool]) -> None:
        """Move on every open cycle that stands at a wanted stage."""
        for cycle in self.loops.open_cycles():
            if not wanted(cycle.stage):
                continue
            try:
                self._advance(cycle)
            except Unavailable as cause:
                log.warning("cycle %s waits: %s", cycle.id, cause.message)
            except FairloopError as cause:
                self._end(cycle, Stage.FAILED, f"The cycle stopped: {cause.message}")
            except Exception as cause:  # ours: it must neither stop the other cycles nor leave this one open for ever
                log.exception("cycle %s failed", cycle.id)
                words = f"The cycle stopped on a fault inside Fairloop ({type(cause).__name__}); the server's log says more."
                self._end(cycle, Stage.FAILED, words)

    def _advance(self, cycle: Cycle) -> None:
        definition, graph, capture = self.loops.definition(cycle)
        if not cycle.pipeline_run_ids and cycle.stage in {Stage.DATA, Stage.TRAIN}:
            verdict = self.loops.policies.of_cycle(cycle).verdict  # it may have changed since the loop was registered
            if not verdict.allowed:
                self._end(cycle, Stage.REFUSED, f"The policy does not allow this loop: {_policy_words(verdict)}")
                return
        turn = Turn(self, cycle, definition, graph, capture)
        match cycle.stage:
            case Stage.DATA:
                turn.gather()
            case Stage.TRAIN:
                turn.train()
            case Stage.MITIGATE:
                turn.mitigate()
            case Stage.GATE:
                turn.gate()
            case Stage.APPROVE:
                turn.approve()
            case Stage.ROLL_OUT:
                self.release.advance(cycle, definition)
            case _:
                raise AssertionError(f"a final stage was listed as open: {cycle.stage}")

    def _end(self, cycle: Cycle, stage: Stage, words: str, data: dict[str, Any] | None = None) -> None:
        self.loops.move(cycle, str(stage), words, stage=stage, words=words, data=data)

    def cancel(self, project_id: str, cycle_id: str, identity: Identity, reason: str) -> Cycle:
        """End a cycle and stop what it runs; a rollout under way goes back to the version before."""
        before = self.loops.cycle(project_id, cycle_id)
        cycle = self.loops.cancel(project_id, cycle_id, identity, reason)
        for run_id in before.pipeline_run_ids.values():
            if not self.pipelines.get(project_id, run_id).state.final:
                self.pipelines.cancel(project_id, run_id)
        self.release.withdraw(before, reason)
        return cycle


@dataclass(slots=True)
class ReleaseDriver:
    """Moves on the cycles that roll out, in a thread of its own: a smoke test that hangs holds up no training."""

    driver: Driver
    interval_s: float = 1.0

    def tick(self) -> None:
        self.driver.look_at(lambda stage: stage is Stage.ROLL_OUT)


@dataclass(slots=True)
class Turn:
    """One cycle at this tick, with its definition."""

    driver: Driver
    cycle: Cycle
    definition: LoopDefinition
    graph: Graph
    capture: Capture

    # ------------------------------------------------------------------ running things
    def _run(self, purpose: str, build: Callable[[], tuple[Graph, Capture, dict[str, Any]]]) -> PipelineRun:
        """The pipeline run for ``purpose``, started if it was not; its id is remembered before it starts."""
        pipelines, cycle = self.driver.pipelines, self.cycle
        run_id = cycle.pipeline_run_ids.get(purpose)
        if run_id is not None:
            try:
                return pipelines.get(cycle.project_id, run_id)
            except NotFound:
                log.info("cycle %s: starting %s again, it was noted but never started", cycle.id, run_id)
        else:
            run_id = new_id("prn")
            if not self.driver.loops.note_run(cycle, purpose, run_id):
                raise Unavailable("another server moved this cycle on")
        graph, capture, params = build()
        return pipelines.start(cycle.project_id, graph, capture, params, author=cycle.author, id=run_id,
                               purpose=purpose.split(":")[0], cycle_id=cycle.id)  # fmt: skip

    def _steps(self, purpose: str) -> dict[str, StepRun]:
        run_id = self.cycle.pipeline_run_ids[purpose]
        return {step.key: step for step in self.driver.pipelines.steps(self.cycle.project_id, run_id)}

    def _params(self) -> dict[str, Any]:
        run = self.driver.pipelines.get(self.cycle.project_id, self.cycle.pipeline_run_ids["train"])
        return {**self.graph.params, **run.params}

    def _broke(self, run: PipelineRun, what: str) -> bool:
        """Whether ``run`` ended badly; then the cycle has ended too."""
        if run.state in {State.FAILED, State.CANCELLED}:
            self.driver._end(self.cycle, Stage.FAILED, f"{what} {run.state}: {run.error or 'it was cancelled'}")
            return True
        return False

    def _refuse(self, words: str, data: dict[str, Any] | None = None) -> None:
        self.driver._end(self.cycle, Stage.REFUSED, words, data)

    # ------------------------------------------------------------------ data
    def gather(self) -> None:
        """The rows the live model learned from and the labelled traffic become the dataset version this cycle learns from."""
        live = self.driver.loops.live_cycle(self.cycle.project_id, self.cycle.loop)
        endpoint = self.driver.release.endpoint_of(self.cycle)
        if live is None or endpoint is None:
            self.driver.loops.move(self.cycle, "data", "Learns from the newest dataset version.", stage=Stage.TRAIN)
            return

        def build() -> tuple[Graph, Capture, dict[str, Any]]:
            folder = self.driver.endpoint_folder(endpoint.id)
            made = data_graph(endpoint.id, folder, self.definition.data, live.dataset_version_id)
            return made, Capture(python=self.capture.python), {"train": {"dataset_version": live.dataset_version_id}}

        run = self._run("data", build)
        if self._broke(run, "Gathering the data") or not run.state.final:
            return
        version = self._steps_of(run)["data"].outputs[0]["json"]
        self.driver.loops.move(self.cycle, "data", version.get("words", "Labelled traffic was added to the training rows."),
                               stage=Stage.TRAIN, dataset_version_id=version["dataset_version_id"], data=version)  # fmt: skip

    def _steps_of(self, run: PipelineRun) -> dict[str, StepRun]:
        return {step.key: step for step in self.driver.pipelines.steps(run.project_id, run.id)}

    # ------------------------------------------------------------------ train and choose
    def train(self) -> None:
        def build() -> tuple[Graph, Capture, dict[str, Any]]:
            params = {table_param(self.graph): {"dataset_version": self.cycle.dataset_version_id}}
            made = with_probes(train_graph(self.graph, self._step_gates()), self.definition)
            return made, self.capture, params

        run = self._run("train", build)
        if self._broke(run, "Training") or not run.state.final:
            return
        self._settle(after="train")

    def mitigate(self) -> None:
        def build() -> tuple[Graph, Capture, dict[str, Any]]:
            known = (self.graph, self._steps("train"), self._params(), self._step_gates())
            if self.definition.search is not None:
                made = search_graph(*known, self.definition, self.driver.prices)
            else:
                made = mitigate_graph(*known, self._plan(), allow_attribute=self._allowed)
            return with_probes(made, self.definition), self.capture, {}

        run = self._run("mitigate", build)
        if not run.state.final:
            return
        if run.state is not State.DONE and len(self._candidates()) < 2:
            self._broke(run, "Mitigation")
            return
        self._settle(after="mitigate")

    def _candidates(self) -> list[Candidate]:
        return self.driver.evaluations.candidates(self.cycle.project_id, cycle_id=self.cycle.id)

    def _step_gates(self) -> list[Check]:
        return [check for check in self.cycle.gates if check.metric not in JUDGED_BY_SERVER]

    def _settle(self, *, after: str) -> None:
        """Choose on the validation part: on to the gate, to mitigation, or refused."""
        candidates = self._candidates()
        if not candidates:
            self._refuse("No candidate came out of training; look at the pipeline run's log.")
            return
        tried = {c.id for c in candidates if f"gate:{c.id}" in self.cycle.pipeline_run_ids}
        judged = [(c, self._evaluation(c.id, "validation")) for c in candidates if c.id not in tried]
        choice = choose([(c, e) for c, e in judged if e is not None], self._step_gates(), self.definition.primary)
        left_out = self._left_out() if after == "mitigate" or choice.candidate_id is None else {}
        searched = self._searched() if after == "mitigate" else {}
        told = " ".join([*([searched["words"]] if searched else []), choice.words]) + _left_out_words(left_out)
        data = {"frontier": choice.points, "after": after, "not_tried": left_out, "search": searched}
        if after == "train" and self.definition.search is not None and "mitigate" not in self.cycle.pipeline_run_ids:
            words = (
                f"A search for better candidates begins ({self.definition.search.budget.words}). So far: {choice.words}"
            )
            self.driver.loops.move(self.cycle, "search", words, stage=Stage.MITIGATE, data=data)
        elif choice.candidate_id is not None:
            self._mark(choice)
            self.driver.loops.move(self.cycle, "chosen", told, stage=Stage.GATE,
                                   chosen_candidate_id=choice.candidate_id, words=told, data=data)  # fmt: skip
        elif after == "train" and self._can_mitigate():
            words = f"The plain candidate was refused by the gate: {choice.words}{words_of(judged[0][1])}"
            self._mark(choice)
            self.driver.loops.move(self.cycle, "refused_candidate", words, stage=Stage.MITIGATE, data=data)
        else:
            self._mark(choice)
            self._refuse(told + words_of(judged[0][1] if judged else None), data)

    def _can_mitigate(self) -> bool:
        gap = any(check.metric in GROUP_METRICS for check in self.cycle.gates)
        return gap and bool(self._plan()) and "mitigate" not in self.cycle.pipeline_run_ids

    @property
    def _allowed(self) -> bool:
        return self.definition.allow_attribute_at_prediction

    def _plan(self) -> list[tuple[str, float | None]]:
        return mitigation_plan(self.definition.mitigate, allow_attribute=self._allowed)

    def _left_out(self) -> dict[str, str]:
        """Methods that made no candidate, each with the reason: the policy's, or what a search met."""
        met: dict[str, str] = self._searched().get("left_out", {})
        return not_tried(self.definition.mitigate, allow_attribute=self._allowed) | met

    def _searched(self) -> dict[str, Any]:
        """What the search of this cycle found, when it has one and it is over."""
        if self.definition.search is None or "mitigate" not in self.cycle.pipeline_run_ids:
            return {}
        step = self._steps("mitigate").get("search")
        told = step.outputs[0] if step is not None and step.outputs else {}
        found: dict[str, Any] = told.get("json") or {}
        return found

    def _mark(self, choice: Choice) -> None:
        for point in choice.points:
            state = "chosen" if point["candidate_id"] == choice.candidate_id else point["state"]
            self.driver.evaluations.set_state(self.cycle.project_id, point["candidate_id"], state)

    def _evaluation(self, candidate_id: str, part: str) -> Evaluation | None:
        found = self.driver.evaluations.evaluations(self.cycle.project_id, candidate_id)
        return next((e for e in found if e.part == part), None)

    # ------------------------------------------------------------------ gate
    def gate(self) -> None:
        """The test part answers once for the chosen candidate."""
        chosen = self.cycle.chosen_candidate_id
        assert chosen is not None  # noqa: S101  # the stage is entered with a choice only
        candidate = self.driver.evaluations.candidate(self.cycle.project_id, chosen)

        def build() -> tuple[Graph, Capture, dict[str, Any]]:
            model = {"stored": {"kind": "model", "sha256": candidate.model_sha256}}
            made = gate_graph(self.graph, self._steps("train"), self._params(), self._step_gates(), chosen, model)
            return with_probes(made, self.definition), self.capture, {}

        run = self._run(f"gate:{chosen}", build)
        if self._broke(run, "The gate") or not run.state.final:
            return
        evaluation = self._evaluation(chosen, "test")
        if evaluation is None:
            self._refuse("The gate left no evaluation; look at its log.")
            return
        cost = self.driver.pipelines.cost(self.cycle.project_id, list(self.cycle.pipeline_run_ids.values()))
        verdicts = [*evaluation.verdicts, *self._own_verdicts(cost)]
        self._after_gate(candidate, verdicts, cost)

    def _own_verdicts(self, cost_usd: float) -> list[Verdict]:
        return [judge(check, cost_usd, cost_usd, cost_usd, n=len(self.cycle.pipeline_run_ids),
                      method="price book times measured use of this cycle's steps")
                for check in self.cycle.gates if check.metric == "cost_usd"]  # fmt: skip

    def _after_gate(self, candidate: Candidate, verdicts: list[Verdict], cost: float) -> None:
        judged = self.driver.loops.policies.of_cycle(self.cycle, verdicts)
        to_person = judged.policy.insufficient_evidence == "person"
        unsure = [v for v in verdicts if to_person and v.status is Status.INSUFFICIENT]
        failed = [v for v in verdicts if v.status is not Status.PASS and v not in unsure]
        data = {"verdicts": to_plain(verdicts), "candidate_id": candidate.id, "passed": not failed}
        if failed:
            names = "; ".join(f"{v.check.name} {v.status.replace('_', ' ')}" for v in failed)
            words = f"The gate refused the chosen candidate on the test part: {names}."
            words += words_of(self._evaluation(candidate.id, "validation"), failed)
            self.driver.evaluations.set_state(self.cycle.project_id, candidate.id, "refused")
            if candidate.method == "plain" and self._can_mitigate():
                self.driver.loops.move(self.cycle, "gate", words, stage=Stage.MITIGATE, data=data, cost_usd=cost)
            else:
                self.driver.loops.move(
                    self.cycle, "gate", words, stage=Stage.REFUSED, words=words, data=data, cost_usd=cost
                )
            return
        if judged.verdict.reasons:
            self._refuse(f"The policy does not let it go live: {_policy_words(judged.verdict)}", data)
            return
        version = self.driver.release.register(self.cycle, self.definition, candidate)
        words = f"All {len(verdicts)} gates passed on the test part; registered as {version.model} v{version.version}."
        if unsure:
            words = (f"The evidence does not settle {'; '.join(v.check.name for v in unsure)}, so a person decides; "
                     f"registered as {version.model} v{version.version}.")  # fmt: skip
        asked = required_approval(judged.policy, judged.facts)
        request = self._request(asked, version.id, judged.facts.authors) if asked else None
        self.driver.loops.move(self.cycle, "gate", words, data=data, approval=request, cost_usd=cost,
                               model_version_id=version.id, stage=Stage.APPROVE if request else Stage.ROLL_OUT)  # fmt: skip
        if request is not None:
            self._explain(version.id)

    def _explain(self, model_version_id: str) -> None:
        """Asked now, so that whoever decides finds it; what cannot be explained holds nothing up."""
        if not self.definition.data.sensitive:
            return
        try:
            self.driver.analyses.start(self.cycle.project_id, "explain", "model_version", model_version_id, {}, SERVER)
        except FairloopError as cause:
            log.warning("cycle %s: its model is not explained: %s", self.cycle.id, cause.message)

    # ------------------------------------------------------------------ approve
    def _request(self, asked: Approval, model_version_id: str, authors: list[str]) -> ApprovalRequest:
        return self.driver.loops.new_request(asked, project_id=self.cycle.project_id, cycle_id=self.cycle.id,
                                             model_version_id=model_version_id, author=self.cycle.author,
                                             authors=authors)  # fmt: skip

    def approve(self) -> None:
        requests = self.driver.loops.approvals(self.cycle.project_id, cycle_id=self.cycle.id)
        request = requests[0]
        if request.decision == "approved":
            judged = self.driver.loops.policies.of_cycle(self.cycle)
            if not judged.verdict.allowed:  # the policy changed since people were asked
                self.driver.release.decided(self.cycle, approved=False)
                self._refuse(f"The policy does not let it go live: {_policy_words(judged.verdict)}")
                return
            self.driver.release.decided(self.cycle, approved=True)
            self.driver.loops.move(self.cycle, "roll_out", "Approved: the rollout begins.", stage=Stage.ROLL_OUT)
        elif request.decision in {"refused", "expired"}:
            self.driver.release.decided(self.cycle, approved=False)
            words = (f"{request.decided_by} refused it: {request.reason}" if request.decision == "refused"
                     else "Nobody decided before the request expired.")  # fmt: skip
            self._refuse(words)


def _policy_words(verdict: PolicyVerdict) -> str:
    return " ".join([*verdict.reasons, *(f"It needs {need}." for need in verdict.needs)])


def _left_out_words(left_out: dict[str, str]) -> str:
    """Why a method that the policy names made no candidate."""
    said = [f" {name_of(method, None).capitalize()} was {why}." for method, why in left_out.items()]
    return "".join(said)
