"""The numbers published with the demo, roughly, on the original test part of Adult without sex and race."""

from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest

import fairloop.datasets
from fairloop.fairness.gaps import all_gaps
from fairloop.fairness.mitigation import reweighing, weights_change_scores
from fairloop.fairness.mitigation.reductions import exponentiated_gradient
from fairloop.stats.quality import roc_auc

pytestmark = pytest.mark.slow

ADULT = Path(fairloop.datasets.__path__[0]) / "samples" / "adult.parquet"


class Scored:
    def __init__(self, model: lightgbm.LGBMClassifier) -> None:
        self._model = model

    def scores(self, X: pd.DataFrame, /) -> np.ndarray:
        return self._model.predict_proba(X)[:, 1]


class Adult:
    def __init__(self) -> None:
        table = pd.read_parquet(ADULT)
        self._test = (table["part"] == "test").to_numpy()
        self._label = (table["income"] == ">50K").to_numpy().astype(np.int8)
        self._sex = table["sex"].to_numpy()
        X = table.drop(columns=["income", "part", "sex", "race"])
        text = [name for name in X.columns if not pd.api.types.is_numeric_dtype(X[name])]
        X = X.astype(dict.fromkeys(text, "category"))
        self.train_X, self._test_X = X[~self._test], X[self._test]
        self.train_label, self.train_sex = self._label[~self._test], self._sex[~self._test]

    def fit(self, weight: np.ndarray, y: np.ndarray) -> Scored:
        model = lightgbm.LGBMClassifier(verbose=-1, n_jobs=1, random_state=0, deterministic=True)
        return Scored(model.fit(self.train_X, y, sample_weight=weight))

    def judged(self, score: Callable[[pd.DataFrame], np.ndarray]) -> tuple[float, float, float]:
        """AUC, demographic parity difference and equalized odds difference on the test part."""
        scores = score(self._test_X)
        label, sex = self._label[self._test], self._sex[self._test]
        gaps = all_gaps(label, scores >= 0.5, sex)
        return (
            roc_auc(label, scores).estimate,
            gaps["demographic_parity_difference"].estimate,
            gaps["equalized_odds_difference"].estimate,
        )


@pytest.fixture(scope="module")
def adult() -> Adult:
    return Adult()


def test_reweighing_trades_as_published(adult: Adult) -> None:
    published = {
        0.0: (0.927, 0.167, 0.058),
        1.0: (0.922, 0.102, 0.11),
        1.5: (0.917, 0.061, 0.20),
        2.0: (0.909, 0.030, 0.27),
    }
    for strength, (auc, parity, odds) in published.items():
        model = adult.fit(reweighing(adult.train_label, adult.train_sex, strength), adult.train_label)
        found = adult.judged(model.scores)
        assert found[0] == pytest.approx(auc, abs=0.004)
        assert found[1] == pytest.approx(parity, abs=0.015)
        assert found[2] == pytest.approx(odds, abs=0.03)


def test_exponentiated_gradient_reaches_as_published(adult: Adult) -> None:
    mixture = exponentiated_gradient(adult.fit, adult.train_X, adult.train_label, adult.train_sex, max_fits=12)
    members = list(zip(mixture.weights, mixture.members, strict=True))
    auc, parity, odds = adult.judged(lambda X: sum(weight * member.scores(X) for weight, member in members))
    assert auc >= 0.90
    assert parity <= 0.03
    assert odds == pytest.approx(0.26, abs=0.05)
    assert mixture.converged


def test_lightgbm_is_seen_to_use_weights(adult: Adult) -> None:
    assert weights_change_scores(adult.fit, adult.train_X, adult.train_label)
    assert not weights_change_scores(lambda weight, y: adult.fit(np.ones(len(y)), y), adult.train_X, adult.train_label)
