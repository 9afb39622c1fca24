"""Appeals, from a real prediction id to a label in the log and an alert; and what strangers cannot do with them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import polars as pl
import pytest
from tests.conftest import RunningServer, running

from fairloop.client.client import Client
from fairloop.core.appeals import METRIC
from fairloop.errors import Conflict, InvalidInput, NotFound, Refused
from fairloop.monitoring.log import PredictionLog
from support.serving import end_endpoints, fleet, frame, trained

WHY = "I earn more than the form could say."
CODE = re.compile(r"apc_[\w-]+\.[0-9a-f]{64}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("model")
    trained().save(folder)
    made = fleet(data)
    made.register(folder)
    made.close()
    try:
        with running(data) as server:
            yield server
    finally:
        end_endpoints(data)


@pytest.fixture(scope="module")
def client(world: RunningServer) -> Client:
    found = world.client()
    found.endpoints.deploy("income", "models:/income/1")
    return found


def asked(client: Client, rows: int, seed: int, sex: str) -> list[str]:
    table = frame(rows, seed=seed)
    told = client.predictions.predict("income", table.to_dict("records"), sensitive={"sex": sex})
    return [str(i) for i in told["prediction_ids"]]


def address(client: Client) -> str:
    return client.appeals.desks().items[0].address


def contest(world: RunningServer, client: Client, prediction_id: str, **more: str) -> httpx.Response:
    form = {"prediction": prediction_id, "reason": WHY, **more}
    return httpx.post(world.url + address(client), data=form, headers={"Origin": world.url})


def wait_for(check: Any, seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_upheld_appeals_become_labels_and_an_alert_of_distinct_people(world: RunningServer, client: Client) -> None:
    women, men = asked(client, 60, 1, "Female"), asked(client, 140, 2, "Male")
    endpoint = client.endpoints.get("income")
    filed = [client.appeals.file("income", i, WHY) for i in [*women[:12], men[0]]]
    assert len({r.code for r in filed}) == len(filed)
    # brigading: the same prediction contested again and again, and a pile of undecided ones
    for _ in range(5):
        client.appeals.file("income", men[1], WHY)
    waiting = client.appeals.list(state="open").items
    assert len(waiting) == 18
    version = client.models.version("income", 1)
    assert client.appeals.summary(version.id).open == 14
    assert not client.alerts.list().items

    by_prediction = {a.prediction_id: a for a in waiting}
    for prediction_id in women[:12]:
        done = client.appeals.decide(
            by_prediction[prediction_id].id, uphold=True, reason="The form has no field for it."
        )
        assert done.state == "upheld"
        assert done.label == (not done.answered)
    rejected = client.appeals.decide(by_prediction[men[1]].id, uphold=False, reason="The income was counted.")
    assert rejected.label is None
    with pytest.raises(Conflict, match="decided already"):
        client.appeals.decide(by_prediction[men[1]].id, uphold=True, reason="second thoughts")
    assert {a.state for a in client.appeals.list().items if a.prediction_id == men[1]} == {"rejected"}

    alerts = wait_for(lambda: [a for a in client.alerts.list().items if a.verdict.check.metric == METRIC])
    assert len(alerts) == 1
    assert "women" in alerts[0].words
    assert alerts[0].verdict.low > 1.25
    page = httpx.get(f"{world.url}/projects/default/alerts", headers={"Accept": "text/html"})
    assert (page.status_code, "Appeals of women are upheld" in page.text) == (200, True)
    assert client.http.json("GET", "/api/v1/notices")["items"][0]["kind"] == "appeal.flood"
    log = PredictionLog(world.data / "endpoints" / endpoint.id)
    assert wait_for(lambda: log.collect() is not None and log.labels().height >= 12)
    labels = pl.read_delta(str(log.table("labels")))
    assert set(labels["id"]) == set(women[:12])
    assert set(labels["source"]) == {"appeal"}

    told = client.appeals.summary(version.id)
    assert (told.predictions, told.open, told.upheld, told.rejected) == (14, 1, 12, 1)
    assert told.words == "14 answers of this version were contested: 12 upheld, 1 rejected, 1 undecided."
    assert told.decided[0]["decision_reason"]
    actions = [e.action for e in client.audit.entries(limit=1000).items]
    assert {"appeal.file", "appeal.upheld", "appeal.rejected"} <= set(actions)


def test_feedback_cannot_pretend_to_be_an_appeal(client: Client) -> None:
    [one] = asked(client, 1, 3, "Male")
    with pytest.raises(InvalidInput, match="leave source away"):
        client.predictions.feedback("income", [{"prediction_id": one, "label": True, "source": "appeal"}])


def test_known_and_unknown_ids_are_answered_alike(world: RunningServer, client: Client) -> None:
    [known] = asked(client, 1, 4, "Female")
    forged = known[:-1] + ("0" if known[-1] != "0" else "1")
    answers = [contest(world, client, i) for i in (known, forged, "prd_" + "q" * 53, "no id at all")]
    assert [a.status_code for a in answers] == [200] * 4
    bodies = {CODE.sub("CODE", a.text) for a in answers}
    assert len(bodies) == 1
    codes = [CODE.search(a.text) for a in answers]
    states = [
        httpx.post(world.url + "/appeal-answer", data={"code": c[0]}, headers={"Origin": world.url}) for c in codes if c
    ]
    assert len(states) == 4
    assert len({s.text for s in states}) == 1
    assert "waits for a person" in states[0].text
    [mine] = [a for a in client.appeals.list(state="open").items if a.prediction_id == known]
    assert mine.filer
    assert "127.0.0.1" not in str(mine)
    client.appeals.decide(mine.id, uphold=True, reason="You are right about the form.")
    after = httpx.post(world.url + "/appeal-answer", data={"code": codes[0][0]}, headers={"Origin": world.url})  # type: ignore[index]
    assert "You are right about the form." in after.text


def test_appeals_can_be_off(world: RunningServer, client: Client) -> None:
    [one] = asked(client, 1, 5, "Male")
    client.appeals.switch(takes=False, endpoint="income")
    try:
        shut = contest(world, client, one)
        nowhere = httpx.get(world.url + "/appeal/end_000000000000000000")
        assert shut.status_code == nowhere.status_code == 404
        with pytest.raises(Refused, match="takes no appeals"):
            client.appeals.file("income", one, WHY)
    finally:
        client.appeals.switch(takes=True, endpoint="income")
    client.appeals.switch(takes=False)
    assert httpx.get(world.url + address(client)).status_code == 404
    client.appeals.switch(takes=True)
    assert httpx.get(world.url + address(client)).status_code == 200


def test_an_address_that_files_too_often_is_stopped(world: RunningServer, client: Client) -> None:
    answers = [contest(world, client, f"guess {n}") for n in range(12)]
    assert 429 in {a.status_code for a in answers}
    assert "too often" in answers[-1].text


def test_staff_is_told_plainly_about_a_wrong_id(client: Client) -> None:
    with pytest.raises(NotFound, match="No such prediction"):
        client.appeals.file("income", "prd_wrong", WHY)
    with pytest.raises(InvalidInput, match="what is wrong"):
        client.appeals.file("income", "prd_wrong", "short")
