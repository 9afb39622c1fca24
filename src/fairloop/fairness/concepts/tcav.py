"""Testing with concept activation vectors: does a network's answer lean on a concept that people name?

The score is that of Kim et al. (2018): the share of a class's inputs whose answer rises when the layer's activation moves
towards the concept. Two things differ from the usual practice, because a false alarm costs trust. The runs use *disjoint*
sets of concept examples, so the t-test against random concepts is a test of independent runs (with one set used in every
run, any set of random pictures becomes "significant"). And beside the score stands the *influence*: by how much the answer
differs with and without the concept. A direction may be followed always and matter never.

References
----------
Kim, B. et al. (2018). Interpretability beyond feature attribution: quantitative testing with concept activation vectors
(TCAV). ICML.
Efron, B. (1982). The jackknife, the bootstrap and other resampling plans. SIAM.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import t as student

from fairloop.errors import InvalidInput
from fairloop.fairness.concepts.hooks import activations, gradients, moved
from fairloop.fairness.concepts.probe import linear_probe, probe_accuracy
from fairloop.fairness.concepts.sampling import RANDOM_RUNS, Pool, Runs, disjoint, runs_for
from fairloop.stats.corrections import holm

ALPHA = 0.05
MOST_INPUTS = 400
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Answers = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Inputs as the network reads them. ``strata`` (by default all alike) is what concept and random examples are matched
    on: with the true answers in it, a concept that comes with one answer is not mistaken for that answer."""

    inputs: torch.Tensor
    strata: Ints | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def kinds(self) -> Ints:
        return np.zeros(len(self.inputs), dtype=np.int64) if self.strata is None else self.strata


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One concept at one layer for one answer.

    ``score`` is the TCAV score (0.5: moves the answer neither way; 1: always up; 0: always down), the mean over ``runs``
    disjoint sets; ``random_score`` and ``random_spread`` are the mean and standard deviation over random concepts; ``p`` is
    adjusted over all findings of the analysis. ``influence`` is the answer with the concept less the answer without it.
    ``accuracy`` says how well a held-out example shows the concept at this layer (0.5 is chance).
    """

    concept: str
    layer: str
    target: str
    score: float
    low: float
    high: float
    random_score: float
    random_spread: float
    p: float
    influence: float
    influence_low: float
    influence_high: float
    accuracy: float
    runs: int
    examples: int
    vector: Floats = field(repr=False)

    @property
    def found(self) -> bool:
        """Whether the answer follows the concept more than chance explains."""
        return self.p <= ALPHA

    @property
    def leans(self) -> bool:
        """Whether the concept also makes a difference to the answer, in one direction."""
        return self.found and (self.influence_low > 0 or self.influence_high < 0)

    def plain(self) -> dict[str, Any]:
        """As JSON values, without the vector."""
        names = ("concept", "layer", "target", "score", "low", "high", "random_score", "random_spread", "p", "influence",
                 "influence_low", "influence_high", "accuracy", "runs", "examples", "found", "leans")  # fmt: skip
        return {name: _json(getattr(self, name)) for name in names}


def tcav(module: torch.nn.Module, concepts: Mapping[str, Examples], others: Examples | Mapping[str, Examples],
         inputs: Mapping[str, torch.Tensor], targets: Mapping[str, int], layers: Sequence[str], *,
         people: torch.Tensor | None = None, answers: Answers = torch.sigmoid, seed: int = 0) -> list[Finding]:  # fmt: skip
    """Test every concept at every layer for every answer.

    Parameters
    ----------
    module : torch.nn.Module
        Answers with one logit, or one a class.
    concepts : mapping of name to Examples
        30 or more examples each.
    others : Examples, or one for each concept
        Examples without the concept: where random concepts come from, and what each concept is told from.
    inputs : mapping of answer to tensor
        Inputs whose true answer it is (at most 400 are used).
    targets : mapping of answer to int
        The network's output for the answer.
    layers : sequence of str
        Names of layers, as ``module.named_modules()`` gives them.
    people : tensor, optional
        Inputs whose answers the influence is averaged over (at most 400 are used); by default all of ``inputs``.
    answers : callable
        Turns the outputs into the answers people see: the sigmoid of one logit, or a softmax over classes.
    seed : int

    Returns
    -------
    list of Finding
        Concept by concept, layer by layer, answer by answer; p-values adjusted over all of them after Holm,
        intervals of the influence simultaneous over layers and answers.
    """
    if not concepts or not inputs or not layers:
        raise InvalidInput("TCAV needs at least one concept, one layer and one answer with inputs.")
    pools = {name: others if isinstance(others, Examples) else others[name] for name in concepts}
    runs = runs_for({name: len(found) for name, found in concepts.items()}, min(len(p) for p in pools.values()))
    random = np.random.default_rng(seed)
    few = {name: _some(found, random) for name, found in inputs.items()}
    everyone = torch.cat(list(few.values())) if people is None else _some(people, random)
    level = 1 - ALPHA / (2 * len(layers) * len(few))
    found: list[Finding] = []
    for layer in layers:
        slopes = {name: gradients(module, layer, few[name], targets[name]) for name in few}
        for concept, examples in concepts.items():
            one = _Concept(module, layer, examples, pools[concept], runs, random)
            for name, slope in slopes.items():
                effect = one.influence(everyone, targets[name], answers, level)
                found.append(_finding(one, concept, name, slope, effect))
    return _adjusted(found)


class _Concept:
    """The vectors of one concept at one layer, and those of random concepts beside it."""

    def __init__(self, module: torch.nn.Module, layer: str, examples: Examples, others: Examples, runs: Runs,
                 random: np.random.Generator) -> None:  # fmt: skip
        self.module, self.layer, self.runs = module, layer, runs
        self.n = len(examples)
        inside, outside = activations(module, layer, examples.inputs), activations(module, layer, others.inputs)
        pool = Pool(others.kinds, random)
        sets = disjoint(len(examples), runs, random)
        counter = [pool.like(examples.kinds[chosen]) for chosen in sets]
        probes = [linear_probe(inside[a], outside[b]) for a, b in zip(sets, counter, strict=True)]
        self.vectors = np.array([vector for vector, _ in probes])
        self.accuracy = float(np.mean([
            probe_accuracy(v, offset, np.delete(inside, a, axis=0), outside[_without(b, counter)])
            for (v, offset), a, b in zip(probes, sets, counter, strict=True)]))  # fmt: skip
        pairs = [pool.pair(runs.size) for _ in range(RANDOM_RUNS)]
        self.random_vectors = np.array([linear_probe(outside[a], outside[b])[0] for a, b in pairs])
        self.steps = np.array([inside[a].mean(axis=0) - outside[b].mean(axis=0)
                               for a, b in zip(sets, counter, strict=True)])  # fmt: skip
        self.vector = linear_probe(inside[np.concatenate(sets)], outside[np.concatenate(counter)])[0]

    def influence(self, inputs: torch.Tensor, target: int, answers: Answers,
                  level: float) -> tuple[float, float, float]:  # fmt: skip
        """The mean answer with the concept less that without: the activation moved half the way between the centres of
        examples with and without it, up and down. Jackknife over the sets, and the spread over inputs."""
        step = self.steps.mean(axis=0)
        per_input = self._effect(inputs, step, target, answers)
        estimate = float(per_input.mean())
        k = len(self.steps)
        left_out = [self._effect(inputs, (k * step - s) / (k - 1), target, answers).mean() for s in self.steps]
        variance = (k - 1) / k * float(np.square(left_out - np.mean(left_out)).sum())
        variance += float(per_input.var(ddof=1)) / len(per_input) if len(per_input) > 1 else 0.0
        half = float(student.ppf(level, k - 1)) * math.sqrt(variance)
        return estimate, estimate - half, estimate + half

    def _effect(self, inputs: torch.Tensor, step: Floats, target: int, answers: Answers) -> Floats:
        up = answers(moved(self.module, self.layer, inputs, step / 2))[:, target]
        down = answers(moved(self.module, self.layer, inputs, -step / 2))[:, target]
        return (up - down).to(torch.float64).numpy()


def _finding(one: _Concept, concept: str, target: str, slopes: Floats, effect: tuple[float, float, float]) -> Finding:
    scores, chance = tcav_scores(slopes, one.vectors), tcav_scores(slopes, one.random_vectors)
    mean = float(scores.mean())
    half = float(student.ppf(1 - ALPHA / 2, len(scores) - 1)) * float(scores.std(ddof=1)) / math.sqrt(len(scores))
    return Finding(
        concept=concept, layer=one.layer, target=target, score=mean, low=max(0.0, mean - half), high=min(1.0, mean + half),
        random_score=float(chance.mean()), random_spread=float(chance.std(ddof=1)), p=two_sided_p(scores, chance),
        influence=effect[0], influence_low=effect[1], influence_high=effect[2], accuracy=one.accuracy,
        runs=len(scores), examples=one.n, vector=one.vector,
    )  # fmt: skip


def tcav_scores(slopes: Floats, vectors: Floats) -> Floats:
    """The share of inputs whose directional derivative is above zero, per vector.

    ``slopes`` has shape (inputs, size), ``vectors`` (runs, size); a derivative of exactly zero counts one half.
    """
    rise = slopes @ vectors.T
    return np.asarray(((rise > 0) + 0.5 * (rise == 0)).mean(axis=0), dtype=np.float64)


def two_sided_p(scores: Floats, chance: Floats) -> float:
    """Student's two-sided t-test, with one variance for both: runs of a concept that always agree have none of their
    own, and Welch's test would take that for certainty. 1 where both are constant and equal."""
    n, m = len(scores), len(chance)
    difference = float(scores.mean() - chance.mean())
    squares = float(np.square(scores - scores.mean()).sum() + np.square(chance - chance.mean()).sum())
    spread = math.sqrt(squares / (n + m - 2) * (1 / n + 1 / m))
    if spread < 1e-12:
        return 1.0 if abs(difference) < 1e-12 else 0.0
    return min(1.0, 2 * float(student.sf(abs(difference) / spread, n + m - 2)))


def _adjusted(found: list[Finding]) -> list[Finding]:
    adjusted = holm([one.p for one in found])
    return [replace(one, p=p) for one, p in zip(found, adjusted, strict=True)]


def _some(inputs: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    if len(inputs) <= MOST_INPUTS:
        return inputs
    return inputs[torch.as_tensor(np.sort(random.permutation(len(inputs))[:MOST_INPUTS]))]


def _without(used: Ints, every: list[Ints]) -> Ints:
    """Counterparts of the other runs: examples this run's probe has not seen."""
    return np.setdiff1d(np.concatenate(every), used)


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
