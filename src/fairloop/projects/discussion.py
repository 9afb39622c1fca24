"""Discussion: comments on cycles, models, runs, data and alerts, and whom they speak to.

Every member may comment, viewers too: who has to live with a model may ask about it. A comment is changed by its author
only; it is deleted by its author, or by an administrator of the project, and leaves a mark where it stood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from fairloop.access.audit import Audit
from fairloop.core.clock import Clock
from fairloop.core.discussion import SUBJECTS, Comment, Thread
from fairloop.core.ids import new_id
from fairloop.core.people import Identity
from fairloop.core.records import Page, page_size, page_start
from fairloop.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from fairloop.storage import discussion as rows
from fairloop.storage.engine import Connection, Database

LONGEST = 8000
MOST_MENTIONS = 20
_NONE = "No such comment, or you may not see it."

Told = Callable[[Connection, Comment, list[str]], None]
"""Called in the unit of work that writes a comment, with the names it newly speaks to."""


class Discussion:
    """``exists`` raises NotFound when a project holds no such object; ``names`` are the people who see a project."""

    def __init__(self, database: Database, clock: Clock, audit: Audit, *, exists: Callable[[str, str, str], None],
                 names: Callable[[str], list[str]], told: Told) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._audit = audit
        self._exists = exists
        self.names = names
        """Names of the people who see a project, and can be spoken to there."""
        self._told = told

    def add(self, project_id: str, kind: str, subject_id: str, identity: Identity, body: str) -> Comment:
        """Say something about an object; who is named with an @ is told."""
        if kind not in SUBJECTS:
            raise InvalidInput(f"kind={kind[:40]!r} cannot be talked about; use one of: {', '.join(SUBJECTS)}.")
        self._exists(project_id, kind, subject_id)
        text = checked(body)
        comment = Comment(id=new_id("cmt"), project_id=project_id, subject_kind=kind, subject_id=subject_id,
                          author=identity.name, verified=identity.verified, body=text,
                          mentions=mentioned(text, self.names(project_id)),
                          created_ms=self._clock.now_ms())  # fmt: skip

        def work(connection: Connection) -> None:
            rows.add(connection, comment)
            self._tell(connection, comment, comment.mentions)

        self._database.write(work)
        return comment

    def get(self, project_id: str, comment_id: str) -> Comment:
        comment = self._database.read(lambda c: rows.by_id(c, comment_id))
        if comment is None or comment.project_id != project_id:
            raise NotFound(_NONE)
        return comment

    def edit(self, project_id: str, comment_id: str, identity: Identity, body: str) -> Comment:
        """Change one's own comment; the audit log notes that it was, and readers see it."""
        comment = self._own(project_id, comment_id, identity)
        text = checked(body)
        changed = replace(comment, body=text, mentions=mentioned(text, self.names(project_id)),
                          edited_ms=self._clock.now_ms())  # fmt: skip
        entry = self._audit.entry(identity, "comment.edit", project_id=project_id, object=comment_id)

        def work(connection: Connection) -> None:
            if not rows.change(connection, comment_id, body=changed.body, mentions=changed.mentions,
                               edited_ms=changed.edited_ms):  # fmt: skip
                raise Conflict("This comment was deleted meanwhile; nothing was changed.")
            self._audit.append(connection, entry)
            self._tell(connection, changed, [name for name in changed.mentions if name not in comment.mentions])

        self._database.write(work)
        return changed

    def delete(self, project_id: str, comment_id: str, identity: Identity, *, administrator: bool = False) -> Comment:
        """Take the words away; that there were some, by whom and when, stays."""
        comment = self.get(project_id, comment_id) if administrator else self._own(project_id, comment_id, identity)
        now = self._clock.now_ms()
        entry = self._audit.entry(identity, "comment.delete", project_id=project_id, object=comment_id,
                                  detail={"author": comment.author})  # fmt: skip

        def work(connection: Connection) -> None:
            if not rows.change(connection, comment_id, body="", mentions=[], deleted_ms=now):
                raise Conflict("This comment was deleted already; nothing was changed.")
            self._audit.append(connection, entry)

        self._database.write(work)
        return replace(comment, body="", mentions=[], deleted_ms=now)

    def listed(self, project_id: str, kind: str | None = None, subject_id: str | None = None, *, limit: int = 100,
               cursor: str | None = None) -> Page[Comment]:  # fmt: skip
        """Comments of the project or of one object, newest first."""
        size, place = page_size(limit), page_start(cursor)
        found = self._database.read(lambda c: rows.listed(c, project_id, kind=kind, subject_id=subject_id,
                                                          limit=size + 1, before=place))  # fmt: skip
        last = found[size - 1] if len(found) > size else None
        return Page(items=found[:size], next=f"{last.created_ms}-{last.id}" if last else None)

    def threads(self, project_id: str, *, limit: int = 50, cursor: str | None = None) -> Page[Thread]:
        """Every object somebody commented on, the liveliest first."""
        size = page_size(limit)
        if cursor is not None and not cursor.isdecimal():
            raise InvalidInput(f"{cursor[:80]!r} is not a cursor of this list; leave it away for the first page.")
        before = int(cursor) if cursor else None
        found = self._database.read(lambda c: rows.threads(c, project_id, limit=size + 1, before_ms=before))
        last = found[size - 1] if len(found) > size else None
        return Page(items=found[:size], next=str(last.last.created_ms) if last else None)

    def _own(self, project_id: str, comment_id: str, identity: Identity) -> Comment:
        comment = self.get(project_id, comment_id)
        if comment.author != identity.name:
            raise PermissionDenied(f"This comment is {comment.author}'s; only they may change it.")
        return comment

    def _tell(self, connection: Connection, comment: Comment, names: list[str]) -> None:
        others = [name for name in names if name != comment.author]
        if others:
            self._told(connection, comment, others)


def checked(body: str) -> str:
    """The text as it is kept, or InvalidInput that names the limit."""
    text = body.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise InvalidInput("The comment is empty; write something.")
    if len(text) > LONGEST:
        raise InvalidInput(f"The comment has {len(text):,} characters; {LONGEST:,} are the most.")
    return text


def mention_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds ``@name`` in a text; the longest of several names that fit wins, and mail addresses are none."""
    known = sorted(names, key=len, reverse=True)
    if not known:
        return None
    return re.compile(rf"(?<![\w@.])@({'|'.join(re.escape(name) for name in known)})(?![\w@])", re.IGNORECASE)


def mentioned(text: str, names: Iterable[str]) -> list[str]:
    """The known names that ``text`` speaks to, in order and once each."""
    known = list(names)
    pattern = mention_pattern(known)
    spelled = {name.lower(): name for name in known}
    found = [spelled[m[1].lower()] for m in pattern.finditer(text)] if pattern else []
    return list(dict.fromkeys(found))[:MOST_MENTIONS]
