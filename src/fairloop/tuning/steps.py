"""The step that searches: every trial a tracked run, the frontier's models registered as candidates of the cycle."""

from __future__ import annotations

import time
from typing import Any

from fairloop.core.checks import GROUP_METRICS, Check
from fairloop.core.clock import Clock
from fairloop.core.mitigations import words_of
from fairloop.core.records import from_plain
from fairloop.core.runs import Metric, RunStatus
from fairloop.core.tuning import SearchPlan
from fairloop.evaluation.steps import register
from fairloop.evaluation.trainer import Trainer
from fairloop.pipelines import functions
from fairloop.pipelines.context import Context, current
from fairloop.tables.table import Table
from fairloop.tuning.search import Searcher
from fairloop.tuning.trials import Aim, Trial, spread, undominated

KEPT = 8
"""Candidates of a search: each is judged with all its evidence."""
NEWS_S = 5.0


def search(trainer: dict[str, str], arguments: dict[str, Any], valid: Table, plan: dict[str, Any], methods: list[str],
           checks: list[Any], bindings: dict[str, str], allow_attribute: bool = False, usd_per_hour: float = 0.0,
           probes: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
    """Search, register the frontier as candidates, and tell what was tried."""
    context, asked, began = current(), from_plain(list[Check], checks), time.monotonic()
    hook = Trainer(functions.load(trainer, context.client.blobs), arguments)
    first = next((check for check in asked if check.metric in GROUP_METRICS), None)
    attribute = (
        "&".join(first.attributes) if first is not None and first.by else next(iter(hook.table.roles.sensitive), "")
    )
    space = from_plain(SearchPlan, plan)
    aim = Aim.of(asked, hook.table.task, attribute if methods else "")
    searcher = Searcher(hook, valid, space, methods, aim, attribute=attribute if methods else "",
                        criterion=first.metric if first is not None else "demographic_parity_difference",
                        bindings=bindings, allow_attribute=allow_attribute, usd_per_hour=usd_per_hour)  # fmt: skip
    news = News(context, searcher, aim, began)
    searcher.run(news.done, news.begun)
    kept = spread([t for t in undominated(searcher.trials) if t.method != "plain" or t.settings], KEPT)
    for slot, trial in enumerate(kept, start=1):
        assert trial.model is not None  # noqa: S101  # the frontier's models are in memory
        register(context, trial.model, valid, asked, trial.method, trial.strength, probes, slot=slot, settings=trial.settings,
                 run_id=trial.run_id)  # fmt: skip
        trial.kept = True
    words = _words(searcher, space, kept, time.monotonic() - began)
    news.say(words)
    return {"words": words, "trials": [trial.plain() for trial in searcher.trials], "left_out": searcher.left_out,
            "quality": aim.quality, "criteria": list(aim.criteria)}  # fmt: skip


class News:
    """Tells of a search while it goes on: a run per trial, the step's log, and now and then the cycle's timeline."""

    def __init__(self, context: Context, searcher: Searcher, aim: Aim, began: float) -> None:
        self._context, self._searcher, self._aim, self._began = context, searcher, aim, began
        self._last = began

    def begun(self, trial: Trial) -> None:
        settings = {name: str(value) for name, value in trial.settings.items()}
        strength = {} if trial.strength is None else {"strength": f"{trial.strength:g}"}
        run = self._context.client.runs.create(
            experiment="search", name=f"trial {trial.number}: {trial.name}"[:200],
            params={"method": trial.method} | strength | settings,
            tags={"cycle_id": self._context.cycle_id or "", "pipeline_run_id": self._context.pipeline_run_id},
        )  # fmt: skip
        trial.run_id = run.id

    def done(self, trial: Trial) -> None:
        assert trial.run_id is not None  # noqa: S101  # begun has set it
        runs, now = self._context.client.runs, Clock().now_ms()
        runs.log(trial.run_id, metrics=[Metric(key=k, value=v, timestamp_ms=now) for k, v in trial.metrics.items()])
        runs.finish(trial.run_id, RunStatus.FAILED if trial.error else RunStatus.FINISHED, reason=trial.error)
        told = ", ".join(f"{k} {v:.4f}" for k, v in trial.metrics.items()) or f"failed: {trial.error}"
        print(f"trial {trial.number}: {trial.name}: {told} ({trial.seconds:.1f} s)", flush=True)  # noqa: T201  # the step's log
        if time.monotonic() - self._last >= NEWS_S:
            self._last = time.monotonic()
            best = max((t for t in self._searcher.trials if t.goodness), key=lambda t: t.goodness[0], default=trial)
            front = len(undominated(self._searcher.trials))
            quality = best.metrics.get(self._aim.quality)
            shown = (
                f"; the best {self._aim.quality.replace('_', ' ')} so far is {quality:.3f}"
                if quality is not None
                else ""
            )
            self.say(f"{len(self._searcher.trials)} trials in {self._last - self._began:.0f} s, {front} of them on the "
                     f"frontier{shown}.")  # fmt: skip

    def say(self, words: str) -> None:
        if self._context.cycle_id is not None:
            self._context.client.cycles.note(self._context.cycle_id, "search", words)


def _words(searcher: Searcher, plan: SearchPlan, kept: list[Trial], seconds: float) -> str:
    tried = [trial for trial in searcher.trials if trial.goodness]
    methods = list(dict.fromkeys(words_of(trial.method) for trial in tried))
    names = ", ".join(found.name for found in plan.ranges)
    varied = f", with {names} varied" if names else ""
    failed = f"; {len(searcher.trials) - len(tried)} failed" if len(tried) < len(searcher.trials) else ""
    return (f"{len(searcher.trials)} trials of {_listed(methods)}{varied} took {seconds:.0f} s{failed}; {len(kept)} that no "
            "other trial beats everywhere became candidates beside the plain model.")  # fmt: skip


def _listed(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts) or "nothing"
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
