"""The kind ``data_bias``: which labels look wrongly recorded, and where the data is thin. Runs in a worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import Refused
from fairloop.evaluation.analysing import Subject
from fairloop.evaluation.data_bias_reference import Judged
from fairloop.evaluation.data_bias_regions import regions_of
from fairloop.fairness.coverage import Cover, coverage
from fairloop.fairness.label_bias import DIRECTIONS, LabelShift, label_bias, words
from fairloop.pipelines.context import Context

MOST_COVER = 40
ASSUMPTION = ("Told from how sure cases are labelled: a real difference between groups moves the border, wrong labels put a "
              "ceiling on sure cases too. It says where labels look wrong on the whole, never that one row is wrong; "
              "errors that fall on borderline cases alone are not seen.")  # fmt: skip


def data_bias(context: Context, subject: Subject, params: dict[str, Any]) -> dict[str, Any]:
    """Label bias per group and direction, and the groups and regions that are thin, of a dataset version."""
    judged = Judged.of(subject.table())
    attributes = judged.table.roles.sensitive
    if not attributes:
        raise Refused("The data names no sensitive attribute, so no groups can be compared; name one.")
    shifts = {name: shifts_of(judged, name, _tests(judged, attributes)) for name in attributes}
    regions, names = regions_of(judged)
    cover = {name: coverage(judged.labels, judged.table.sensitive[name], regions, names) for name in attributes}
    return {"words": told(shifts, cover), "rows": len(judged.table), "assumption": ASSUMPTION,
            "labels": {a: [s.plain() | {"words": words(a, s)} for s in found] for a, found in shifts.items()},
            "coverage": {a: [c.plain() for c in found[:MOST_COVER]] for a, found in cover.items()},
            "regions": names}  # fmt: skip


def shifts_of(judged: Judged, attribute: str, tests: int = 0) -> list[LabelShift]:
    """The labels of every group of ``attribute`` judged against the rest."""
    codes, names = judged.groups(attribute)
    scores = {name: judged.scores_of_rest(codes == place, judged.labels) if _judgeable(judged, codes == place)
              else np.zeros(len(codes)) for place, name in enumerate(names)}  # fmt: skip
    return label_bias(judged.labels, judged.table.sensitive[attribute], scores, tests=tests)


def _judgeable(judged: Judged, inside: npt.NDArray[np.bool_]) -> bool:
    """Whether both sides hold both answers, so that a model can be trained at all."""
    return all(0 < judged.labels[side].sum() < side.sum() for side in (inside, ~inside))


def _tests(judged: Judged, attributes: Sequence[str]) -> int:
    return sum(len(judged.groups(name)[1]) for name in attributes) * len(DIRECTIONS)


def told(shifts: dict[str, list[LabelShift]], cover: dict[str, list[Cover]]) -> str:
    """The finding in a few sentences."""
    found = [words(a, s) for a, listed in shifts.items() for s in listed if s.found]
    unknown = sorted({f"{a} {s.group}" for a, listed in shifts.items() for s in listed if s.state == "insufficient"})
    said = found or ["No group's labels look wrongly recorded."]
    if unknown:
        said.append(f"Too few labels to judge {', '.join(unknown[:6])}.")
    thin = [(a, c) for a, listed in cover.items() for c in listed if c.thin]
    if thin:
        attribute, worst = max(thin, key=lambda pair: pair[1].missing)
        said.append(f"{len(thin)} of {sum(map(len, cover.values()))} combinations of group and region are thin; the thinnest: "
                    f"{attribute} {worst.group} where {worst.region} ({worst.n} rows, {worst.missing} more wanted).")  # fmt: skip
    else:
        said.append("Every group has enough rows in every region that matters.")
    return " ".join(said)
