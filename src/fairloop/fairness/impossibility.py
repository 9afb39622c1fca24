"""Criteria that no model can meet together, said in words with the numbers of the groups. Standard library only.

Where base rates differ, and answers are neither perfect nor worthless, equal precision and recall force unequal false
positive rates, equal error rates force unequal selection, and scores calibrated in each group cannot be balanced.

References
----------
Chouldechova, A. (2017). Fair prediction with disparate impact. Big Data 5, 153-163.
Kleinberg, J., Mullainathan, S., Raghavan, M. (2017). Inherent trade-offs in the fair determination of risk scores. ITCS.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_KIND = {
    "demographic_parity_ratio": "demographic_parity_difference",
    "equal_opportunity_difference": "equalized_odds_difference",
    "predictive_equality_difference": "equalized_odds_difference",
    "equalized_odds_ratio": "equalized_odds_difference",
    "average_odds_difference": "equalized_odds_difference",
    "average_absolute_odds_difference": "equalized_odds_difference",
    "false_discovery_rate_difference": "predictive_parity_difference",
    "false_omission_rate_difference": "predictive_parity_difference",
    "calibration_difference": "calibration_within_groups",
}
"""Metrics of the same criterion as another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """Two criteria that pull apart: with the first met exactly, the gap in the second is ``bound``."""

    met: str
    missed: str
    bound: float
    words: str
    source: str

    def about(self, metric: str) -> bool:
        """Whether a metric measures one of the two."""
        return _KIND.get(metric, metric) in {self.met, self.missed}

    def plain(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {"met": self.met, "missed": self.missed, "bound": self.bound, "words": self.words,
                "source": self.source}  # fmt: skip


def trade_offs(rows: Sequence[Mapping[str, Any]], base_rates: Mapping[str, Any] | None) -> list[TradeOff]:
    r"""What the base rates of these groups forbid.

    Parameters
    ----------
    rows : sequence of mappings
        Groups as ``GroupRates.plain()`` gives them and evaluations keep them: ``label_rate``, ``precision``,
        ``true_positive_rate`` and ``false_positive_rate``, each with its estimate.
    base_rates : mapping or None
        The ``label_rate_difference`` of the same groups. Nothing is said unless its ``low`` is above 0: base rates
        that may be equal forbid nothing.

    Returns
    -------
    list of TradeOff
        Of the two groups whose base rates lie furthest apart: :math:`FPR = \frac{p}{1-p}\frac{1-PPV}{PPV}TPR`
        (Chouldechova), :math:`P(\hat Y=1) = TPR\,p + FPR(1-p)`, and Kleinberg's theorem. Empty with perfect answers.
    """
    if not base_rates or not (base_rates.get("low") or 0.0) > 0:
        return []
    known = [row for row in rows if _of(row, "label_rate") is not None]
    pairs = list(itertools.combinations(known, 2))
    if not pairs:
        return []
    more, less = max((sorted(pair, key=lambda r: -(_of(r, "label_rate") or 0.0)) for pair in pairs),
                     key=lambda pair: (_of(pair[0], "label_rate") or 0.0) - (_of(pair[1], "label_rate") or 0.0))  # fmt: skip
    p, q = _of(more, "label_rate") or 0.0, _of(less, "label_rate") or 0.0
    names = str(more["group"]), str(less["group"])
    rates = f"The positive label is true for {_percent(p)} of {names[0]} and {_percent(q)} of {names[1]}"
    precision, recall = _mean(more, less, "precision"), _mean(more, less, "true_positive_rate")
    wrong = _mean(more, less, "false_positive_rate")
    found = []
    if precision and recall and precision < 1 and q > 0 and p < 1:
        odds = recall * (1 - precision) / precision
        forced = min(1.0, odds * p / (1 - p)), min(1.0, odds * q / (1 - q))
        words = (f"{rates}. With the same precision ({_percent(precision)}) and recall ({_percent(recall)}) for both, "
                 f"a model must wrongly select {_percent(forced[0])} of {names[0]} but {_percent(forced[1])} of {names[1]}: "
                 "predictive parity and equalized odds cannot both hold.")  # fmt: skip
        found.append(TradeOff(met="predictive_parity_difference", missed="equalized_odds_difference",
                              bound=abs(forced[0] - forced[1]), words=words, source="Chouldechova 2017"))  # fmt: skip
    if recall is not None and wrong is not None and recall != wrong:
        bound = abs(recall - wrong) * (p - q)
        words = (f"{rates}. With the same recall ({_percent(recall)}) and false positive rate ({_percent(wrong)}) for "
                 f"both, selection rates differ by {100 * bound:.1f} points: equalized odds and demographic parity cannot "
                 "both hold.")  # fmt: skip
        found.append(TradeOff(met="equalized_odds_difference", missed="demographic_parity_difference", bound=bound,
                              words=words, source="Kleinberg and others 2017"))  # fmt: skip
    if found and precision is not None and precision < 1:
        words = (f"{rates}. Scores that are calibrated for both groups average these rates, so they cannot also be equal on "
                 "average among those who should be selected and among those who should not: calibration within groups and "
                 "balance of scores cannot both hold.")  # fmt: skip
        found.append(TradeOff(met="calibration_within_groups", missed="equalized_odds_difference", bound=0.0,
                              words=words, source="Kleinberg and others 2017"))  # fmt: skip
    return found


def _of(row: Mapping[str, Any], rate: str) -> float | None:
    found = row.get(rate)
    value = found.get("estimate") if isinstance(found, Mapping) else found
    return None if value is None else float(value)


def _mean(one: Mapping[str, Any], other: Mapping[str, Any], rate: str) -> float | None:
    values = _of(one, rate), _of(other, rate)
    return None if values[0] is None or values[1] is None else (values[0] + values[1]) / 2


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
