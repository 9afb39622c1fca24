"""The server process loads no numerical library, whatever it is asked: decision 0002."""

from __future__ import annotations

from pathlib import Path

import httpx
from tests.conftest import RunningServer

HEAVY = ("/numpy/", "/pandas/", "/polars/", "/pyarrow/", "/scipy/", "/sklearn/", "/lightgbm/", "/mlflow/")
ASKED = ["/", "/projects/default", "/projects/default/models", "/projects/default/endpoints", "/api/v1/openapi.json",
         "/api/v1/projects/default/runs", "/api/v1/projects/default/cycles", "/api/v1/projects/default/alerts"]  # fmt: skip


def test_no_heavy_library_is_mapped(server: RunningServer) -> None:
    for path in ASKED:
        assert httpx.get(server.url + path, follow_redirects=True).status_code == 200, path
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert not [name for name in HEAVY if name in mapped]
