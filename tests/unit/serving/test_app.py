"""The endpoint's application over plain ASGI: nothing a client sends makes a 5xx, and tokens are asked for."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairloop.serving.app import EndpointApp
from fairloop.serving.engine import Engine
from fairloop.serving.layout import Config, Folder, Served
from support.serving import ROW, trained

Answer = tuple[int, Any]


class Asgi:
    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.engine = Engine(folder)
        self.engine.start()
        self.stopped = False
        self.app = EndpointApp(self.engine, control_token="control", stop=self.stop)

    def stop(self) -> None:
        self.stopped = True

    def ask(self, method: str, path: str, body: bytes = b"", *, chunks: int = 1, **headers: str) -> Answer:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        given = {"host": "127.0.0.1:1", "content-type": "application/json", **named}
        size = math.ceil(len(body) / chunks) or 1
        parts = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path,
                 "headers": [(k.encode(), v.encode("latin-1")) for k, v in given.items()]}  # fmt: skip
        self.loop.run_until_complete(self.app(scope, receive, send))
        return sent[0]["status"], json.loads(sent[1]["body"])

    def close(self) -> None:
        self.loop.run_until_complete(asyncio.to_thread(self.engine.close))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asgi]:
    folder = Folder(tmp_path_factory.mktemp("endpoint"))
    folder.make()
    trained().save(folder.models / "a")
    served = Served(deployment_id="dep_" + "0" * 18, model_version_id="ver_1", model="income", version=1,
                    folder="models/a", share=100)  # fmt: skip
    folder.write_config(Config(endpoint_id="end_1", endpoint="loans", id_key="00" * 32, deployments=[served],
                               max_body_bytes=100_000))  # fmt: skip
    made = Asgi(folder)
    yield made
    made.close()


GOOD = json.dumps({"instances": [ROW]}).encode()
SCALAR = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
FIELD = JSON = st.recursive(
    SCALAR, lambda s: st.lists(s, max_size=4) | st.dictionaries(st.text(max_size=8), s, max_size=4), max_leaves=12
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, FIELD)) | JSON, max_size=3)
INVOCATION = st.fixed_dictionaries({}, optional={
    "dataframe_records": ROWS, "instances": ROWS | st.lists(st.lists(FIELD, max_size=4), max_size=3),
    "inputs": st.fixed_dictionaries({n: st.lists(FIELD, max_size=2) for n in ROW}) | JSON, "params": JSON,
    "dataframe_split": st.fixed_dictionaries({"columns": st.just(list(ROW)) | JSON, "data": JSON})})  # fmt: skip
TENSOR = st.fixed_dictionaries({
    "name": st.sampled_from(list(ROW)) | FIELD, "shape": st.lists(st.integers(-1, 3), max_size=3) | FIELD,
    "datatype": st.sampled_from(["FP64", "BYTES", "INT64", "BOOL"]) | FIELD,
    "data": st.lists(FIELD, max_size=3) | FIELD,
})  # fmt: skip
OIP = st.fixed_dictionaries(
    {"inputs": st.lists(TENSOR, max_size=4) | FIELD},
    optional={"id": FIELD, "parameters": st.fixed_dictionaries({"sensitive": JSON}) | JSON})  # fmt: skip
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def body_of(value: Any) -> bytes:
    return json.dumps(value).encode()


@FUZZ
@given(INVOCATION | JSON)
def test_malformed_invocations_are_refused_clearly(app: Asgi, value: Any) -> None:
    status, told = app.ask("POST", "/invocations", body_of(value))
    assert status < 500
    assert status == 200 or told["detail"]


@FUZZ
@given(OIP | JSON)
def test_malformed_inference_requests_are_refused_clearly(app: Asgi, value: Any) -> None:
    status, told = app.ask("POST", "/v2/models/loans/infer", body_of(value))
    assert status < 500
    assert status == 200 or told["detail"]


@FUZZ
@given(st.binary(max_size=200) | st.sampled_from([b"[" * 50_000, b'{"a":' * 10_000, b'{"instances": [\xff]}']))
def test_bytes_that_are_no_json_are_refused(app: Asgi, value: bytes) -> None:
    assert app.ask("POST", "/invocations", value, chunks=3)[0] == 400
    assert app.ask("POST", "/v2/models/income/infer", value)[0] == 400


def test_a_request_in_pieces_and_limits(app: Asgi) -> None:
    assert app.ask("POST", "/invocations", GOOD, chunks=7)[0] == 200
    assert app.ask("POST", "/invocations", b" " * 100_001, chunks=5)[0] == 413
    assert app.ask("POST", "/invocations", GOOD, content_length="100001")[0] == 413
    assert app.ask("POST", "/invocations", GOOD, content_type="application/json; charset=utf-8")[0] == 200
    many = body_of({"instances": [[]] * 20_000})
    assert app.ask("POST", "/invocations", many)[0] == 400


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/"), ("GET", "/invocations"), ("POST", "/v2/models/loans"), ("GET", "/v2/models/nope"),
    ("GET", "/v2/models/loans/versions/7"), ("POST", "/v2/models/loans/versions/1/infer/x"), ("PUT", "/v2"),
    ("GET", "/v2/models/loans/../../config.json"), ("POST", "/v2/repository/models/x/load"),
])  # fmt: skip
def test_what_is_not_there_is_not_found(app: Asgi, method: str, path: str) -> None:
    assert app.ask(method, path, GOOD)[0] == 404


def test_the_one_tensor_form(app: Asgi) -> None:
    tensor = {"name": "all", "shape": [2, 3], "datatype": "FP64", "data": [[1, 2, "private"], [3, 4, None]]}
    status, told = app.ask("POST", "/v2/models/loans/infer", body_of({"inputs": [tensor]}))
    assert (status, told["outputs"][0]["shape"]) == (200, [2])


def test_control_and_reload(app: Asgi) -> None:
    token = {"authorization": "Bearer control"}
    assert app.ask("POST", "/control/reload", authorization="Bearer no")[0] == 401
    assert app.ask("POST", "/control/nothing", **token)[0] == 404
    assert app.ask("POST", "/control/seal", **token)[0] == 200
    config = app.folder.read_config()
    broken = replace(config.deployments[0], deployment_id="dep_" + "1" * 18, folder="models/none", share=50, version=2)
    app.folder.write_config(replace(config, deployments=[replace(config.deployments[0], share=50), broken]))
    status, told = app.ask("POST", "/control/reload", **token)
    assert status == 200
    assert set(told["failed"]) == {broken.deployment_id}
    assert app.ask("POST", "/invocations", GOOD)[0] == 200
    app.folder.write_config(config)
    assert app.ask("POST", "/control/reload", **token)[1]["failed"] == {}


def test_secured_mode_asks_for_a_token(app: Asgi) -> None:
    config = app.folder.read_config()
    app.folder.write_config(replace(config, token_hashes=[hashlib.sha256(b"flp_good").hexdigest()]))
    app.ask("POST", "/control/reload", authorization="Bearer control")
    try:
        assert app.ask("POST", "/invocations", GOOD)[0] == 401
        assert app.ask("POST", "/invocations", GOOD, authorization="Bearer flp_bad")[0] == 401
        assert app.ask("POST", "/invocations", GOOD, authorization="Basic !!!")[0] == 401
        assert app.ask("POST", "/invocations", GOOD, authorization="Bearer flp_good")[0] == 200
        assert app.ask("POST", "/invocations", GOOD, authorization="Basic eDpmbHBfZ29vZA==")[0] == 200
        assert app.ask("POST", "/invocations", GOOD, authorization="Bearer control")[0] == 200
        assert app.ask("GET", "/v2/models/loans")[0] == 401
        assert app.ask("GET", "/v2/health/live")[0] == 200
    finally:
        app.folder.write_config(config)
        app.ask("POST", "/control/reload", authorization="Bearer control")
    assert app.ask("POST", "/invocations", GOOD)[0] == 200
