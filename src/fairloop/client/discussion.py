"""Comments: read, write, change, delete."""

from __future__ import annotations

from urllib.parse import quote

from fairloop.client.http import Http
from fairloop.core.discussion import Comment, Thread
from fairloop.core.records import Page, from_wire


class Discussion:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = f"{path}/comments"
        self._threads = f"{path}/threads"

    def list(self, kind: str | None = None, subject_id: str | None = None, *, limit: int = 100,
             cursor: str | None = None) -> Page[Comment]:  # fmt: skip
        """Comments of the project, or of one object (kind and id), newest first."""
        params = {"kind": kind, "subject_id": subject_id, "limit": limit, "cursor": cursor}
        page = self._http.json("GET", self._path, params=params)
        return Page(items=[from_wire(Comment, item) for item in page["items"]], next=page["next"])

    def threads(self, *, limit: int = 50, cursor: str | None = None) -> Page[Thread]:
        """What is talked about, the liveliest first."""
        page = self._http.json("GET", self._threads, params={"limit": limit, "cursor": cursor})
        return Page(items=[from_wire(Thread, item) for item in page["items"]], next=page["next"])

    def add(self, kind: str, subject_id: str, body: str) -> Comment:
        """Comment on an object: ``kind`` is cycle, model, model_version, run, dataset_version or alert."""
        told = {"kind": kind, "subject_id": subject_id, "body": body}
        return from_wire(Comment, self._http.json("POST", self._path, json=told))

    def edit(self, comment_id: str, body: str) -> Comment:
        return from_wire(Comment, self._http.json("PATCH", self._at(comment_id), json={"body": body}))

    def delete(self, comment_id: str) -> Comment:
        """Take the words away; a mark stays."""
        return from_wire(Comment, self._http.json("DELETE", self._at(comment_id)))

    def _at(self, comment_id: str) -> str:
        return f"{self._path}/{quote(comment_id, safe='')}"
