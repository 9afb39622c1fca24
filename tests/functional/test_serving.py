"""A real server and a real endpoint process: deploy, ask in both protocols, give feedback, split, roll out, go back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import RunningServer, running

from fairloop.client.client import Client
from fairloop.core.endpoints import DeploymentState
from fairloop.errors import Conflict, InvalidInput, NotFound, Unavailable
from fairloop.registry.model import Model
from support.serving import ROW, end_endpoints, frame, seed, trained


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("models")
    for number in (1, 2):
        trained(seed=number).save(root / str(number))
    return [root / "1", root / "2"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, folders: list[Path]) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("data")
    seed(data, folders)
    try:
        with running(data) as server:
            yield server
    finally:
        end_endpoints(data)


@pytest.fixture(scope="module")
def client(world: RunningServer) -> Client:
    return world.client()


@pytest.fixture(scope="module")
def url(client: Client) -> str:
    deployment = client.endpoints.deploy("income", "models:/income/1")
    assert deployment.state is DeploymentState.LIVE, deployment.reason
    assert deployment.share == 100
    return str(client.endpoints.describe("income")["url"])


def ask(url: str, body: Any, path: str = "/invocations", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(url + path, content=content, headers={"Content-Type": "application/json", **headers}, timeout=30)


def test_served_scores_equal_the_models_own(url: str, folders: list[Path]) -> None:
    X = frame(50, seed=9)
    native = Model.load(folders[0]).scores(X)
    records = json.loads(X.to_json(orient="records", double_precision=15))
    served = ask(url, {"dataframe_records": records}).json()
    assert served["scores"] == pytest.approx(native.tolist(), abs=1e-12)
    assert served["predictions"] == [int(s >= 0.5) for s in served["scores"]]
    assert len(set(served["prediction_ids"])) == 50


def test_every_form_of_invocations_gives_the_same_answer(url: str) -> None:
    names, values = list(ROW), list(ROW.values())
    bodies = [
        {"dataframe_records": [ROW]},
        {"dataframe_split": {"columns": names, "data": [values]}},
        {"instances": [ROW]},
        {"instances": [values]},
        {"inputs": {n: [v] for n, v in ROW.items()}},
        {"inputs": [ROW]},
    ]
    assert len({tuple(ask(url, body).raise_for_status().json()["scores"]) for body in bodies}) == 1


def test_open_inference_protocol(url: str) -> None:
    assert httpx.get(url + "/v2/health/ready").status_code == 200
    told = httpx.get(url + "/v2/models/income").json()
    assert [i["name"] for i in told["inputs"]] == list(ROW)
    kinds = {"age": "FP64", "hours": "FP64", "work": "BYTES"}
    tensors = [{"name": n, "shape": [2], "datatype": kinds[n], "data": [v, v]} for n, v in ROW.items()]
    answer = ask(url, {"id": "mine", "inputs": tensors, "parameters": {"sensitive": {"sex": ["F", "M"]}}},
                 "/v2/models/income/versions/1/infer").raise_for_status().json()  # fmt: skip
    outputs = {o["name"]: o["data"] for o in answer["outputs"]}
    assert answer["id"] == "mine"
    assert answer["model_version"] == "1"
    assert outputs["score"][0] == outputs["score"][1] == ask(url, {"dataframe_records": [ROW]}).json()["scores"][0]
    assert all(i.startswith("prd_") for i in outputs["prediction_id"])
    assert ask(url, {"inputs": tensors}, "/v2/models/other/infer").status_code == 404


@pytest.mark.parametrize(("change", "named"), [
    ({"age": "old"}, "age"), ({"age": True}, "age"), ({"work": ["x"]}, "work"), ({"sex": "F"}, "sex"),
    ({"hours": None, "age": {}}, "age"),
])  # fmt: skip
def test_input_that_does_not_fit_is_refused_by_column(url: str, change: dict[str, Any], named: str) -> None:
    answer = ask(url, {"dataframe_records": [{**ROW, **change}]})
    assert answer.status_code == 400
    assert repr(named) in answer.json()["detail"]


def test_a_forgotten_column_and_bare_nan_are_refused(url: str) -> None:
    answer = ask(url, {"dataframe_records": [{"age": 1.0, "hours": 2.0}]})
    assert answer.status_code == 400
    assert "'work'" in answer.json()["detail"]
    answer = ask(url, b'{"dataframe_records": [{"age": NaN, "hours": 1, "work": "x"}]}')
    assert answer.status_code == 400
    assert "null" in answer.json()["detail"]


def test_a_missing_value_is_scored_where_the_model_can(url: str) -> None:
    assert ask(url, {"dataframe_records": [{**ROW, "age": None, "work": None}]}).status_code == 200


def test_no_pickle_and_no_other_content_is_read(url: str) -> None:
    for kind in (
        "application/vnd.bentoml+pickle",
        "application/octet-stream",
        "application/x-npy",
        "text/csv",
        "text/plain",
    ):
        assert ask(url, b"\x80\x04.", **{"Content-Type": kind}).status_code == 415
    assert (
        ask(url, {"instances": [ROW]}, **{"Payload-Container": "pickle", "Content-Encoding": "gzip"}).status_code == 415
    )
    assert (
        ask(url, {"inputs": []}, "/v2/models/income/infer", **{"Inference-Header-Content-Length": "5"}).status_code
        == 415
    )


def test_control_needs_its_token_and_other_hosts_are_refused(url: str) -> None:
    for path in ("reload", "seal", "stop"):
        assert httpx.post(f"{url}/control/{path}").status_code == 401
        assert httpx.post(f"{url}/control/{path}", headers={"Authorization": "Bearer x"}).status_code == 401
    assert httpx.get(url + "/control/stats").status_code == 401
    assert ask(url, {"instances": [ROW]}, Host="evil.example:80").status_code == 403
    assert ask(url, {"instances": [ROW]}, Origin="http://evil.example").status_code == 403


def test_feedback_and_groups_count_once(client: Client, world: RunningServer, url: str) -> None:
    asked = client.predictions.predict("income", [ROW] * 4, sensitive={"race": ["A", "A", "B", None]})
    later = client.predictions.predict("income", [ROW] * 2)["prediction_ids"]
    lines = [{"prediction_id": i, "label": 1, "sensitive": {"race": "C"}} for i in later]
    assert client.predictions.feedback("income", lines) == 2
    assert client.predictions.feedback("income", lines) == 2
    again = [{"prediction_id": asked["prediction_ids"][0], "sensitive": {"race": "Z"}}]
    assert client.predictions.feedback("income", again) == 1
    client.http.json("GET", "/health")
    (folder,) = (world.data / "endpoints").iterdir()
    control = json.loads((folder / "state.json").read_text())["control_token"]
    httpx.post(url + "/control/seal", headers={"Authorization": f"Bearer {control}"}).raise_for_status()
    groups = next(iter(client.endpoints.describe("income")["traffic"].values()))["groups"]["race"]
    assert {g: n for g, (n, _) in groups.items()} == {"A": 2, "B": 1, "C": 2}
    told = [json.loads(line) for p in folder.glob("spool/feedback-*") for line in p.read_text().splitlines()]
    assert [line["prediction_id"] for line in told[:2]] == later
    with pytest.raises(NotFound):
        client.predictions.feedback("income", [{"prediction_id": later[0][:-1] + "0", "label": 1}])
    with pytest.raises(InvalidInput):
        client.predictions.feedback("income", [{"prediction_id": later[0]}])
    recent = client.predictions.recent("income", limit=2)
    assert [r["id"] for r in recent] == later[::-1]
    assert "race" not in json.dumps(recent)


def test_everything_sent_is_in_the_spool(client: Client, world: RunningServer, url: str) -> None:
    ids = set(ask(url, {"instances": [ROW] * 300}).json()["prediction_ids"])
    (folder,) = (world.data / "endpoints").iterdir()
    control = json.loads((folder / "state.json").read_text())["control_token"]
    httpx.post(url + "/control/seal", headers={"Authorization": f"Bearer {control}"}).raise_for_status()
    logged = [json.loads(line) for p in folder.glob("spool/predictions-*.jsonl") for line in p.read_text().splitlines()]
    assert ids <= {line["id"] for line in logged}
    assert set(logged[-1]) == {"id", "at_ms", "deployment", "features", "score", "predicted"}
    numbers = client.endpoints.describe("income")["log"]
    assert numbers["sent"] == numbers["logged"] + numbers["dropped"] == len(logged)


def test_two_versions_by_percent_and_back(client: Client, url: str) -> None:
    first = client.endpoints.deployments("income")[0].id
    second = client.endpoints.deploy("income", "income/2", share=30)
    assert second.state is DeploymentState.LIVE
    shares = {d.id: d.share for d in client.endpoints.deployments("income")}
    assert shares == {first: 70, second.id: 30}
    body = {"inputs": [{"name": n, "shape": [1], "datatype": "BYTES" if n == "work" else "FP64", "data": [v]}
                       for n, v in ROW.items()]}  # fmt: skip
    with httpx.Client() as http:
        seen = Counter(
            http.post(url + "/v2/models/income/infer", json=body).json()["model_version"] for _ in range(400)
        )
    assert 70 < seen["2"] < 170
    with pytest.raises(InvalidInput):
        client.endpoints.set_shares("income", {first: 50})
    with pytest.raises(Conflict):
        client.endpoints.retire("income", second.id)
    client.endpoints.set_shares("income", {second.id: 100})
    assert client.endpoints.roll_back("income", reason="it answers oddly").id == first
    assert client.endpoints.retire("income", second.id).state is DeploymentState.RETIRED
    assert ask(url, {"instances": [ROW]}).status_code == 200


def test_a_stopped_endpoint_starts_again_on_its_port(client: Client, url: str) -> None:
    client.endpoints.stop("income", reason="a pause")
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "/v2/health/live")
    with pytest.raises(Unavailable):
        client.predictions.predict("income", [ROW])
    client.endpoints.start("income")
    assert client.endpoints.describe("income")["url"] == url
    assert ask(url, {"instances": [ROW]}).status_code == 200


def test_another_projects_endpoint_looks_missing(client: Client, world: RunningServer, url: str) -> None:
    client.http.json("POST", "/api/v1/projects", json={"name": "other"})
    with pytest.raises(NotFound):
        world.client(project="other").endpoints.get("income")
