"""The identity-term swap: terms found and replaced as people write them, changes measured with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from fairloop.core.concepts import Concept, Terms, check_probes
from fairloop.core.loops import Data, LoopDefinition, gate
from fairloop.errors import InvalidInput
from fairloop.fairness.identity_swap import holds, identity_swap, with_terms

PAIRS = [("he", "she"), ("man", "woman"), ("grand father", "grand mother")]


def test_terms_are_whole_words_in_any_case() -> None:
    assert with_terms("He told the man that SHE is there.", PAIRS, 1) == "She told the woman that SHE is there."
    assert with_terms("The woman's grand mother, She", PAIRS, 0) == "The man's grand father, He"
    assert not holds("the theatre", ("he", "she"))
    assert holds("Is HE here?", ("he", "she"))


def texts(rows: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [
        f"{random.choice(['He', 'She'])} met a {random.choice(['man', 'woman', 'dog'])} number {i}" for i in range(rows)
    ]


def scored(effect: float, noise: float = 0.0, seed: int = 0):  # type: ignore[no-untyped-def]  # a closure for the test
    random = np.random.default_rng(seed)
    own = random.normal(0, 1, 10_000)
    shake = random.normal(0, noise, 20_000) if noise else np.zeros(20_000)

    def score(rows: list[int], changed: list[str]) -> np.ndarray:
        has = np.array([("she" in text.lower().split()) for text in changed], dtype=float)
        return own[rows] + effect * has + shake[np.array(rows) + (10_000 * has).astype(int)]

    return score


def test_a_planted_effect_is_found_and_named() -> None:
    found = identity_swap(scored(-0.3), texts(200, 0), PAIRS)
    assert found.change.estimate == pytest.approx(-0.3)
    assert found.gap.estimate == pytest.approx(0.3)
    assert found.worst is not None
    assert found.worst.pair == ("he", "she")
    assert found.texts == 200
    by_pair = {one.pair: one for one in found.pairs}
    assert by_pair["man", "woman"].change == 0
    assert by_pair["man", "woman"].p == 1
    assert by_pair["grand father", "grand mother"].change is None


def test_noise_alone_is_rarely_called_a_change() -> None:
    wrong = sum(identity_swap(scored(0.0, 0.5, seed), texts(60, seed), PAIRS).worst is not None for seed in range(100))
    covered = sum(identity_swap(scored(0.2, 0.5, seed), texts(60, seed), PAIRS[:1]).change.low <= 0.2  # type: ignore[operator]
                  <= identity_swap(scored(0.2, 0.5, seed), texts(60, seed), PAIRS[:1]).change.high for seed in range(100))  # type: ignore[operator]  # fmt: skip
    assert wrong <= 9
    assert covered >= 90


def test_classes_and_too_few_texts() -> None:
    def three(rows: list[int], changed: list[str]) -> np.ndarray:
        first = np.array([0.6 if "she" in text.lower().split() else 0.2 for text in changed])
        return np.column_stack([first, (1 - first) / 2, (1 - first) / 2])

    found = identity_swap(three, texts(50, 1), PAIRS[:1])
    assert found.change.estimate == pytest.approx(0.4)
    few = identity_swap(three, texts(10, 1), PAIRS)
    assert few.gap.estimate is None
    assert few.worst is None


# ------------------------------------------------------------------ what a loop says
def loop(**told: object) -> LoopDefinition:
    return LoopDefinition(name="l", data=Data("people", target="y", sensitive=["sex"]), **told)  # type: ignore[arg-type]


def test_gates_name_what_the_loop_tells() -> None:
    male = Concept("male", where={"sex": "male"})
    fine = loop(gates=[gate("concept_influence", at_most=0.1, by="male"), gate("identity_swap_gap", at_most=0.1, by="sex")],
                concepts=[male], terms=[Terms("sex", [("he", "she")])])  # fmt: skip
    assert fine.gates[0].question == "Is the change of the score that comes with the concept 'male' at most 0.1?"
    with pytest.raises(InvalidInput, match="names the concept 'old', but the loop tells male"):
        loop(gates=[gate("concept_influence", at_most=0.1, by="old")], concepts=[male])
    with pytest.raises(InvalidInput, match="make it a gate"):
        loop(watch=[gate("concept_influence", at_most=0.1, by="male")], concepts=[male])
    with pytest.raises(InvalidInput, match="stands twice"):
        check_probes([], [male, male], [])
    with pytest.raises(InvalidInput, match="needs by="):
        gate("concept_influence", at_most=0.1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Concept("male"), "exactly one of where"),
        (lambda: Concept("male", where={"a": 1}, data="x.csv"), "exactly one of where"),
        (lambda: Concept("male", where={"a": 1}, against="y"), "leave out against"),
        (lambda: Concept("male", examples=["he"]), "1 examples; give at least 30"),
        (lambda: Terms("sex", []), "pairs of two different words"),
        (lambda: Terms("sex", [("he", "He")]), "pairs of two different words"),
        (lambda: Terms("sex", [("he", "she"), ("he", "it")]), "'he' stands twice"),
    ],
)
def test_what_makes_no_sense_is_named(make: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        make()  # type: ignore[operator]
