import numpy as np
import pytest
from sklearn import metrics

from fairloop.errors import InvalidInput
from fairloop.stats import multiclass
from fairloop.stats.multiclass import BY_CLASS, BY_CLASS_SCORES, per_class

CLASSES = ["blue", "green", "red", "unseen"]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def sample(random: np.random.Generator, n: int) -> Rows:
    scores = random.dirichlet([2, 1, 1], n)
    draw = (scores.cumsum(axis=1) > random.random((n, 1))).argmax(axis=1)
    names = np.array(CLASSES[:3])
    return names[draw], np.column_stack([scores, np.zeros(n)]), names[scores.argmax(axis=1)]


@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_equal_scikit_learn(weighted: bool) -> None:
    random = np.random.default_rng(0)
    label, scores, answer = sample(random, 2000)
    weight = random.random(2000) if weighted else None
    told = {"sample_weight": weight}
    by_answer = {
        "accuracy": metrics.accuracy_score(label, answer, **told),
        "balanced_accuracy": metrics.balanced_accuracy_score(label, answer, **told),
        "lowest_recall": metrics.recall_score(label, answer, average=None, **told).min(),
        "macro_precision": metrics.precision_score(label, answer, average="macro", **told),
        "macro_f1": metrics.f1_score(label, answer, average="macro", **told),
    }
    three = scores[:, :3]
    by_score = {
        "log_loss": metrics.log_loss(label, three, **told),
        "brier_score": metrics.brier_score_loss(label, three, **told),
        "macro_roc_auc": metrics.roc_auc_score(label, three, multi_class="ovr", average="macro", **told),
    }
    assert by_answer.keys() == BY_CLASS.keys()
    for name, expected in by_answer.items():
        found = BY_CLASS[name](label, answer, weight)
        assert found.estimate == pytest.approx(expected, abs=1e-9), name
        assert found.low < expected < found.high
    for name, expected in by_score.items():
        found = BY_CLASS_SCORES[name](label, three, CLASSES[:3], weight)
        assert found.estimate == pytest.approx(expected, abs=1e-9), name
        assert found.low < expected < found.high


def test_each_class_equals_scikit_learn() -> None:
    label, _, answer = sample(np.random.default_rng(1), 900)
    precision, recall, f1, n = metrics.precision_recall_fscore_support(label, answer)
    found = per_class(label, answer)
    assert [c.name for c in found] == CLASSES[:3]
    assert [c.n for c in found] == list(n)
    for i, each in enumerate(found):
        numbers = each.precision.estimate, each.recall.estimate, each.f1.estimate
        assert numbers == pytest.approx((precision[i], recall[i], f1[i]), abs=1e-9)
    assert found[0].plain()["class"] == "blue"


def test_intervals_cover() -> None:
    random = np.random.default_rng(2)
    label, scores, answer = sample(random, 500_000)
    truth = {name: f(label, answer).estimate for name, f in BY_CLASS.items()}
    truth |= {name: f(label, scores[:, :3], CLASSES[:3]).estimate for name, f in BY_CLASS_SCORES.items()}
    hits = dict.fromkeys(truth, 0)
    for _ in range(120):
        label, scores, answer = sample(random, 400)
        found = {name: f(label, answer) for name, f in BY_CLASS.items()}
        found |= {name: f(label, scores[:, :3], CLASSES[:3]) for name, f in BY_CLASS_SCORES.items()}
        for name, estimate in found.items():
            hits[name] += estimate.low <= truth[name] <= estimate.high
    assert {name: count for name, count in hits.items() if count < 106} == {}


def test_what_cannot_be_told() -> None:
    label, scores, answer = sample(np.random.default_rng(3), 100)
    assert multiclass.macro_roc_auc(label, scores, CLASSES).estimate is None  # nobody is "unseen"
    assert multiclass.log_loss(np.array(["other"] * 100), scores, CLASSES).estimate is None
    assert multiclass.brier_score(np.array(["other"] * 100), scores, CLASSES).estimate is None
    assert multiclass.accuracy([], []).estimate is None
    assert multiclass.lowest_recall([], []).estimate is None
    with pytest.raises(InvalidInput, match="one value a row"):
        multiclass.accuracy(label, answer[:5])
    with pytest.raises(InvalidInput, match="missing"):
        multiclass.accuracy(np.array(["a", None], dtype=object), np.array(["a", "b"]))
