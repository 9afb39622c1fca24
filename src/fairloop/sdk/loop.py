"""The Loop a user writes in loop.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fairloop.core.checks import Check
from fairloop.core.concepts import Concept, Terms
from fairloop.core.cycles import Cycle, CycleEvent, Stage
from fairloop.core.loops import Canary, Data, LoopDefinition
from fairloop.core.policy import Approval, Policy
from fairloop.core.records import to_plain
from fairloop.core.tuning import SearchPlan
from fairloop.errors import InvalidInput
from fairloop.sdk.pipeline import Pipeline

if TYPE_CHECKING:
    from fairloop.client.client import Client


class Loop:
    """One definition of data, pipeline, gates, mitigations, approval, rollout and monitors.

    Parameters
    ----------
    name : str
        The loop's name; its model and its endpoint bear it too.
    data : fairloop.Data
        What it learns from.
    pipeline : fairloop.pipeline
        A pipeline that takes one ``fl.Table`` and ends in ``fl.candidate(model, valid, test)``.
    goal : str
        What it is for, in plain words.
    gates : list of fairloop.gate
        What every candidate must pass.
    mitigate : list of str
        What may be tried when a fairness gate fails, such as reweighing or gap_penalty.
    search : fairloop.Search, optional
        Hyperparameters and a budget to search over, together with the strengths of ``mitigate``.
    allow_attribute_at_prediction : bool
        Whether a repaired model may be told the sensitive attribute of the person it judges; the policy must allow it
        too.
    approval : fairloop.Approval, optional
        Who must say yes. Without it a candidate that passes goes live; one that an alert started still waits for a
        person unless ``on_alert="auto"``.
    rollout : fairloop.Canary
        How traffic moves to a new version.
    watch : list
        Checks over live traffic: Drift(), Bias(...), Performance(...), Resources(...).
    watch_every : str
        How often windows are judged, for example ``"5m"``.
    window : int
        Predictions in a window, 50 or more.
    on_alert : {"notify", "propose", "auto"}
        What a failing watch does: tell; train and judge a candidate; or that and go live when every gate passes.
    policy : fairloop.Policy, optional
        The loop's own policy, for example ``fl.read_policy(open("policy.yaml").read())``; ``fairloop run`` reads a
        ``policy.yaml`` beside the file. It adds to the project's policy and never takes away.
    primary : str, optional
        The fairness criterion that decides between candidates; by default the first fairness gate.
    concepts : list of fairloop.Concept
        What a network is tested for: ``fl.gate("concept_influence", at_most=0.1, by=NAME)`` asks about one.
    terms : list of fairloop.Terms
        Words for groups that are swapped in texts: ``fl.gate("identity_swap_gap", at_most=0.05, by=NAME)``.
    """

    def __init__(self, name: str, *, data: Data, pipeline: Pipeline, goal: str = "", gates: list[Check] | None = None,
                 mitigate: list[str] | None = None, approval: Approval | None = None, rollout: Canary | None = None,
                 watch: list[Check] | None = None, watch_every: str = "5m", window: int = 1000,
                 on_alert: str = "propose", primary: str | None = None, concepts: list[Concept] | None = None,
                 terms: list[Terms] | None = None, search: SearchPlan | None = None,
                 allow_attribute_at_prediction: bool = False, policy: Policy | None = None) -> None:  # fmt: skip
        if not isinstance(pipeline, Pipeline):
            raise InvalidInput(f"pipeline={pipeline!r} is not a pipeline; decorate the function with @fl.pipeline.")
        _check_kinds(name=(name, str, "text"), data=(data, Data, "fl.Data(...)"), window=(window, int, "a whole number"),
                     watch_every=(watch_every, str, "text such as '5m'"), approval=(approval, Approval, "fl.Approval(...)"),
                     rollout=(rollout, Canary, "fl.Canary(...)"), search=(search, SearchPlan, "fl.Search(...)"),
                     policy=(policy, Policy, "fl.Policy(...), or fl.read_policy(text)"))  # fmt: skip
        _check_lists(gates=(gates, Check, "fl.gate(...)"), watch=(watch, Check, "fl.Drift(), fl.Bias(...)"),
                     mitigate=(mitigate, str, "names, such as 'reweighing'"),
                     concepts=(concepts, Concept, "fl.Concept(...)"), terms=(terms, Terms, "fl.Terms(...)"))  # fmt: skip
        self.pipeline = pipeline
        self.definition = LoopDefinition(
            name=name, data=data, goal=goal, gates=gates or [], mitigate=mitigate or [], approval=approval,
            rollout=rollout or Canary(), watch=watch or [], watch_every=watch_every, window=window, on_alert=on_alert,
            primary=primary, concepts=concepts or [], terms=terms or [], search=search,
            allow_attribute_at_prediction=allow_attribute_at_prediction, policy=policy)  # fmt: skip

    @property
    def name(self) -> str:
        return self.definition.name

    def register(self, client: Client, *, python: str | None = None) -> int:
        """Tell the server; returns the definition's version, a new one only when something changed."""
        graph, capture = self.pipeline.prepare(client, python=python)
        definition = self.definition
        if any(concept.data or concept.against for concept in definition.concepts):
            from fairloop.datasets.publish import pinned_concepts  # reads tables: only when needed

            definition = replace(definition, concepts=pinned_concepts(client, definition.concepts))
        return client.loops.register(to_plain(definition), to_plain(graph), to_plain(capture)).version

    def start(self, client: Client, *, words: str = "") -> Cycle:
        """Register the loop and its data, then begin a cycle; answers at once."""
        from fairloop.datasets.publish import ensure  # reads tables: only when needed
        from fairloop.loops.check import check_loop

        check_loop(self.definition, self.pipeline.outline())  # before anything is sent: a mistake changes nothing
        dataset = ensure(client, self.definition.data)
        self.register(client)
        return client.loops.start(self.name, dataset.id, words=words)

    def run(self, client: Client | None = None, *, on_event: Callable[[CycleEvent], None] | None = None,
            wait_for_approval: bool = False) -> Cycle:  # fmt: skip
        """Turn the loop once and follow it until it is over, or until a person must decide.

        Without a client the server of the working folder is found or started.
        """
        if client is None:
            from fairloop.sdk.session import connect  # starts a server: only when needed

            client = connect()
        cycle = self.start(client)
        stops: tuple[Stage, ...] = () if wait_for_approval else (Stage.APPROVE,)
        return client.cycles.follow(cycle.id, on_event or _print_event, until=stops)

    def __repr__(self) -> str:
        return f"Loop({self.name!r}, pipeline={self.pipeline.name!r}, gates={len(self.definition.gates)})"

    def _repr_html_(self) -> str:
        from html import escape  # notebooks only

        gates = "".join(f"<li>{escape(check.question)}</li>" for check in self.definition.gates)
        return f"<b>Loop {escape(self.name)}</b><p>{escape(self.definition.goal)}</p><ul>{gates}</ul>"


def _check_kinds(**given: tuple[Any, type, str]) -> None:
    for name, (value, kind, wanted) in given.items():
        optional = value is None and name in {"approval", "rollout", "search", "policy"}
        if not optional and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InvalidInput(f"{name}={value!r}: give {wanted}.")


def _check_lists(**given: tuple[Any, type, str]) -> None:
    for name, (value, kind, wanted) in given.items():
        if value is not None and not (isinstance(value, list) and all(isinstance(part, kind) for part in value)):
            raise InvalidInput(f"{name}={value!r}: give a list of {wanted}.")


def _print_event(event: CycleEvent) -> Any:
    print(f"  {event.kind:<18} {event.text}")  # noqa: T201  # progress for people at a terminal
