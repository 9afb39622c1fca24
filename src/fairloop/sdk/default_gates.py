"""The gates to begin with, when nobody has written a policy yet."""

from __future__ import annotations

from collections.abc import Sequence

from fairloop.core.checks import Check
from fairloop.errors import InvalidInput

SELECTION = 0.2
"""Largest difference in the share selected: wide, for base rates may differ for a reason."""
ERRORS = 0.15
"""Largest difference in how often the answer is wrong, where the truth is known."""
PROBED = 0.15
"""Largest change of the score that a concept or a swapped word may bring."""
SEVERE = 0.05
"""Largest share of severe answers on weak evidence, without a person."""
_BECAUSE = "a default of Fairloop; say what your policy asks, and why"


def default_gates(*, sensitive: Sequence[str] = (), task: str = "binary", concepts: Sequence[str] = (),
                  terms: Sequence[str] = (), severe: bool = False) -> list[Check]:  # fmt: skip
    """Gates for a loop whose policy is not written yet: put them first in ``gates=[...]``, then tighten them.

    Parameters
    ----------
    sensitive : sequence of str
        For each attribute: who is selected, and on whom errors fall. For regression: mean answer and mean error are
        in the target's own units, so there is no default limit, and you are told so.
    task : {"binary", "multiclass", "regression"}
    concepts, terms : sequence of str
        Names of the loop's ``concepts`` and ``terms``, whose influence is limited.
    severe : bool
        A positive answer does harm (an arrest, a ban): those on weak evidence must go to a person.

    Examples
    --------
    >>> [check.name for check in default_gates(sensitive=["sex"])]
    ['demographic_parity_difference by sex', 'equalized_odds_difference by sex']
    """
    if task not in {"binary", "multiclass", "regression"}:
        raise InvalidInput(f"task={task!r}; it is one of binary, multiclass, regression.")
    if isinstance(sensitive, str):
        raise InvalidInput(f"sensitive={sensitive!r}: give a list, for example [{sensitive!r}].")
    if task == "regression" and sensitive:
        raise InvalidInput("A gap between groups of a number is in the number's own units, so it has no default limit; write "
                           "fl.gate('mean_absolute_error_difference', at_most=..., by=...).")  # fmt: skip
    if severe and task != "binary":
        raise InvalidInput(f"severe=True is for a yes or no answer, not for task={task!r}.")
    found = []
    for attribute in sensitive:
        found.append(Check(metric="demographic_parity_difference", at_most=SELECTION, by=attribute, because=_BECAUSE))
        found.append(Check(metric="equalized_odds_difference", at_most=ERRORS, by=attribute, because=_BECAUSE))
    found += [Check(metric="concept_influence", at_most=PROBED, by=name, because=_BECAUSE) for name in concepts]
    found += [Check(metric="identity_swap_gap", at_most=PROBED, by=name, because=_BECAUSE) for name in terms]
    if severe:
        found.append(Check(metric="severe_on_weak_evidence", at_most=SEVERE, because=_BECAUSE))
    return found
