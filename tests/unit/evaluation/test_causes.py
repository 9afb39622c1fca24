"""Causes of a refusal in words, and what stands in for a sensitive attribute."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fairloop.core.checks import Check, Verdict, judge
from fairloop.evaluation.causes import causes, words_of
from fairloop.evaluation.stand_ins import marking_words, stand_ins

CHECK = Check(metric="equalized_odds_difference", at_most=0.1, by="sex")


def verdict(low: float, fpr: tuple[float, float], tpr: tuple[float, float] = (0.8, 0.8)) -> Verdict:
    groups = [{"group": g, "false_positive_rate": {"estimate": f}, "true_positive_rate": {"estimate": t}}
              for g, f, t in zip(("f", "m"), fpr, tpr, strict=True)]  # fmt: skip
    detail = {"groups": groups, "pair": ["f", "m"], "rate": "false_positive_rate"}
    return judge(CHECK, abs(fpr[0] - fpr[1]), low, 0.5, n=100, method="newcombe", detail=detail)


def test_the_rate_the_groups_and_the_stand_in_are_named() -> None:
    drivers = [{"column": "years", "low": 0.02, "tells": {"sex": 0.86}}, {"column": "noise", "low": -0.01, "tells": {"sex": 0.9}},
               {"column": "text", "low": 0.1, "words": {"sex": ["he"]}}]  # fmt: skip
    told = causes([verdict(0.2, (0.4, 0.1))], drivers)
    assert told == [
        "the false positive rate differs by sex: 40 % for 'f' against 10 % for 'm'.",
        "the column 'years' stands in for sex: it tells it apart in 86 of 100 pairs, and the model uses it.",
        "words in 'text' stand in for sex: 'he' mark it, and move the score.",
    ]


def test_both_rates_are_named_where_both_lie_apart() -> None:
    told = causes([verdict(0.2, (0.4, 0.1), (0.9, 0.7))], [])
    assert [t.split(" differs")[0] for t in told] == ["the false positive rate", "the true positive rate"]


def test_what_passed_or_cannot_be_told_has_no_cause() -> None:
    unsure = verdict(0.05, (0.2, 0.1))
    assert causes([unsure], [{"column": "years", "low": 0.02, "tells": {"sex": 0.9}}]) == []
    assert words_of(None) == ""


def test_columns_that_tell_the_attribute_are_found_and_others_are_not() -> None:
    draw = np.random.default_rng(0)
    sex = draw.random(2000) < 0.5
    X = pd.DataFrame({"years": 5 + 3 * sex + draw.normal(size=2000), "noise": draw.normal(size=2000)})
    groups = pd.DataFrame({"sex": np.where(sex, "f", "m")})
    found = stand_ins([{"column": "years", "low": 0.1}, {"column": "noise", "low": 0.1}], X, groups, np.zeros(2000))
    assert found[0]["tells"]["sex"] > 0.9
    assert "tells" not in found[1]


def test_words_that_mark_a_group_and_move_the_score_are_found() -> None:
    draw = np.random.default_rng(0)
    inland = draw.random(1500) < 0.4
    texts = pd.Series([f"{'finna' if g else 'going'} the {draw.choice(['cat', 'dog'])} {'now' if draw.random() < 0.5 else ''}"
                       for g in inland])  # fmt: skip
    groups = pd.Series(np.where(inland, "inland", "coastal"))
    assert set(marking_words(texts, groups, np.where(inland, 0.8, 0.2))) == {"finna", "going"}
    assert marking_words(texts, groups, draw.random(1500)) == []
    assert marking_words(texts, pd.Series(["one"] * 1500), draw.random(1500)) == []
