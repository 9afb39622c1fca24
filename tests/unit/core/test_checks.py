"""The catalogue of metrics, and what a check may ask."""

import pytest

from fairloop.core import checks
from fairloop.core.checks import CONDITIONAL, GROUP_METRICS, HIGHER_IS_BETTER, LOWER_IS_BETTER, METRICS, WORDS, Check
from fairloop.core.loops import Bias, Data, LoopDefinition
from fairloop.errors import InvalidInput


def test_every_metric_has_words_and_a_direction() -> None:
    assert set(WORDS) == METRICS
    assert not HIGHER_IS_BETTER & LOWER_IS_BETTER
    assert GROUP_METRICS <= METRICS
    assert set(checks.CRITERIA) <= GROUP_METRICS
    for name in METRICS:
        by = None if name not in GROUP_METRICS | checks.PROBED else "sex|job" if name in CONDITIONAL else "sex"
        question = Check(metric=name, at_most=1, by=by).question
        assert question.startswith("Is the ")
        assert question.endswith("?")


def test_by_names_one_attribute_several_or_strata() -> None:
    one = Check(metric="accuracy_difference", at_most=0.1, by="sex")
    both = Check(metric="accuracy_difference", at_most=0.1, by="sex & race")
    within = Check(metric="conditional_label_disparity", at_most=0.1, by="sex|education")
    assert (one.attributes, one.given) == (("sex",), None)
    assert (both.attributes, both.given) == (("sex", "race"), None)
    assert (within.attributes, within.given) == (("sex",), "education")
    assert Check(metric="roc_auc", at_least=0.8).attributes == ()
    assert "by sex and race at most 0.1?" in both.question
    assert "by sex within education at most 0.1?" in within.question
    assert both.name == "accuracy_difference by sex & race"


@pytest.mark.parametrize(
    ("metric", "by", "words"),
    [
        ("accuracy_difference", None, "say by which"),
        ("accuracy_difference", "sex&", "names no groups"),
        ("accuracy_difference", "|education", "names no groups"),
        ("accuracy_difference", "sex|education", "has no strata"),
        ("conditional_label_disparity", "sex", "name the column of the strata"),
        ("niceness", None, "Unknown metric"),
    ],
)
def test_what_cannot_be_asked(metric: str, by: str | None, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Check(metric=metric, at_most=0.1, by=by)


def test_a_loop_may_watch_intersections_of_its_sensitive_attributes() -> None:
    data = Data("people", target="income", sensitive=["sex", "race"])
    ratio = Bias("demographic_parity_ratio", at_least=0.8, by="sex&race")
    assert LoopDefinition(name="income", data=data, watch=[ratio]).watch == [ratio]
    with pytest.raises(InvalidInput, match="'age', which is not among"):
        LoopDefinition(
            name="income", data=data, watch=[Bias("demographic_parity_difference", at_most=0.1, by="sex&age")]
        )
