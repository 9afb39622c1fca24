"""Predictions: ask an endpoint, and tell it later what turned out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http


class Predictions:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def _at(self, endpoint: str, rest: str) -> str:
        return f"{self._path}/endpoints/{quote(endpoint, safe='')}{rest}"

    def predict(self, endpoint: str, records: Sequence[dict[str, Any]], *,
                sensitive: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
        """Predictions, scores and prediction ids for rows; ``sensitive`` maps attribute to one value or one a row."""
        body: dict[str, Any] = {"dataframe_records": list(records)}
        if sensitive:
            body["params"] = {"sensitive": sensitive}
        found: dict[str, Any] = self._http.json("POST", self._at(endpoint, "/predict"), json=body)
        return found

    def feedback(self, endpoint: str, lines: Sequence[dict[str, Any]]) -> int:
        """Log ``{"prediction_id", "label"?, "sensitive"?}`` lines; returns how many, once they are on disk."""
        return int(self._http.json("POST", self._at(endpoint, "/feedback"), json=list(lines))["accepted"])

    def recent(self, endpoint: str, *, limit: int = 50) -> list[dict[str, Any]]:
        """The newest first, without sensitive values."""
        found: list[dict[str, Any]] = self._http.json("GET", self._at(endpoint, "/predictions"),
                                                      params={"limit": limit})["items"]  # fmt: skip
        return found

    def lineage(self, prediction_id: str) -> dict[str, Any]:
        """Where a prediction comes from: version, approval, gates, steps, data, commit, alert."""
        found: dict[str, Any] = self._http.json("GET", f"{self._path}/predictions/{prediction_id}")
        return found
