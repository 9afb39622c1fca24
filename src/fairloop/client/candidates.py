"""Candidates and their evaluations over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.checks import Verdict
from fairloop.core.models import Candidate, Evaluation
from fairloop.core.records import Page, from_wire, to_plain


class Candidates:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = f"{path}/candidates"

    def create(self, *, pipeline_run_id: str, step_run_id: str, model_sha256: str, cycle_id: str | None = None, method: str = "plain",
               strength: float | None = None, slot: int = 0, settings: dict[str, Any] | None = None, run_id: str | None = None, profile: dict[str, Any] | None = None,
               signature: dict[str, Any] | None = None) -> Candidate:  # fmt: skip
        """Register a trained model; the same step run (and slot) answers with the candidate it registered first."""
        body = {"pipeline_run_id": pipeline_run_id, "step_run_id": step_run_id, "model_sha256": model_sha256, "cycle_id": cycle_id, "method": method,
                "strength": strength, "slot": slot, "settings": settings, "run_id": run_id, "profile": profile or {}, "signature": signature or {}}  # fmt: skip
        return from_wire(Candidate, self._http.json("POST", self._path, json=body))

    def add_evaluation(self, candidate_id: str, *, part: str, n: int, predictions_sha256: str, part_sha256: str,
                       metrics: dict[str, Any], groups: dict[str, Any] | None = None,
                       drivers: list[dict[str, Any]] | None = None,
                       verdicts: list[Verdict] | None = None) -> Evaluation:  # fmt: skip
        body = {"part": part, "n": n, "predictions_sha256": predictions_sha256, "part_sha256": part_sha256,
                "metrics": metrics, "groups": groups or {}, "drivers": drivers or [],
                "verdicts": to_plain(verdicts or [])}  # fmt: skip
        return from_wire(Evaluation, self._http.json("POST", self._one(candidate_id) + "/evaluations", json=body))

    def get(self, candidate_id: str) -> Candidate:
        return from_wire(Candidate, self._http.json("GET", self._one(candidate_id)))

    def evaluations(self, candidate_id: str) -> list[Evaluation]:
        """What was measured about a candidate, oldest first."""
        answer = self._http.json("GET", self._one(candidate_id) + "/evaluations")
        return [from_wire(Evaluation, item) for item in answer["items"]]

    def list(self, *, cycle_id: str | None = None, pipeline_run_id: str | None = None, cursor: str | None = None,
             limit: int = 100) -> Page[Candidate]:  # fmt: skip
        """Candidates, of one cycle or pipeline run when named, in the order they were judged."""
        params = {"cycle_id": cycle_id, "pipeline_run_id": pipeline_run_id, "cursor": cursor, "limit": limit}
        answer = self._http.json("GET", self._path, params=params)
        return Page(items=[from_wire(Candidate, item) for item in answer["items"]], next=answer["next"])

    def _one(self, candidate_id: str) -> str:
        return f"{self._path}/{quote(candidate_id, safe='')}"
