"""Appeals: hand in, read, decide; and where they are taken."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.appeals import Appeal, AppealDesk, AppealSummary, Judged, Judging, Receipt
from fairloop.core.records import Page, from_wire, to_wire


class Appeals:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._project = path
        self._path = f"{path}/appeals"

    def list(self, *, state: str | None = None, limit: int = 100, cursor: str | None = None) -> Page[Appeal]:
        """Newest first; ``state`` is open, upheld or rejected."""
        page = self._http.json("GET", self._path, params={"state": state, "limit": limit, "cursor": cursor})
        return Page(items=[from_wire(Appeal, item) for item in page["items"]], next=page["next"])

    def file(self, endpoint: str, prediction_id: str, reason: str, *, contact: str = "") -> Receipt:
        """Hand in an appeal that reached you by letter or a page of your own; give the code to who appealed."""
        told = {"endpoint": endpoint, "prediction_id": prediction_id, "reason": reason, "contact": contact}
        return from_wire(Receipt, self._http.json("POST", self._path, json=told))

    def get(self, appeal_id: str) -> Appeal:
        return from_wire(Appeal, self._http.json("GET", f"{self._path}/{quote(appeal_id, safe='')}"))

    def decide(self, appeal_id: str, *, uphold: bool, reason: str, label: Any = None) -> Appeal:
        """Uphold or reject; who appealed reads the reason, and an upheld one becomes the prediction's label."""
        told = {"uphold": uphold, "reason": reason, "label": label}
        path = f"{self._path}/{quote(appeal_id, safe='')}/decision"
        return from_wire(Appeal, self._http.json("POST", path, json=told))

    def desks(self) -> Page[AppealDesk]:
        """Each endpoint with the page where its predictions can be contested, and whether it is open."""
        found = self._http.json("GET", f"{self._project}/appeal-desks")["items"]
        return Page(items=[from_wire(AppealDesk, item) for item in found])

    def switch(self, *, takes: bool, endpoint: str = "") -> Page[AppealDesk]:
        """Take appeals, or stop, for the project or one endpoint."""
        told = {"takes": takes, "endpoint": endpoint}
        found = self._http.json("PUT", f"{self._project}/appeal-desks", json=told)["items"]
        return Page(items=[from_wire(AppealDesk, item) for item in found])

    def summary(self, model_version_id: str) -> AppealSummary:
        """The appeals against one model version, counted by prediction."""
        path = f"{self._project}/model-versions/{quote(model_version_id, safe='')}/appeals"
        return from_wire(AppealSummary, self._http.json("GET", path))

    # ---- for the step that compares groups
    def judging(self, endpoint: str) -> Judging:
        return from_wire(Judging, self._http.json("GET", self._at(endpoint)))

    def record(self, endpoint: str, judged: Judged) -> None:
        self._http.json("POST", self._at(endpoint), json=to_wire(judged))

    def _at(self, endpoint: str) -> str:
        return f"{self._project}/endpoints/{quote(endpoint, safe='')}/appeal-verdicts"
