"""The kind ``prescription``: which rows to look at again and which to collect, and what that would do to a gap.

Every number comes from training the reference model again on labels as they may turn out. Runs in a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.core import codec
from fairloop.errors import InvalidInput, Refused
from fairloop.evaluation.analysing import Subject
from fairloop.evaluation.data_bias import shifts_of
from fairloop.evaluation.data_bias_reference import MOST_ROWS, Judged
from fairloop.evaluation.data_bias_regions import regions_of
from fairloop.fairness.coverage import Cover, coverage
from fairloop.fairness.gaps import GAPS, Gap
from fairloop.fairness.label_bias import LabelShift, flip_curve, words
from fairloop.fairness.prescription import (
    Promise,
    by_expected_effect,
    gap_pull,
    leaf_influence,
    promise,
    promises,
    worthwhile,
)
from fairloop.pipelines.context import Context
from fairloop.stats.arrays import Bools, Floats
from fairloop.tables.table import Table

DRAWS = 16
MOST_ITEMS = 1000
LEAST_ITEMS = 20
STEPS = (0.5, 1.0, 2.0, 4.0)
"""Sizes that are tried, as multiples of how many labels are expected to be wrong."""
_METRICS = sorted(name for name, metric in GAPS.items() if metric.form == "difference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``relabel`` fixes the number of rows; ``target`` asks for the fewest rows that bring the gap there."""

    by: str
    metric: str = "demographic_parity_difference"
    relabel: int | None = None
    target: float | None = None
    draws: int = DRAWS

    @classmethod
    def of(cls, params: dict[str, Any], table: Table) -> Asked:
        if unknown := set(params) - {"by", "metric", "relabel", "target", "draws"}:
            raise InvalidInput(
                f"A prescription has no parameter {min(unknown)!r}; give by, metric, relabel, target or draws."
            )
        if not table.roles.sensitive:
            raise Refused("The data names no sensitive attribute, so there is no gap to close; name one.")
        asked = cls(by=params.get("by") or table.roles.sensitive[0],
                    **{name: value for name, value in params.items() if name != "by" and value is not None})  # fmt: skip
        if asked.metric not in _METRICS:
            raise InvalidInput(f"metric={asked.metric!r}; a prescription is made for one of {', '.join(_METRICS)}.")
        if asked.relabel is not None and not 1 <= asked.relabel <= MOST_ITEMS:
            raise InvalidInput(f"relabel={asked.relabel}; give 1 to {MOST_ITEMS} rows.")
        if not 8 <= asked.draws <= 200:
            raise InvalidInput(f"draws={asked.draws}; give 8 to 200.")
        return asked


def prescription(context: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """The prescription for a dataset version: rows by expected effect, promises, what to collect."""
    table = subject.table()
    asked = Asked.of(params, table)
    judged = Judged.of(table)
    made = prescribe(judged, asked)
    rows = made.order[: made.chosen.relabel] if made.chosen is not None else made.order[:0]
    items = codec.dumps(items_of(judged, rows)).encode()
    return {
        "words": told(asked, made), "by": asked.by, "metric": asked.metric, "now": made.now, "pair": list(made.pair),
        "found": [s.plain() | {"words": words(asked.by, s)} for s in made.shifts if s.found],
        "promises": [p.plain() for p in made.promises], "promise": made.chosen.plain() if made.chosen else None,
        "together": made.together.plain() if made.together else None,
        "collect": [c.plain() for c in made.collect], "rows": len(judged.table), "sampled": len(table) > MOST_ROWS,
        "items": {"sha256": context.client.blobs.put(items), "count": len(rows)},
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """``order`` are places of rows by expected effect; ``chances`` how likely each label is wrong."""

    now: float
    pair: tuple[str, str]
    shifts: list[LabelShift]
    order: npt.NDArray[np.intp]
    chances: Floats
    promises: list[Promise]
    chosen: Promise | None
    together: Promise | None
    collect: list[Cover]


def prescribe(judged: Judged, asked: Asked) -> Prescription:
    """Everything a prescription says, from the rows and what was asked."""
    random = np.random.default_rng(0)
    codes, names = judged.groups(asked.by)
    gap = measured_gap(judged, asked, judged.labels)
    if gap.estimate is None or gap.pair is None:
        raise Refused(f"There are too few rows by {asked.by} to tell the gap between groups; collect more first.")
    high, low = (codes == names.index(g) if g in names else codes >= 0 for g in gap.pair)
    shifts = shifts_of(judged, asked.by)
    chances, draws = _drawn(judged, codes, names, [s for s in shifts if s.found], asked.draws, random)
    order = by_expected_effect(chances, judged.labels, _influence(judged, high, low))
    sizes = [asked.relabel] if asked.relabel else _sizes(float(chances.sum()), len(order))
    found = promises(judged.labels, draws, order, [n for n in sizes if n <= len(order)],
                     lambda labels: _estimate(measured_gap(judged, asked, labels))) if draws else []  # fmt: skip
    chosen = (found[0] if found else None) if asked.relabel else worthwhile(found, target=asked.target)
    regions, told_regions = regions_of(judged)
    cover = coverage(judged.labels, judged.table.sensitive[asked.by], regions, told_regions)
    thin = [c for c in cover if c.thin and c.group in gap.pair][:3]
    together = None
    if chosen is not None and thin:
        together = _together(judged, asked, order[: chosen.relabel], draws, (codes, names, regions, told_regions), thin,
                             chosen)  # fmt: skip
    return Prescription(now=gap.estimate, pair=gap.pair, shifts=shifts, order=order, chances=chances, promises=found,
                        chosen=chosen, together=together, collect=thin)  # fmt: skip


def measured_gap(judged: Judged, asked: Asked, labels: Bools, extra: Bools | None = None) -> Gap:
    """The gap of the reference model that learns ``labels``; ``extra`` rows teach and are not judged."""
    scores, _ = judged.halves(labels, extra)
    groups = judged.table.sensitive[asked.by]
    if extra is not None:
        return GAPS[asked.metric](labels[~extra], scores[~extra] >= 0.5, groups[~extra])
    return GAPS[asked.metric](labels, scores >= 0.5, groups)


def _estimate(gap: Gap) -> float:
    if gap.estimate is None:
        raise Refused("With these labels the gap could not be told any more; there are too few rows of one answer.")
    return gap.estimate


def _drawn(judged: Judged, codes: npt.NDArray[np.intp], names: Sequence[str], found: Sequence[LabelShift], count: int,
           random: np.random.Generator) -> tuple[Floats, list[Bools]]:  # fmt: skip
    """P(wrong) of each label, and draws of which are, from the groups whose labels look wrong."""
    chances, draws = np.zeros(len(codes)), [np.zeros(len(codes), dtype=np.bool_) for _ in range(count)]
    for group in dict.fromkeys(s.group for s in found):
        inside = codes == names.index(group)
        scores = judged.scores_of_rest(inside, judged.labels)
        curve, fit = flip_curve(judged.labels, scores, inside, [s.direction for s in found if s.group == group])
        thetas = curve.draws(fit, 8 * count, random)
        each = [curve.flip_chances(theta, fit.free, judged.labels, scores, inside) for theta in thetas]
        chances += np.mean(each, axis=0)
        for draw, chance in zip(draws, each, strict=False):
            draw |= random.random(len(codes)) < chance
    return chances, draws if found else []


def _influence(judged: Judged, high: Bools, low: Bools) -> Floats:
    """What a positive label of each row does to the gap, through the model of its half."""
    scores, models = judged.halves(judged.labels)
    pull, found = gap_pull(scores, high, low), np.zeros(len(scores))
    for side, model in zip((False, True), models, strict=True):
        tested = judged.half == side
        leaves = np.asarray(model.predict(judged.matrix, pred_leaf=True), dtype=np.intp).reshape(len(scores), -1)
        found[~tested] = leaf_influence(leaves[~tested], leaves[tested], pull[tested])
    return found


def _sizes(expected: float, candidates: int) -> list[int]:
    most = min(candidates, MOST_ITEMS)
    tried = (min(most, max(LEAST_ITEMS, round(expected * step, -1 if expected > 50 else None))) for step in STEPS)
    return sorted({int(n) for n in tried if n > 0})


def _together(judged: Judged, asked: Asked, looked: npt.NDArray[np.intp], draws: Sequence[Bools],
              where: tuple[npt.NDArray[np.intp], list[str], npt.NDArray[np.intp], list[str]], thin: Sequence[Cover],
              alone: Promise) -> Promise:  # fmt: skip
    """The promise with the wanted rows collected too: drawn again from those that are there, with right labels."""
    codes, names, regions, told_regions = where
    random, gaps, wanted = np.random.default_rng(1), [], sum(c.missing for c in thin)
    count = len(judged.labels)
    for draw in draws:
        picked = [random.choice(pool, c.missing) for c in thin if len(pool := np.flatnonzero(
            (codes == names.index(c.group)) & (regions == told_regions.index(c.region))))]  # fmt: skip
        if not picked:
            continue
        places = np.concatenate([np.arange(count), *picked])
        grown = Judged(judged.table.take(places))
        labels = judged.labels.copy()
        labels[looked] ^= draw[looked]
        labels = np.concatenate([labels, *[judged.labels[p] ^ draw[p] for p in picked]])
        extra = np.arange(len(places)) >= count
        gaps.append(_estimate(measured_gap(grown, asked, labels, extra)))
    if len(gaps) < len(draws):
        return alone
    return promise(gaps, now=alone.now, relabel=len(looked), collect=wanted, wrong=alone.wrong)


def items_of(judged: Judged, rows: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
    """What a labeller sees of each row: its features, never a sensitive value and never the label it has."""
    table, ids = judged.table, judged.table.row_ids
    shown = table.frame.select(table.features)[rows].to_dicts()
    return [{"row_id": int(ids[row]), "values": {name: plain(v) for name, v in values.items()}}
            for row, values in zip(rows, shown, strict=True)]  # fmt: skip


def plain(value: Any) -> Any:
    """A cell as JSON."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def told(asked: Asked, made: Prescription) -> str:
    """The prescription in a sentence or two."""
    metric = asked.metric.replace("_", " ")
    if made.chosen is None:
        if not any(s.found for s in made.shifts):
            said = f"No labels by {asked.by} look wrong, so labelling rows again promises nothing for the {metric} of {made.now:.2f}."
        else:
            said = f"Labelling rows again would not clearly change the {metric} of {made.now:.2f}."
    else:
        best = made.chosen
        said = (f"Relabel {best.relabel} rows, of which about {best.wrong:.0f} are recorded wrongly: the {metric} falls from "
                f"{best.now:.2f} to {best.estimate:.2f} [{best.low:.2f}, {best.high:.2f}].")  # fmt: skip
    if not made.collect:
        return said
    like = "; ".join(f"{c.missing} of {asked.by} {c.group} where {c.region}" for c in made.collect)
    after = ""
    if made.together is not None and made.together.collect:
        after = f": together the gap comes to {made.together.estimate:.2f} [{made.together.low:.2f}, {made.together.high:.2f}]"
    return f"{said} Collect {like}{after}."
