"""Analyses: questions about models and data that a worker answers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fairloop.client.blobs import Blobs
from fairloop.client.http import Http
from fairloop.core import codec
from fairloop.core.analyses import Analysis, AnalysisState, subject_kind
from fairloop.core.records import Page, from_wire
from fairloop.errors import StepFailed, Unavailable

PREDICTIONS = "predictions:/"
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.05, 0.5


class Analyses:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._root = path
        self._path = f"{path}/analyses"

    def start(self, kind: str, subject: str, params: dict[str, Any] | None = None) -> Analysis:
        """Ask ``kind`` about ``subject``; the same question asked before answers with the analysis there is.

        ``subject`` is ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``datasets:/NAME/VERSION``, ``predictions:/ID``
        (the model version that made it, with what it was asked), or the id of a model version, candidate, dataset version
        or cycle.
        """
        params = dict(params or {})
        if subject.startswith(PREDICTIONS):
            params["prediction_id"] = subject.removeprefix(PREDICTIONS)
            lineage = self._http.json("GET", f"{self._root}/predictions/{quote(params['prediction_id'], safe='')}")
            subject = str(lineage["model_version"]["id"])
        subject_id = self.subject_id(subject)
        body = {"kind": kind, "subject_kind": subject_kind(subject_id), "subject_id": subject_id, "params": params}
        return from_wire(Analysis, self._http.json("POST", self._path, json=body))

    def subject_id(self, subject: str) -> str:
        """The id behind ``models:/...`` or ``datasets:/...``; an id as it is."""
        if subject.startswith("models:/"):
            name, alias, version = subject.removeprefix("models:/").rpartition("@" if "@" in subject else "/")
            rest = f"/aliases/{quote(version, safe='')}" if alias == "@" else f"/versions/{quote(version, safe='')}"
            return str(self._http.json("GET", f"{self._root}/models/{quote(name, safe='')}{rest}")["id"])
        if subject.startswith("datasets:/"):
            name, _, version = subject.removeprefix("datasets:/").rpartition("/")
            if not name:
                name, version = version, "latest"
            found = self._http.json(
                "GET", f"{self._root}/datasets/{quote(name, safe='')}/versions/{quote(version, safe='')}"
            )
            return str(found["id"])
        return subject

    def get(self, analysis_id: str) -> Analysis:
        return from_wire(Analysis, self._http.json("GET", self._one(analysis_id)))

    def list(self, *, kind: str | None = None, subject: str | None = None, cursor: str | None = None,
             limit: int = 100) -> Page[Analysis]:  # fmt: skip
        """Newest first, those of one kind or about one subject when named."""
        subject_id = None if subject is None else self.subject_id(subject)
        params = {"kind": kind, "subject_id": subject_id, "cursor": cursor, "limit": limit}
        answer = self._http.json("GET", self._path, params=params)
        return Page(items=[from_wire(Analysis, item) for item in answer["items"]], next=answer["next"])

    def wait(self, analysis_id: str, *, timeout_s: float = 600.0) -> Analysis:
        """The analysis once it is done, its whole result in it.

        Raises
        ------
        StepFailed
            It failed; the message says why.
        Unavailable
            It is not done after ``timeout_s``; it goes on.
        """
        end, pause = time.monotonic() + timeout_s, _FIRST_LOOK_S
        while True:
            found = self.get(analysis_id)
            if found.state is AnalysisState.FAILED:
                raise StepFailed(found.error, pipeline_run_id=found.pipeline_run_id)
            if found.state.final:
                return self.whole(found)
            if time.monotonic() > end:
                raise Unavailable(
                    f"The analysis {analysis_id} is still {found.state} after {timeout_s:g} s; it goes on."
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK_S)

    def whole(self, analysis: Analysis) -> Analysis:
        """``analysis`` with a result that was kept as a file put in its place."""
        if set(analysis.result) != {"blob"}:
            return analysis
        data = Blobs(self._http, self._root).get(analysis.result["blob"])
        return replace(analysis, result=codec.loads(data))

    def finish(self, analysis_id: str, *, result: dict[str, Any], words: str = "") -> Analysis:
        """Hand in the answer; workers only."""
        body = {"result": result, "words": words}
        return from_wire(Analysis, self._http.json("POST", self._one(analysis_id) + "/result", json=body))

    def _one(self, analysis_id: str) -> str:
        return f"{self._path}/{quote(analysis_id, safe='')}"
