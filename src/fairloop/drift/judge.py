"""Is the difference between a window and its reference more than chance, and more than trivial?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from fairloop.drift.calibrate import column_tests, combine
from fairloop.drift.distances import all_distances, excess_psi, paired_counts
from fairloop.errors import InvalidInput
from fairloop.stats.corrections import benjamini_hochberg

ALPHA = 0.05
MIN_EFFECT = 0.02
MIN_ROWS = 50
SEVERE = 100.0
METHOD = "two-sample tests on profiles, Benjamini-Hochberg over columns"

PASS, FAIL, INSUFFICIENT = "pass", "fail", "insufficient_evidence"  # core.checks.Status values

Profile = Mapping[str, Any]


def judge_drift(
    reference_profiles: Mapping[str, Profile],
    window_profiles: Mapping[str, Profile],
    alpha: float = ALPHA,
    *,
    min_effect: float = MIN_EFFECT,
    min_rows: int = MIN_ROWS,
) -> dict[str, Any]:
    """Judge every column of a window, and all of them together.

    A column has drifted when its p-value, corrected for the number of columns, is at most ``alpha`` **and**
    its effect reaches ``min_effect``: with many rows a trivial shift is certain, but still trivial. The
    effect is PSI above its expectation without drift; 0.02 is a shift of about 0.14 standard deviations, or
    of 6 points in a share of one half.

    Parameters
    ----------
    reference_profiles, window_profiles : mapping of column to profile
        From ``profile_reference`` and ``profile_window``.
    alpha : float
        Chance that a window without any drift fails, over all columns together.
    min_effect : float
        Smallest effect that matters, at least 0.
    min_rows : int
        Fewer rows in the window or the reference are insufficient evidence.

    Returns
    -------
    dict
        ``status``: "fail" if any column drifted, else "pass", or "insufficient_evidence"; ``estimate``:
        largest effect; ``n``: the window's rows; ``method``; ``p_value``: smallest corrected one;
        ``drifted``: columns, largest effect first; ``severe``: whether a drifted column's corrected p-value
        is at most ``alpha / 100``; ``columns``: per column ``kind``, ``status``, ``n``, ``p_value``,
        ``p_corrected``, ``effect``, ``tests``, ``distances``, ``bins`` (for text, ``features`` in place of
        the last two). Plain JSON values.

    Raises
    ------
    InvalidInput
        On an ``alpha`` outside (0, 1), a negative ``min_effect``, no column, or profiles that do not share
        bins.
    """
    if not 0 < alpha < 1:
        raise InvalidInput(f"alpha is {alpha!r}; give the accepted share of false alarms, such as 0.05.")
    if not min_effect >= 0:
        raise InvalidInput(f"min_effect is {min_effect!r}; give a number from 0 up, such as {MIN_EFFECT}.")
    names = [name for name in reference_profiles if name in window_profiles]
    if not names:
        raise InvalidInput("The window shares no column with the reference; profile it with this reference first.")
    columns = {name: _column(reference_profiles[name], window_profiles[name]) for name in names}
    enough = {name: min(reference_profiles[name]["n"], window_profiles[name]["n"]) >= min_rows for name in names}
    judged = [name for name in names if enough[name]]
    corrected = benjamini_hochberg([columns[name]["p_value"] for name in judged])
    for name, p_value in zip(judged, corrected, strict=True):
        drifted = p_value <= alpha and columns[name]["effect"] >= min_effect
        columns[name] |= {"p_corrected": p_value, "status": FAIL if drifted else PASS}
    failed = sorted((n for n in judged if columns[n]["status"] == FAIL), key=lambda n: -columns[n]["effect"])
    status = FAIL if failed else PASS if judged else INSUFFICIENT
    return {
        "status": status,
        "estimate": max((columns[name]["effect"] for name in judged), default=None),
        "low": None,
        "high": None,
        "n": max(window_profiles[name]["n"] for name in names),
        "method": METHOD,
        "alpha": alpha,
        "min_effect": min_effect,
        "p_value": min(corrected, default=None),
        "drifted": failed,
        "severe": any(columns[name]["p_corrected"] <= alpha / SEVERE for name in failed),
        "columns": columns,
    }


def _column(reference: Profile, window: Profile) -> dict[str, Any]:
    tests = column_tests(reference, window)
    column: dict[str, Any] = {
        "kind": reference["kind"],
        "status": INSUFFICIENT,
        "n": window["n"],
        "missing": window["missing"],
        "p_value": combine(tests),
        "p_corrected": None,
        "tests": tests,
    }
    if reference["kind"] == "text":
        features = {name: _drawn(known, window["features"][name]) for name, known in reference["features"].items()}
        return column | {"effect": max(part["effect"] for part in features.values()), "features": features}
    return column | _drawn(reference, window)


def _drawn(reference: Profile, window: Profile) -> dict[str, Any]:
    return {
        "effect": excess_psi(reference, window) or 0.0,
        "distances": all_distances(reference, window),
        "bins": bins_of(reference, window),
    }


def bins_of(reference: Profile, window: Profile) -> list[dict[str, Any]]:
    """What a chart draws: label, reference share and window share of each bin that holds rows."""
    first, second = paired_counts(reference, window)
    one, two = first.sum() or 1.0, second.sum() or 1.0
    labels = [*_labels(reference), "missing"]
    return [
        {"label": label, "reference": float(p / one), "window": float(q / two)}
        for label, p, q in zip(labels, first, second, strict=True)
        if p + q > 0
    ]


def _labels(reference: Profile) -> list[str]:
    if reference["kind"] == "category":
        return [*reference["categories"], "rare", "unseen"]
    edges = reference["edges"]
    if not edges:
        return ["all values"]
    middle = [f"{low:.4g} to {high:.4g}" for low, high in itertools.pairwise(edges)]
    return [f"up to {edges[0]:.4g}", *middle, f"above {edges[-1]:.4g}"]
