"""Labelling tasks: open, answer, bring and fetch labels, close."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.labeling import FinalLabel, LabelItem, LabelTask, NewItem, Progress
from fairloop.core.records import Page, from_wire


class Labeling:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = f"{path}/labeling-tasks"

    def open(self, prescription_id: str | None = None, *, dataset_version_id: str | None = None,
             items: list[dict[str, Any]] | None = None, title: str = "", question: str = "", positive: str = "",
             negative: str = "", people: int = 2) -> LabelTask:  # fmt: skip
        """A task over the rows of a finished prescription, or over ``items`` (row_id and values) of a dataset version."""
        body = {"prescription_id": prescription_id, "dataset_version_id": dataset_version_id, "items": items or [],
                "title": title, "question": question, "positive": positive, "negative": negative, "people": people}  # fmt: skip
        return from_wire(LabelTask, self._http.json("POST", self._path, json=body))

    def get(self, task_id: str) -> LabelTask:
        return from_wire(LabelTask, self._http.json("GET", self._one(task_id)))

    def progress(self, task_id: str) -> Progress:
        """Items by state, answers by person, agreement."""
        return from_wire(Progress, self._http.json("GET", self._one(task_id, "progress")))

    def next(self, task_id: str) -> LabelItem | None:
        """The next row to answer; None when there is none for you."""
        found = self._http.json("GET", self._one(task_id, "next"))["item"]
        return None if found is None else from_wire(LabelItem, found)

    def items(self, task_id: str, *, cursor: str | None = None, limit: int = 100) -> Page[NewItem]:
        """The rows to label, as a labeller sees them."""
        answer = self._http.json("GET", self._one(task_id, "items"), params={"cursor": cursor, "limit": limit})
        return Page(items=[from_wire(NewItem, item) for item in answer["items"]], next=answer["next"])

    def answer(self, task_id: str, position: int, answer: str) -> LabelItem:
        """Say ``positive``, ``negative`` or ``skip`` of a row."""
        body = {"answer": answer}
        return from_wire(LabelItem, self._http.json("PUT", self._one(task_id, "answers", str(position)), json=body))

    def undo(self, task_id: str, position: int) -> LabelItem:
        """Take your own answer to a row back."""
        return from_wire(LabelItem, self._http.json("DELETE", self._one(task_id, "answers", str(position))))

    def bring(self, task_id: str, answers: list[dict[str, Any]]) -> int:
        """Answers made elsewhere (row_id and answer), as yours; how many were new."""
        return int(self._http.json("POST", self._one(task_id, "answers"), json={"answers": answers})["new"])

    def labels(self, task_id: str, *, cursor: str | None = None, limit: int = 100) -> Page[FinalLabel]:
        """What every row's answers came to."""
        answer = self._http.json("GET", self._one(task_id, "labels"), params={"cursor": cursor, "limit": limit})
        return Page(items=[from_wire(FinalLabel, item) for item in answer["items"]], next=answer["next"])

    def close(self, task_id: str) -> LabelTask:
        """End answering: the answers become a new dataset version, and its effect is measured."""
        return from_wire(LabelTask, self._http.json("POST", self._one(task_id, "closing")))

    def cancel(self, task_id: str) -> LabelTask:
        """End a task without using its answers."""
        return from_wire(LabelTask, self._http.json("POST", self._one(task_id, "cancellation")))

    def publish(self, task_id: str, version_id: str) -> LabelTask:
        """Note the dataset version made of the answers; workers only."""
        body = {"dataset_version_id": version_id}
        return from_wire(LabelTask, self._http.json("PUT", self._one(task_id, "publication"), json=body))

    def list(self, *, state: str | None = None, cursor: str | None = None, limit: int = 100) -> Page[LabelTask]:
        """Newest first; ``state`` is open, closing, closed or cancelled."""
        answer = self._http.json("GET", self._path, params={"state": state, "cursor": cursor, "limit": limit})
        return Page(items=[from_wire(LabelTask, item) for item in answer["items"]], next=answer["next"])

    def _one(self, task_id: str, *parts: str) -> str:
        return "/".join([self._path, quote(task_id, safe=""), *parts])
