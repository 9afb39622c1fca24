"""No client ever names a storage path (reliability rows S01 to S11), and no model file is run by the server (S55)."""

from __future__ import annotations

import hashlib
import http.client
import pickle
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import RunningServer

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
SOURCES = [
    # S02 absolute and relative local paths, S03 file URLs, S04 host that is a path, S05 fragments, S06 parameters
    "/etc",
    "../../etc",
    "C:\\",
    "file:///etc",
    "file://./etc",
    "file:\\..\\..\\etc",
    "FILE:///etc",
    "//proc/self/root/etc",
    "///etc",
    "\\\\host\\share",
    "http:///#/../../etc/",
    "mlflow-artifacts:/x#/../..",
    "scheme://h/;..;/..;/etc",
    "mlflow-artifacts:/x?..",
    "dbfs:/etc",
    "s3://bucket/x",
    "gs://bucket/x",
    "ftp://127.0.0.1/x",
    "runs:/../../etc",
    "models:/../../etc",
    "mlflow-artifacts://host/0/x/artifacts",
    "mlflow-artifacts:///etc",
    "mlflow-artifacts:/../../etc",
    "mlflow-artifacts:/0/../artifacts",
    "models:/m-" + "0" * 31,
    "runs:/" + "0" * 32,
    "data:,x",
    "jar:file:/etc",
    "etc",
]
CLIMBS = [
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..%252f..%252fetc",
    "%2e%2e/%2e%2e/etc",
    "..%c0%afetc",
    "x/..%00",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "a//b",
    "a%5c..%5cb",
    "a%3f/b",
    "a%23b",
    "~/x",
    "a/%2e/b",
    "..",
    "a%0ab",
    "a%3a/b",
    "file:%2f%2fetc",
]
RESERVED_TAGS = [
    "mlflow.prompt.is_prompt",
    "mlflow.source.type",
    "mlflow.user",
    "mlflow.parentRunId",
    "mlflow.runName",
    "mlflow.artifactLocation",
    "mlflow.log-model.history",
    "fairloop.internal",
]


@pytest.fixture(scope="module")
def api(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as found:
        yield found


@pytest.fixture(scope="module")
def run(api: httpx.Client) -> dict[str, Any]:
    made = api.post(f"{API}/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
    assert api.put(f"{FILES}/0/{made['run_id']}/artifacts/model/keep.txt", content=b"keep").status_code == 200
    return dict(made)


@pytest.fixture(scope="module")
def model(api: httpx.Client) -> str:
    api.post(f"{API}/registered-models/create", json={"name": "m"})
    return "m"


def raw(server: RunningServer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """A request whose path nobody tidies on its way."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def files_of(api: httpx.Client, run: dict[str, Any]) -> list[str]:
    found = api.get(f"/api/v1/projects/default/runs/{run['run_id']}/artifacts").json()["items"]
    return [item["path"] for item in found]


@pytest.mark.parametrize("climb", CLIMBS)
def test_paths_that_climb_are_refused_on_every_file_route(
    server: RunningServer, api: httpx.Client, run: dict[str, Any], climb: str
) -> None:
    """S01, S07, S08, S09."""
    before = sorted(p for p in server.data.parent.rglob("*") if p.is_file() and ".db" not in p.name)
    below = f"{FILES}/0/{run['run_id']}/artifacts/{climb}"
    own = f"/api/v1/projects/default/runs/{run['run_id']}/artifacts/{climb}"
    asked = [
        ("GET", below),
        ("PUT", below),
        ("DELETE", below),
        ("GET", own),
        ("PUT", own),
        ("GET", f"{FILES}/{climb}"),
        ("PUT", f"{FILES}/{climb}"),
        ("DELETE", f"{FILES}/{climb}"),
        ("GET", f"{FILES}?path={climb}"),
        ("GET", f"{API}/artifacts/list?run_id={run['run_id']}&path={climb.replace('#', '%23')}"),
    ]
    for method, path in asked:
        status, body = raw(server, method, path, b"x" if method == "PUT" else None)
        assert status == 400, (method, path, status, body)
        assert b"root:" not in body
    assert files_of(api, run) == ["model/keep.txt"]
    assert sorted(p for p in server.data.parent.rglob("*") if p.is_file() and ".db" not in p.name) == before


@pytest.mark.parametrize("source", SOURCES)
def test_sources_that_are_not_ours_are_refused(api: httpx.Client, model: str, source: str) -> None:
    """S02 to S06, S11."""
    answer = api.post(f"{API}/model-versions/create", json={"name": model, "source": source})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("tag", RESERVED_TAGS)
def test_no_tag_changes_what_is_refused(api: httpx.Client, model: str, tag: str) -> None:
    """S10: the answer does not depend on tags, reserved or not."""
    for source in SOURCES:
        for value in ("true", "1", ""):
            body = {"name": model, "source": source, "tags": [{"key": tag, "value": value}]}
            assert api.post(f"{API}/model-versions/create", json=body).status_code == 400, source
    assert api.get(f"{API}/model-versions/search").json()["model_versions"] == []


def test_an_unknown_reference_is_missing_like_any_other(api: httpx.Client, model: str, run: dict[str, Any]) -> None:
    for source in (
        f"runs:/{'0' * 32}/model",
        f"mlflow-artifacts:/0/{'0' * 32}/artifacts/model",
        "models:/m/7",
        f"models:/m-{'0' * 32}",
        f"mlflow-artifacts:/7/{run['run_id']}/artifacts/model",
    ):
        assert api.post(f"{API}/model-versions/create", json={"name": model, "source": source}).status_code == 404, (
            source
        )


@pytest.mark.parametrize("location", [*SOURCES, "mlflow-artifacts:/0"])
def test_no_experiment_says_where_its_files_go(api: httpx.Client, location: str) -> None:
    """S08."""
    answer = api.post(f"{API}/experiments/create", json={"name": "located", "artifact_location": location})
    assert answer.status_code == 400, answer.text
    assert api.get(f"{API}/experiments/get-by-name?experiment_name=located").status_code == 404


def test_the_server_calls_nobody(api: httpx.Client, model: str) -> None:
    """S11: a source on the network is refused without a look at it."""
    calls = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(1.0)

    def answer() -> None:
        try:
            calls.append(listener.accept())
        except TimeoutError:
            return

    thread = threading.Thread(target=answer)
    thread.start()
    port = listener.getsockname()[1]
    for scheme in ("http", "https", "ftp", "s3", "file", "mlflow-artifacts"):
        body = {"name": model, "source": f"{scheme}://127.0.0.1:{port}/x"}
        assert api.post(f"{API}/model-versions/create", json=body).status_code == 400
    thread.join()
    listener.close()
    assert calls == []


def test_a_link_in_the_store_is_not_followed(
    server: RunningServer, api: httpx.Client, run: dict[str, Any], tmp_path: Path
) -> None:
    """S09: files are named by hash; a name below a run is a row and never a place on disk."""
    target = tmp_path / "outside"
    target.mkdir()
    (server.data / "artifacts" / run["run_id"]).symlink_to(target)
    try:
        assert api.put(f"{FILES}/0/{run['run_id']}/artifacts/link/x.txt", content=b"x").status_code == 200
        assert list(target.iterdir()) == []
        assert api.delete(f"{FILES}/0/{run['run_id']}/artifacts/link").status_code == 200
    finally:
        (server.data / "artifacts" / run["run_id"]).unlink()


class _Touch:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def test_no_pickle_is_ever_loaded_by_the_server(
    server: RunningServer, api: httpx.Client, run: dict[str, Any], model: str, tmp_path: Path
) -> None:
    """S55: as artifact, model, blob, metric and tag, then shown, searched, registered, downloaded."""
    canary = tmp_path / "canary"
    bomb = pickle.dumps(_Touch(canary))
    below = f"{FILES}/0/{run['run_id']}/artifacts"
    mlmodel = b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n"
    assert api.put(f"{below}/bomb/MLmodel", content=mlmodel).status_code == 200
    for name in ("bomb/model.pkl", "bomb/data.joblib", "bomb/x.npy", "bomb/x.json", "bomb/conda.yaml"):
        assert api.put(f"{below}/{name}", content=bomb).status_code == 200
    digest = hashlib.sha256(bomb).hexdigest()
    assert api.put(f"/api/v1/projects/default/blobs/{digest}", content=bomb).status_code == 200
    answer = api.post(f"{API}/model-versions/create", json={"name": model, "source": f"runs:/{run['run_id']}/bomb"})
    assert answer.status_code == 200
    version = answer.json()["model_version"]["version"]
    api.post(f"{API}/registered-models/alias", json={"name": model, "alias": "a", "version": version})
    uri = api.get(f"{API}/model-versions/get-download-uri?name={model}&version={version}").json()["artifact_uri"]
    reference = uri.removeprefix("mlflow-artifacts:/")
    assert api.get(f"{FILES}/{reference}/model.pkl").content == bomb
    assert api.put(f"{FILES}/{reference}/model.pkl", content=b"other").status_code == 403
    assert api.delete(f"{FILES}/{reference}/model.pkl").status_code == 403
    api.post(
        f"{API}/runs/set-tag",
        json={"run_id": run["run_id"], "key": "p", "value": bomb.decode("latin-1").replace("\0", "")},
    )
    api.post(f"{API}/runs/log-batch", content=bomb)
    for page in ("/", f"/projects/default/runs/{run['run_id']}", f"/projects/default/models/{model}/{version}"):
        api.get(page, headers={"Accept": "text/html"})
    api.post("/api/v1/projects/default/endpoints", json={"name": "e", "model": f"models:/{model}/{version}"})
    api.delete(f"{API}/registered-models/delete", params={"name": model})
    assert not canary.exists()
