"""Comments on what a project holds."""

from __future__ import annotations

from dataclasses import dataclass, field

SUBJECTS = ("cycle", "model", "model_version", "run", "dataset_version", "alert")
"""What can be talked about: kinds of objects, each named by its id (a model and a dataset version too)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment. ``body`` is Markdown as it was typed; a deleted one keeps its place and loses its words."""

    id: str
    project_id: str
    subject_kind: str
    subject_id: str
    author: str
    verified: bool = False
    body: str = ""
    mentions: list[str] = field(default_factory=list)
    """Names of the people it speaks to, each of whom sees the project."""
    created_ms: int = 0
    edited_ms: int | None = None
    deleted_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """All comments on one object, told by the newest."""

    subject_kind: str
    subject_id: str
    comments: int
    last: Comment
