import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fairloop.errors import InvalidInput
from fairloop.fairness.gaps import all_gaps
from fairloop.fairness.mitigation.reductions import exponentiated_gradient


class Scored:
    def __init__(self, model: LogisticRegression) -> None:
        self._model = model

    def scores(self, X: np.ndarray, /) -> np.ndarray:
        return self._model.predict_proba(X)[:, 1]


def sample(n: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    group = random.integers(0, 2, n)
    label = (random.random(n) < np.where(group == 1, 0.6, 0.3)).astype(int)
    X = np.c_[random.normal(1.5 * label, 1), random.normal(1.5 * group, 0.7), random.normal(size=n)]
    return X, label, group


X, LABEL, GROUP = sample()


def fit(weight: np.ndarray, y: np.ndarray) -> Scored:
    assert weight.mean() == pytest.approx(1.0)
    assert set(np.unique(y)) == {0, 1}
    return Scored(LogisticRegression().fit(X, y, sample_weight=weight))


def answer(mixture) -> np.ndarray:
    return sum(w * m.scores(X) for w, m in zip(mixture.weights, mixture.members, strict=True)) >= 0.5


@pytest.mark.parametrize(
    ("constraint", "metric"),
    [
        ("demographic_parity", "demographic_parity_difference"),
        ("equalized_odds", "equalized_odds_difference"),
    ],
)
def test_the_gap_closes_and_the_answers_stay_useful(constraint: str, metric: str) -> None:
    plain = fit(np.ones(len(X)), LABEL).scores(X) >= 0.5
    mixture = exponentiated_gradient(fit, X, LABEL, GROUP, constraint=constraint, max_fits=20)
    fair = answer(mixture)
    before, after = (all_gaps(LABEL, each, GROUP)[metric].estimate for each in (plain, fair))
    assert before > 0.15
    assert after < before / 2
    assert mixture.converged
    assert mixture.violation <= 0.01 + 1e-6
    assert (fair == LABEL).mean() > 0.7
    assert sum(mixture.weights) == pytest.approx(1.0)
    assert len(mixture.members) == len(mixture.weights) >= 2
    assert mixture.fits <= 20


@pytest.mark.filterwarnings("ignore:Setting a value on a Series via .at:Warning")  # inside fairlearn
@pytest.mark.filterwarnings("ignore:Setting an item of incompatible dtype:Warning")
def test_the_randomised_mixture_is_as_good_as_fairlearns() -> None:
    from fairlearn.reductions import DemographicParity, ExponentiatedGradient

    peer = ExponentiatedGradient(LogisticRegression(), DemographicParity(difference_bound=0.01), eps=0.01)
    peer.fit(X, LABEL, sensitive_features=GROUP)
    theirs = peer._pmf_predict(X)[:, 1]
    mixture = exponentiated_gradient(fit, X, LABEL, GROUP)
    ours = sum(w * (m.scores(X) >= 0.5) for w, m in zip(mixture.weights, mixture.members, strict=True))

    def error(chance: np.ndarray) -> float:
        return float(np.mean(np.where(LABEL == 1, 1 - chance, chance)))

    assert error(ours) <= error(theirs) + 0.003
    assert np.ptp([ours[g == GROUP].mean() for g in (0, 1)]) <= 0.0201
    assert mixture.fits < peer.n_oracle_calls_


def test_slack_orders_the_candidates() -> None:
    gaps = [
        all_gaps(LABEL, answer(exponentiated_gradient(fit, X, LABEL, GROUP, slack=slack)), GROUP)
        ["demographic_parity_difference"].estimate for slack in (0.2, 0.1, 0.01)
    ]  # fmt: skip
    assert gaps[0] > gaps[1] > gaps[2]


def test_it_is_deterministic_and_minds_weights_and_missing_groups() -> None:
    group = np.where(np.arange(len(X)) % 50 == 0, None, GROUP.astype(object))
    weight = np.linspace(0.5, 1.5, len(X))
    once, twice = (exponentiated_gradient(fit, X, LABEL, group, weights=weight, max_fits=8) for _ in range(2))
    assert once.weights == twice.weights
    np.testing.assert_array_equal(answer(once), answer(twice))
    assert once.fits <= 8


def test_a_fair_model_is_left_alone() -> None:
    group = np.random.default_rng(3).integers(0, 2, len(X))
    mixture = exponentiated_gradient(fit, X, LABEL, group, slack=0.05)
    np.testing.assert_array_equal(answer(mixture), fit(np.ones(len(X)), LABEL).scores(X) >= 0.5)
    assert mixture.violation <= 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"constraint": "parity"}, "Unknown constraint"),
        ({"slack": 0.0}, "slack"),
        ({"max_fits": 1}, "max_fits"),
    ],
)
def test_bad_options_are_named(options: dict, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        exponentiated_gradient(fit, X, LABEL, GROUP, **options)


def test_one_class_or_one_group_is_refused() -> None:
    with pytest.raises(InvalidInput, match="All labels are equal"):
        exponentiated_gradient(fit, X, np.ones(len(X)), GROUP)
    with pytest.raises(InvalidInput, match="Only one group"):
        exponentiated_gradient(fit, X, LABEL, ["a"] * len(X))
