"""A loop that searches over mitigations and hyperparameters, and a model that reads the attribute, through a real server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.cycles import Cycle, Stage
from fairloop.errors import Conflict, InvalidInput
from support.loops import GAP, LIMIT, QUALITY, learn_tuned, loop, people, publish_people, turn

METHODS = ["reweighing", "threshold_optimizer", "gap_penalty", "reject_option"]


@pytest.fixture(scope="module")
def client(server) -> Client:
    return server.client()


@pytest.fixture(scope="module")
def version(client: Client) -> str:
    return publish_people(client)


@pytest.fixture(scope="module")
def searched(client: Client, version: str) -> Cycle:
    made = loop("searched", learn_tuned, gates=[QUALITY, GAP], mitigate=METHODS, approval=fl.Approval(),
                search=fl.Search(strength=(0.01, 100.0, "log"), budget="9 trials"))  # fmt: skip
    return turn(client, made, version, until=(Stage.APPROVE,))


def events(client: Client, cycle: Cycle, kind: str) -> list[fl.Loop]:
    return [event for event in client.cycles.events(cycle.id) if event.kind == kind]


def test_the_frontier_is_searched_judged_and_told(client: Client, searched: Cycle) -> None:
    assert searched.stage is Stage.APPROVE, searched.words
    told = events(client, searched, "chosen")[0]
    trials = told.data["search"]["trials"]
    assert len(trials) == 9
    assert [t["method"] for t in trials[:4]] == ["plain", "reweighing", "threshold_optimizer", "gap_penalty"]
    assert any(t["settings"] for t in trials)
    assert told.text.startswith("9 trials of the plain model, reweighing and threshold optimizer, with strength varied")
    assert "Against the plain model it" in told.text
    begun, ended = (e.text for e in events(client, searched, "search")[:: len(events(client, searched, "search")) - 1])
    assert begun.startswith("A search for better candidates begins (9 trials). So far: The candidate does not pass")
    assert "became candidates beside the plain model" in ended


def test_what_could_not_be_tried_is_told_with_its_reason(client: Client, searched: Cycle) -> None:
    told = events(client, searched, "chosen")[0]
    assert "at prediction time" in told.data["not_tried"]["reject_option"]
    assert "works inside LightGBM; fit_tuned" in told.data["not_tried"]["gap_penalty"]


def test_every_trial_is_a_run_and_the_kept_ones_are_candidates(client: Client, searched: Cycle) -> None:
    told = events(client, searched, "chosen")[0].data["search"]
    for trial in told["trials"]:
        run = client.runs.get(trial["run_id"])
        assert run.status.final
        assert run.params["method"] == trial["method"]
        assert run.tags["cycle_id"] == searched.id
    candidates = client.candidates.list(cycle_id=searched.id).items
    assert [c.method for c in candidates].count("plain") >= 1
    assert candidates[0].settings is None  # the plain model as the pipeline makes it is always one of them
    kept = [t for t in told["trials"] if t["kept"]]
    assert [(c.method, c.strength, c.settings or {}) for c in candidates[1:]] == [
        (t["method"], t["strength"], t["settings"]) for t in kept
    ]
    assert {c.run_id for c in candidates[1:]} == {t["run_id"] for t in kept}


def test_the_chosen_repair_holds_the_limit_on_the_test_part(client: Client, searched: Cycle) -> None:
    found = client.candidates.evaluations(searched.chosen_candidate_id or "")
    test = next(e for e in found if e.part == "test")
    assert test.metrics[GAP.name]["high"] <= LIMIT


def test_a_note_is_only_for_a_cycle_under_way(client: Client, searched: Cycle) -> None:
    assert client.cycles.note(searched.id, "search", "still here").text == "still here"
    with pytest.raises(InvalidInput, match="A note is of the kind search"):
        client.cycles.note(searched.id, "approved", "by nobody")
    client.cycles.cancel(searched.id, "the test is over")
    with pytest.raises(Conflict, match="is over"):
        client.cycles.note(searched.id, "search", "too late")


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (fl.Search(depth=(1, 5)), r"fl.Search\(depth=...\) names no parameter .* 'fit_tuned'; those are: strength"),
        (fl.Search(unused=(1, 5)), "those are: strength"),
    ],
)
def test_a_search_that_reaches_no_trainer_is_refused(client: Client, search: fl.Search, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        loop("lost", learn_tuned, search=search).register(client)


# ---------------------------------------------------------------------- a model that reads the attribute
@pytest.fixture(scope="module")
def reading(client: Client, version: str) -> Iterator[str]:
    made = loop("reading", learn_tuned, gates=[QUALITY, GAP], mitigate=["reject_option"],
                allow_attribute_at_prediction=True, watch=[])  # fmt: skip
    cycle = turn(client, made, version)
    assert cycle.stage is Stage.LIVE, cycle.words
    yield client.endpoints.describe("reading")["url"]
    client.endpoints.stop("reading", reason="the test is over")


def test_a_served_model_is_told_the_attribute_apart_from_the_features(client: Client, reading: str) -> None:
    part = people(40, seed=9)
    records, groups = part.select("skill", "place", "luck").to_dicts(), part["group"].to_list()

    def ask(told: object) -> httpx.Response:
        body = {"dataframe_records": records, **({} if told is None else {"params": {"sensitive": {"group": told}}})}
        return httpx.post(f"{reading}/invocations", json=body, timeout=30, trust_env=False)

    both = [ask([name] * 40).raise_for_status().json()["predictions"] for name in "AB"]
    own = ask(groups).raise_for_status().json()["predictions"]
    assert own == [(a if name == "A" else b) for a, b, name in zip(*both, groups, strict=True)]
    assert sum(both[1]) > sum(both[0])  # close to the border the group selected less often gets yes
    refused = ask(None)
    assert refused.status_code in {400, 422}
    assert "send it as parameters.sensitive.group" in refused.text
    assert ask([None] * 40).status_code == 200


def test_what_it_was_told_is_logged_apart(client: Client, reading: str) -> None:
    newest = httpx.get(f"{reading}/recent", timeout=30, trust_env=False)
    told = newest.json() if newest.status_code == 200 else []
    assert all("group" not in line["features"] for line in told)
