"""A planted concept is found and a meaningless one is not; captum gives the same scores for the same vectors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from fairloop.errors import InvalidInput
from fairloop.fairness.concepts.hooks import activations, gradients, hidden_layers, moved
from fairloop.fairness.concepts.probe import linear_probe, probe_accuracy
from fairloop.fairness.concepts.sampling import runs_for
from fairloop.fairness.concepts.tcav import Examples, Finding, tcav, tcav_scores, two_sided_p
from support.pictures import images, pixels, trained


def findings(seed: int, concepts: tuple[str, ...] = ("stripes", "dots", "random")) -> dict[str, Finding]:
    """Concepts in a network whose crosses mostly lie on stripes."""
    net = trained(images.pictures(800, seed), seed)
    test = images.pictures(400, seed + 1000)
    rows, cross = pixels(test), torch.from_numpy((test["shape"] == "cross").to_numpy())
    told = {name: Examples(inputs=pixels(images.concept(name, 200, seed + 7 + i))) for i, name in enumerate(concepts)}
    others = Examples(inputs=pixels(images.concept("random", 600, seed + 5)))
    found = tcav(
        net, told, others, {"cross": rows[cross]}, {"cross": 0}, hidden_layers(net)[-1:], people=rows, seed=seed
    )
    return {one.concept: one for one in found}


@pytest.fixture(scope="module")
def found() -> dict[str, Finding]:
    return findings(0)


def test_the_planted_concept_is_found(found: dict[str, Finding]) -> None:
    stripes = found["stripes"]
    assert stripes.found
    assert stripes.score > 0.9 > stripes.random_score
    assert stripes.influence_low > 0.1
    assert stripes.accuracy > 0.9
    assert stripes.layer == "5"
    assert np.linalg.norm(stripes.vector) == pytest.approx(1)


def test_a_concept_without_meaning_is_not(found: dict[str, Finding]) -> None:
    assert not found["random"].found
    assert abs(found["random"].influence) < 0.05
    assert 0.4 < found["random"].accuracy < 0.6


def test_plain_values_are_json(found: dict[str, Finding]) -> None:
    plain = found["stripes"].plain()
    assert plain["found"] is True
    assert all(isinstance(value, (str, int, float, bool)) for value in plain.values())


@pytest.mark.simulation
@pytest.mark.timeout(600)
def test_planted_concepts_over_fifty_seeds() -> None:
    every = [findings(seed) for seed in range(50)]
    assert sum(one["stripes"].found and one["stripes"].influence > 0 for one in every) >= 45
    assert sum(one["random"].found for one in every) <= 6  # 5 % of 50; 6 or fewer in 97 % of such experiments
    assert sum(one["random"].influence_low > 0.1 for one in every) == 0


@pytest.mark.simulation
@pytest.mark.timeout(600)
def test_a_random_concept_is_found_in_five_of_a_hundred() -> None:
    """Over 200 random concepts in one network; each p-value stands alone."""
    net = trained(images.pictures(800, 3), 3)
    assert _share_found(net, range(200)) <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_random_concepts_small() -> None:
    net = trained(images.pictures(400, 3), 3, epochs=10)
    assert _share_found(net, range(6)) <= 1 / 6


def _share_found(net: torch.nn.Module, seeds: range) -> float:
    rows = pixels(images.pictures(200, 77))
    hits = 0
    for seed in seeds:
        told = {"random": Examples(inputs=pixels(images.concept("random", 100, 50_000 + seed)))}
        others = Examples(inputs=pixels(images.concept("random", 500, 9_000 + seed)))
        hits += tcav(net, told, others, {"cross": rows}, {"cross": 0}, ["5"], seed=seed)[0].found
    return hits / len(seeds)


def test_answers_matched_on_the_truth_are_not_the_concept() -> None:
    """A concept seen mostly with one answer, in a network that reads only the other cause, is no cause."""
    random = np.random.default_rng(0)
    n = 1200
    y = (random.random(n) < 0.5).astype(np.int64)
    mark = (random.random(n) < np.where(y == 1, 0.85, 0.15)).astype(float)
    rows = torch.from_numpy(np.column_stack([y + random.normal(0, 0.3, n), mark, random.normal(0, 1, n)])).float()
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    with torch.no_grad():  # blind to the mark
        net[0].weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.0, 0.2]]))
        net[2].weight.copy_(torch.tensor([[3.0, 1.0]]))
    has = torch.from_numpy(mark > 0)
    asked = ({"answer": rows[y == 1]}, {"answer": 0}, ["0"])
    matched = tcav(net, {"mark": Examples(inputs=rows[has], strata=y[has.numpy()])},
                   Examples(inputs=rows[~has], strata=y[~has.numpy()]), *asked)[0]  # fmt: skip
    mixed = tcav(net, {"mark": Examples(inputs=rows[has])}, Examples(inputs=rows[~has]), *asked)[0]
    assert matched.influence_low < 0.01
    assert mixed.influence_low > 0.03


# ------------------------------------------------------------------ the parts
def test_gradients_agree_with_finite_differences() -> None:
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)).double()
    rows = torch.randn(6, 4, dtype=torch.float64)
    slopes = gradients(net, "0", rows, 2)
    for place in range(5):
        step = np.zeros(5)
        step[place] = 1e-6
        change = (moved(net, "0", rows, step) - moved(net, "0", rows, -step))[:, 2].numpy() / 2e-6
        np.testing.assert_allclose(change, slopes[:, place], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(activations(net, "0", rows), net[0](rows).detach().numpy())


def test_hooks_leave_the_network_as_it_was() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Dropout(), torch.nn.Linear(3, 1)).train()
    with pytest.raises(InvalidInput, match="no layer 'x'; its layers are: 0, 1, 2"):
        activations(net, "x", torch.zeros(2, 2))
    activations(net, "0", torch.zeros(2, 2))
    assert net.training
    assert not net[0]._forward_hooks
    assert hidden_layers(net) == ["0"]
    with pytest.raises(InvalidInput, match="concepts need a hidden layer"):
        hidden_layers(torch.nn.Linear(2, 1))


def test_the_probe_points_from_one_set_to_the_other() -> None:
    random = np.random.default_rng(0)
    away = random.normal(0, 1, (60, 4)) + np.array([3.0, 0, 0, 0])
    home = random.normal(0, 1, (60, 4))
    vector, offset = linear_probe(away, home)
    assert vector[0] > 0.9
    assert probe_accuracy(vector, offset, away, home) > 0.85
    assert linear_probe(np.ones((3, 2)), np.ones((3, 2)))[0].tolist() == [0.0, 0.0]
    assert np.isnan(probe_accuracy(vector, offset, away, home[:0]))


def test_the_t_test() -> None:
    from scipy.stats import ttest_ind

    random = np.random.default_rng(0)
    a, b = random.random(20), random.random(50) + 0.1
    assert two_sided_p(a, b) == pytest.approx(ttest_ind(a, b).pvalue, abs=1e-12)
    assert two_sided_p(np.ones(5), np.ones(9)) == 1.0
    assert two_sided_p(np.ones(5), np.zeros(9)) == 0.0


def test_too_few_examples_are_named() -> None:
    with pytest.raises(InvalidInput, match="'male' has 12 examples; give at least 30"):
        runs_for({"male": 12}, 500)
    with pytest.raises(InvalidInput, match="60 examples without the concept"):
        runs_for({"male": 100}, 60)
    assert runs_for({"male": 200, "old": 400}, 2000).runs == 20
    assert runs_for({"male": 60}, 2000).size == 6


# ------------------------------------------------------------------ the oracle
def test_captum_gives_the_same_scores() -> None:
    """captum's TCAV with our vectors in the place of its classifier's weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from captum.attr import LayerGradientXActivation
        from captum.concept import TCAV, Classifier, Concept

    net = trained(images.pictures(300, 1), 1, epochs=8)
    rows = pixels(images.pictures(120, 5))
    sets = {name: pixels(images.concept(name, 60, 3 + i)) for i, name in enumerate(["stripes", "random"])}
    vector, _ = linear_probe(activations(net, "5", sets["stripes"]), activations(net, "5", sets["random"]))

    class Given(Classifier):
        def __init__(self) -> None:
            pass

        def train_and_eval(self, dataloader: Any, **_: Any) -> dict[str, Any]:
            return {"accs": torch.tensor(1.0)}

        def weights(self) -> torch.Tensor:
            return torch.from_numpy(np.stack([vector, -vector])).float()

        def classes(self) -> list[int]:
            return [0, 1]

    concepts = [Concept(i, name, torch.utils.data.DataLoader(inputs, batch_size=16))  # type: ignore[arg-type]
                for i, (name, inputs) in enumerate(sets.items())]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = TCAV(net, ["5"], classifier=Given(), save_path="/nonexistent", model_id="m",
                      layer_attr_method=LayerGradientXActivation(net, None, multiply_by_inputs=False))  # fmt: skip
        oracle.compute_cavs = lambda *_a, **_k: oracle.cavs  # type: ignore[method-assign]
        scores = _captum_scores(oracle, concepts, vector, rows)
    ours = tcav_scores(gradients(net, "5", rows, 0), vector[None])[0]
    assert scores == pytest.approx(ours, abs=1e-6)


def _captum_scores(oracle: Any, concepts: list[Any], vector: np.ndarray, rows: torch.Tensor) -> float:
    from captum.concept._core.cav import CAV

    stats = {
        "weights": torch.from_numpy(np.stack([vector, -vector])).float(),
        "classes": [0, 1],
        "accs": torch.tensor(1.0),
    }
    oracle.cavs["0-1"]["5"] = CAV(concepts, "5", stats, "/tmp", "m")
    found = oracle.interpret(rows, [concepts], target=0)
    return float(found["0-1"]["5"]["sign_count"][0])
