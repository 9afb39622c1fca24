"""Concepts and terms tried while a model is judged: evidence with words, and reasons where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import fairloop as fl
from fairloop.core.checks import Status
from fairloop.core.concepts import Concept, Terms
from fairloop.core.datasets import Roles
from fairloop.evaluation.concepts import find_concepts, influence_of
from fairloop.evaluation.evidence import gather
from fairloop.evaluation.probes import Probes, try_probes
from fairloop.tables.table import Table
from support.networks import fit as fit_step
from support.networks import notes
from support.pictures import images, trained

ROLES = Roles(target="profession", positive="doctor", sensitive=["sex"])
SEX = Terms("sex", [("he", "she")])
MALE = Concept("male", where={"sex": "male"})


@pytest.fixture(scope="module")
def wards() -> dict[str, Table]:
    return {name: Table(notes(1500, habit), ROLES) for name, habit in (("biased", 0.9), ("fair", 0.5))}


@pytest.fixture(scope="module")
def readers(wards: dict[str, Table]) -> dict[str, fl.Model]:
    made = {name: fit_step.__fairloop_function__(table) for name, table in wards.items()}
    for name, model in made.items():
        model.describe(wards[name].X)
    return made


def test_the_cause_is_measured_and_named(wards: dict[str, Table], readers: dict[str, fl.Model]) -> None:
    checks = [fl.gate("concept_influence", at_most=0.1, by="male"), fl.gate("identity_swap_gap", at_most=0.1, by="sex")]
    probes = Probes(concepts=[MALE], terms=[SEX])
    found = gather(readers["biased"], wards["biased"], checks, explain=False, probes=probes)
    assert [v.status for v in found.verdicts] == [Status.FAIL, Status.FAIL]
    assert "leans on the concept 'male'" in found.verdicts[0].detail["words"]
    assert "'she' in place of 'he'" in found.verdicts[1].detail["words"]
    fair = try_probes(readers["fair"], wards["fair"], probes)
    assert fair.metrics["concept_influence by male"]["high"] < 0.2
    assert fair.metrics["identity_swap_gap by sex"]["high"] < 0.1


def test_concepts_told_by_texts_and_by_data(wards: dict[str, Table], readers: dict[str, fl.Model]) -> None:
    he = [f"He went to town on day {i} with a friend." for i in range(60)]
    she = [f"She went to town on day {i} with a friend." for i in range(200)]
    frames = {"he": pd.DataFrame({"note": he}), "she": pd.DataFrame({"note": she})}
    for concept in (Concept("he", examples=he, against="she"), Concept("he", data="he", against="she")):
        estimate, strongest = influence_of(find_concepts(readers["biased"], wards["biased"], [concept], frames))
        assert strongest.finding.leans
        assert strongest.finding.influence > 0.1
        assert estimate.low is not None
        assert estimate.low > 0.05


def test_pictures_of_several_answers() -> None:
    rows = images.pictures(300, 4)
    net = trained(rows, 4, epochs=4)
    table = Table(rows, Roles(target="shape", positive="cross", ignore=["stripes"]))
    told = find_concepts(fl.Model(net), table, [Concept("stripes", where={"stripes": True}, layers=["2", "5"])], {})
    assert {one.finding.layer for one in told} == {"2", "5"}
    assert all(one.words for one in told)


@pytest.mark.parametrize(
    ("concept", "words"),
    [
        (Concept("old", where={"age": 1}), "the column 'age', which the table does not have"),
        (Concept("rare", where={"sex": "nobody"}), "'rare' has 0 examples"),
        (Concept("male", where={"sex": "male"}, layers=["x"]), "no layer 'x'"),
        (Concept("male", data="d"), "lack the column 'note'"),
    ],
)
def test_what_cannot_be_tried_is_no_pass(concept: Concept, words: str, wards: dict[str, Table],
                                         readers: dict[str, fl.Model]) -> None:  # fmt: skip
    frames = {"d": pd.DataFrame({"text": ["a"] * 40})}
    found = try_probes(readers["biased"], wards["biased"], Probes(concepts=[concept], frames=frames))
    name = f"concept_influence by {concept.name}"
    assert found.metrics[name]["estimate"] is None
    assert words in found.details[name]["reason"]


def test_a_model_that_is_no_network(wards: dict[str, Table]) -> None:
    """Its concepts are unknown, with the reason; its words are swapped all the same."""
    table = wards["biased"]

    class OneColumn(TfidfVectorizer):  # type: ignore[misc]
        def fit_transform(self, raw: Any, y: Any = None) -> Any:
            return super().fit_transform(np.asarray(raw).ravel().tolist())

        def transform(self, raw: Any) -> Any:
            return super().transform(np.asarray(raw).ravel().tolist())

    model = fl.Model(make_pipeline(OneColumn(), LogisticRegression()).fit(table.X, table.y))
    found = try_probes(model, table, Probes(concepts=[MALE], terms=[SEX]))
    assert "no single PyTorch network" in found.details["concept_influence by male"]["reason"]
    assert found.metrics["identity_swap_gap by sex"]["low"] > 0.1
    few = try_probes(model, table.take(np.arange(10)), Probes(terms=[SEX]))
    assert few.metrics["identity_swap_gap by sex"]["estimate"] is None
    assert "20 or more are needed" in few.details["identity_swap_gap by sex"]["reason"]


def test_nothing_to_try() -> None:
    assert (
        try_probes(fl.Model(LogisticRegression().fit([[0], [1]], [0, 1])), Table(notes(5), ROLES), None).metrics == {}
    )
