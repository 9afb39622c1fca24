import numpy as np
import pytest
from scipy import stats

from fairloop.errors import NotANumber
from fairloop.stats.corrections import benjamini_hochberg, holm


def test_benjamini_hochberg_equals_scipy() -> None:
    p_values = np.random.default_rng(0).random(50) ** 2
    assert benjamini_hochberg(list(p_values)) == pytest.approx(list(stats.false_discovery_control(p_values)), abs=1e-12)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_nothing_to_correct() -> None:
    assert holm([]) == benjamini_hochberg([]) == []
    assert holm([0.2]) == benjamini_hochberg([0.2]) == [0.2]


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.1])
def test_what_is_no_p_value_is_refused(bad: float) -> None:
    for correct in (holm, benjamini_hochberg):
        with pytest.raises(NotANumber, match="not a p-value"):
            correct([0.5, bad])


def test_holm_keeps_the_family_error() -> None:
    random = np.random.default_rng(1)
    false = sum(min(holm(list(random.random(10)))) <= 0.05 for _ in range(2000))
    assert false / 2000 <= 0.065
