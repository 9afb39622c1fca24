"""Every mitigation by name: when it acts, for which answers it is defined, and whether it must see the attribute."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.errors import Refused

BEFORE, DURING, AFTER = "before", "during", "after"
ALL_TASKS = ("binary", "multiclass", "regression")
ATTRIBUTE_REASON = "not tried: needs the attribute at prediction time, the policy does not allow it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mitigation:
    """One way to repair a model.

    ``sweep`` is what a loop without a search tries (None: one setting only), ``range`` what a search draws a strength
    from. ``needs_attribute`` means that the repaired model must be told the sensitive attribute of everyone it judges.
    """

    name: str
    words: str
    stage: str
    sweep: tuple[float | None, ...]
    range: tuple[float, float]
    tasks: tuple[str, ...] = ("binary",)
    needs_attribute: bool = False
    log: bool = False
    """Whether a search draws the strength on a logarithmic scale."""


_LIST = (
    Mitigation(name="reweighing", words="reweighing", stage=BEFORE, tasks=ALL_TASKS,
               sweep=(0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0), range=(0.1, 2.5)),
    Mitigation(name="resampling", words="resampling", stage=BEFORE, tasks=ALL_TASKS, sweep=(0.5, 1.0, 1.5),
               range=(0.1, 2.0)),
    Mitigation(name="preferential_sampling", words="preferential sampling", stage=BEFORE, sweep=(0.5, 1.0),
               range=(0.1, 1.5)),
    Mitigation(name="massaging", words="label massaging", stage=BEFORE, sweep=(0.5, 1.0), range=(0.1, 1.5)),
    Mitigation(name="correlation_removal", words="correlation removal", stage=BEFORE, tasks=ALL_TASKS,
               sweep=(0.5, 1.0), range=(0.1, 1.0)),
    Mitigation(name="disparate_impact_repair", words="disparate impact repair", stage=BEFORE, tasks=ALL_TASKS,
               sweep=(0.5, 1.0), range=(0.1, 1.0), needs_attribute=True),
    Mitigation(name="exponentiated_gradient", words="exponentiated gradient", stage=DURING, sweep=(None,),
               range=(0.005, 0.1), log=True),
    Mitigation(name="grid_search", words="grid search over prices", stage=DURING, sweep=(0.1, 0.2, 0.3),
               range=(0.02, 0.45)),
    Mitigation(name="gap_penalty", words="gap penalty inside LightGBM", stage=DURING, sweep=(3.0, 10.0, 30.0, 80.0),
               range=(0.5, 200.0), tasks=("binary", "regression"), log=True),
    Mitigation(name="adversarial", words="adversarial network", stage=DURING, sweep=(0.5, 1.0, 1.5),
               range=(0.1, 2.5)),
    Mitigation(name="threshold_optimizer", words="threshold optimizer", stage=AFTER, sweep=(0.5, 0.75, 1.0),
               range=(0.05, 1.0)),
    Mitigation(name="reject_option", words="reject option", stage=AFTER, sweep=(0.5, 1.0), range=(0.05, 1.0),
               needs_attribute=True),
    Mitigation(name="calibrated_scores", words="scores calibrated by group", stage=AFTER, sweep=(1.0,), range=(0.1, 1.0),
               needs_attribute=True),
    Mitigation(name="calibrated_equalized_odds", words="calibrated equalized odds", stage=AFTER, sweep=(1.0,),
               range=(0.1, 1.0), needs_attribute=True),
)  # fmt: skip
BY_NAME = {found.name: found for found in _LIST}
MITIGATIONS = tuple(BY_NAME)


def words_of(method: str) -> str:
    """``label massaging``; the plain model is called that."""
    if method == "plain":
        return "the plain model"
    return BY_NAME[method].words if method in BY_NAME else method.replace("_", " ")


def require_task(method: str, task: str, target: str | None = None) -> None:
    """Refused when ``method`` is not defined for this kind of answer; the message says for which it is."""
    known = BY_NAME[method]
    if task in known.tasks:
        return
    able = [found.name for found in _LIST if task in found.tasks]
    raise Refused(f"{known.words} is defined for {' and '.join(known.tasks)} targets; {target or 'the target'!r} is {task}. "
                  f"For it there are: {', '.join(able)}.")  # fmt: skip
