"""The search: mitigations, their strengths and hyperparameters together, to a frontier of quality against the criteria.

One process, one seed, one order: equal data, plan and number of trials give the same trials. A budget of time or money
ends the same sequence sooner or later.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from fairloop.core import codec
from fairloop.core.mitigations import BY_NAME
from fairloop.core.tuning import Range, SearchPlan
from fairloop.errors import FairloopError, Refused
from fairloop.evaluation.repairs import Repairs
from fairloop.evaluation.trainer import Trainer
from fairloop.tables.table import Table
from fairloop.tuning.trials import Aim, Trial, undominated

KNOWN_REPAIRS = 4
"""So many settings keep their plain models and scores of unseen rows in memory."""
RANDOM_FIRST = 8
FAULTS = (FairloopError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError)
"""What a trainer raises at settings that do not suit it: the trial fails, the search goes on."""
Told = Callable[[Trial], None]


class Searcher:
    """One search.

    Parameters
    ----------
    trainer : Trainer
    valid : Table
        The validation part, which the trials are measured on.
    plan : SearchPlan
    methods : sequence of str
        Mitigations to draw from; ``plain`` is always one of them.
    aim : Aim
    attribute, criterion : str
        The sensitive attribute whose gap is closed (empty: only hyperparameters are searched), and the criterion that
        matters first.
    bindings : dict
        Parameter of the pipeline to the trainer's argument that it fills.
    usd_per_hour : float
        What this process costs by the price book, for a budget of money.
    """

    def __init__(self, trainer: Trainer, valid: Table, plan: SearchPlan, methods: Sequence[str], aim: Aim, *,
                 attribute: str = "", criterion: str = "demographic_parity_difference",
                 bindings: dict[str, str] | None = None, allow_attribute: bool = False,
                 usd_per_hour: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self._trainer, self._valid, self._plan, self._aim = trainer, valid, plan, aim
        self._methods = ["plain", *(m for m in dict.fromkeys(methods) if m != "plain")] if attribute else ["plain"]
        self._attribute, self._criterion, self._allowed = attribute, criterion, allow_attribute
        self._bindings = bindings or {found.name: found.name for found in plan.ranges}
        self._usd_per_hour, self._clock, self._began = usd_per_hour, clock, clock()
        self._repairs: OrderedDict[str, Repairs] = OrderedDict()
        self.trials: list[Trial] = []
        self.left_out: dict[str, str] = {}
        """Methods that cannot work here, each with the reason; drawn no more."""

    def run(self, told: Told | None = None, begun: Told | None = None) -> list[Trial]:
        """All trials until the budget is spent; ``begun`` and ``told`` hear of each before and after."""
        study = self._study()
        for method in [*self._methods, *self._methods[1:]]:
            study.enqueue_trial({"method": method})
        while not self.spent:
            drawn = study.ask()
            trial = self._draw(drawn)
            if begun is not None:
                begun(trial)
            self._attempt(trial)
            self.trials.append(trial)
            if trial.goodness:
                study.tell(drawn, list(trial.goodness))
                self._forget_beaten()
            else:
                study.tell(drawn, state=_failed())
            if told is not None:
                told(trial)
        return self.trials

    @property
    def spent(self) -> bool:
        budget, used = self._plan.budget, self._clock() - self._began
        if budget.trials is not None:
            return len(self.trials) >= budget.trials
        if not self.trials:
            return False
        if budget.seconds is not None:
            return used >= budget.seconds
        return used * self._usd_per_hour / 3600 >= (budget.usd or 0.0)

    # ------------------------------------------------------------------ one trial
    def _draw(self, drawn: Any) -> Trial:
        method = drawn.suggest_categorical("method", self._methods)
        number = len(self.trials)
        first = number < len(self._methods)  # each method once as it is, so that a short search has tried them all,
        far = not first and number < 2 * len(self._methods) - 1  # then once at its strongest: where the frontier ends
        settings = (
            {}
            if first or (far and method not in self.left_out)
            else {found.name: _suggested(drawn, found) for found in self._plan.ranges}
        )
        if method in self.left_out or method == "plain":
            return Trial(number=number, method="plain", strength=None, settings=settings)
        known = BY_NAME[method]
        low, high = known.range
        middle = next((s for s in known.sweep if s == 1.0), known.sweep[len(known.sweep) // 2])
        end = known.sweep[-1] if known.sweep[-1] is not None else low
        strength = (
            middle if first else end if far else drawn.suggest_float(f"strength of {method}", low, high, log=known.log)
        )
        return Trial(number=number, method=method, strength=strength, settings=settings)

    def _attempt(self, trial: Trial) -> None:
        began = self._clock()
        try:
            self._aim.score(trial, self._made(trial), self._valid)
        except Refused as cause:
            trial.error = cause.message
            if trial.method != "plain":
                self.left_out[trial.method] = f"not tried further: {cause.message}"
        except FAULTS as cause:
            trial.error = f"{type(cause).__name__}: {cause}"[:500]
        trial.seconds = self._clock() - began

    def _made(self, trial: Trial) -> Any:
        arguments = {self._bindings[name]: value for name, value in trial.settings.items()}
        if not self._attribute:
            return self._trainer.using(arguments).fit(self._trainer.table)
        key = codec.dumps(arguments)
        if key not in self._repairs:
            self._repairs[key] = Repairs(self._trainer.using(arguments), self._attribute, self._criterion,
                                         allow_attribute=self._allowed)  # fmt: skip
            while len(self._repairs) > KNOWN_REPAIRS:
                self._repairs.pop(next(key for key in self._repairs if key != "{}"))
        return self._repairs[key].make(trial.method, trial.strength)

    def _forget_beaten(self) -> None:
        """Only models on the frontier stay in memory."""
        kept = {trial.number for trial in undominated(self.trials)}
        for trial in self.trials:
            if trial.number not in kept:
                trial.model = None

    def _study(self) -> Any:
        try:
            import optuna  # only where something is searched
        except ImportError as cause:
            raise Refused("The search needs optuna; install it with: pip install 'fairloop[tune]'.") from cause
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(
            seed=self._plan.seed, n_startup_trials=2 * len(self._methods) + RANDOM_FIRST
        )
        return optuna.create_study(directions=["maximize"] * (1 + len(self._aim.criteria)), sampler=sampler)


def _suggested(drawn: Any, found: Range) -> Any:
    if found.choices:
        return drawn.suggest_categorical(found.name, found.choices)
    if found.whole:
        return drawn.suggest_int(found.name, int(found.low), int(found.high), log=found.log)
    return drawn.suggest_float(found.name, found.low, found.high, log=found.log)


def _failed() -> Any:
    from optuna.trial import TrialState

    return TrialState.FAIL
