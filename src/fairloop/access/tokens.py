"""API tokens (``flp_...``) for people's programs and worker tokens (``flw_...``) for step processes.

An API token is 256 random bits, shown once and stored as its sha256. A worker token is a keyed hash over its project
and worker name: nothing is stored, and it works across restarts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from fairloop.access.audit import Audit
from fairloop.access.keys import Key, hash_of
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.people import Identity, NewToken, Token
from fairloop.errors import InvalidInput, NotFound, PermissionDenied
from fairloop.storage import people as rows
from fairloop.storage.engine import Connection, Database

API_PREFIX = "flp_"
WORKER_PREFIX = "flw_"
DAY_MS = 86_400_000
_MAX_DAYS = 366
_WORKER = re.compile(r"flw_([a-z0-9_]{1,64})\.([A-Za-z0-9_-]{0,64})\.([0-9a-f]{64})")
_NOTE_USE_MS = 60_000


class Tokens:
    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._worker_key = Key(database, "worker_tokens")
        self.changed: Callable[[], None] = lambda: None
        """Called after a revocation; the server clears its cache of identities here."""

    def create(self, identity: Identity, name: str, *, project_id: str | None = None, days: float = 90) -> NewToken:
        """A token that may what its owner may, in one project only when ``project_id`` says so."""
        if not identity.person_id or identity.kind not in {"person", "token"}:
            raise PermissionDenied("Only a person can have tokens; log in as one.")
        if identity.token_project_id is not None and project_id != identity.token_project_id:
            raise PermissionDenied("A token of one project can only make tokens of that project.")
        if not 0 < days <= _MAX_DAYS:
            raise InvalidInput(f"days={days} is out of range; a token lives up to {_MAX_DAYS} days.")
        check_name(name, "token")
        secret, now = API_PREFIX + secrets.token_urlsafe(32), self._clock.now_ms()
        token = Token(id=new_id("tok"), person_id=identity.person_id, name=name, project_id=project_id,
                      created_ms=now, expires_ms=now + round(days * DAY_MS))  # fmt: skip
        entry = self._audit.entry(identity, "token.create", project_id=project_id, object=token.id,
                                  detail={"name": name, "days": days})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.add_token(connection, token, hash_of(secret))
            self._audit.append(connection, entry)

        self._database.write(work)
        return NewToken(token=token, secret=secret)

    def check(self, secret: str) -> Token | None:
        """The token with this secret if it is usable now; its use is noted."""
        if not secret.startswith(API_PREFIX):
            return None
        token = self._database.read(lambda c: rows.token_by_hash(c, hash_of(secret)))
        now = self._clock.now_ms()
        if token is None or token.revoked_ms is not None or token.expires_ms <= now:
            return None
        if now - (token.last_used_ms or 0) > _NOTE_USE_MS:
            self._database.submit(lambda c: rows.used(c, token.id, now))
        return token

    def of(self, person_id: str | None) -> list[Token]:
        """A person's tokens, newest first; everybody's for None."""
        return self._database.read(lambda c: rows.tokens_of(c, person_id))

    def revoke(self, identity: Identity, token_id: str) -> None:
        """End a token of one's own (administrators: of anybody) within a second, everywhere."""
        now = self._clock.now_ms()
        owner = None if identity.administrator and identity.token_project_id is None else identity.person_id
        entry = self._audit.entry(identity, "token.revoke", object=token_id)

        def work(connection: Connection) -> None:
            known = [t for t in rows.tokens_of(connection, owner) if t.id == token_id]
            if not known or identity.token_project_id not in {None, known[0].project_id}:
                raise NotFound("No such token, or you may not see it.")
            if rows.revoke(connection, now, token_id=token_id):
                self._audit.append(connection, entry)

        self._database.write(work)
        self.changed()

    # ---- step processes
    def worker_token(self, project_id: str, worker: str = "") -> str:
        """The token a step's process uses: work of ``project_id`` only."""
        text = f"{project_id}.{worker}"
        return f"{WORKER_PREFIX}{text}.{self._worker_key.sign(text)}"

    def check_worker(self, secret: str) -> tuple[str, str] | None:
        """(project id, worker name) of a worker token this server made; None for any other text."""
        match = _WORKER.fullmatch(secret)
        if match is None or not self._worker_key.signed(f"{match[1]}.{match[2]}", match[3]):
            return None
        return match[1], match[2]

    # ---- endpoint processes
    def hashes(self, project_id: str) -> list[tuple[str, str]]:
        """(sha256, owner's person id) of every usable token that reaches into the project: what an endpoint
        process compares a Bearer token's sha256 (see :func:`fairloop.access.keys.hash_of`) with."""
        now = self._clock.now_ms()
        return self._database.read(lambda c: rows.hashes_of(c, project_id, now))
