"""The writes that go round the web framework refuse what every other route refuses, in the same words."""

from __future__ import annotations

import httpx
import pytest
from tests.conftest import RunningServer

HOT = ["runs/log-metric", "runs/log-batch", "runs/log-parameter", "runs/set-tag"]


@pytest.mark.parametrize("path", HOT)
def test_refusals_are_those_of_other_routes(server: RunningServer, path: str) -> None:
    url = f"{server.url}/api/2.0/mlflow/{path}"
    body = {"run_id": "0" * 32, "key": "m", "value": "NaN"}
    assert httpx.post(url, json=body, headers={"Origin": "https://other.example"}).status_code == 403
    unknown = httpx.post(url, json=body, headers={"X-MLflow-Workspace": "nobody-has-it"})
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    missing = httpx.post(url, json=body)
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "content-security-policy" in missing.headers
    broken = httpx.post(url, content=b"{")
    assert (broken.status_code, broken.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert httpx.get(url).status_code in {404, 405}


@pytest.mark.parametrize("path", HOT)
def test_a_body_without_a_length_is_read_too(server: RunningServer, path: str) -> None:
    made = httpx.post(f"{server.url}/api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
    run_id = made.json()["run"]["info"]["run_id"]
    text = f'{{"run_id":"{run_id}","key":"m","value":"NaN"}}'.encode()
    answer = httpx.post(f"{server.url}/api/2.0/mlflow/{path}", content=iter([text[:10], text[10:]]))
    assert (answer.status_code, answer.json()) == (200, {})
