"""Who a request speaks for: secrets and names looked up at most once a second, forgotten at every local change."""

from __future__ import annotations

import getpass
from collections.abc import Callable

from fairloop.access.people import People
from fairloop.access.sessions import Sessions
from fairloop.access.tokens import API_PREFIX, WORKER_PREFIX, Tokens
from fairloop.core.clock import Clock
from fairloop.core.people import Identity
from fairloop.errors import NotFound

ANONYMOUS = Identity(kind="anonymous")
FRESH_S = 1.0
_MOST = 4096


def owner_name() -> str:
    """The operating system's name for who runs the server."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container user without a passwd entry
        return "owner"


class Identities:
    def __init__(self, people: People, tokens: Tokens, sessions: Sessions, clock: Clock) -> None:
        self._people = people
        self._tokens = tokens
        self._sessions = sessions
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Identity | None]] = {}
        people.changed = tokens.changed = sessions.changed = self.clear

    def clear(self) -> None:
        self._known = {}

    def known(self, kind: str, text: str) -> tuple[bool, Identity | None]:
        """(whether looked up within the last second, what was found): answers without touching the database."""
        found = self._known.get((kind, text))
        if found is None or found[0] < self._clock.monotonic_s():
            return False, None
        return True, found[1]

    def look_up(self, kind: str, text: str) -> Identity | None:
        """The identity behind a token, session or (local mode) named person; None when it is not valid now."""
        known = self._known  # a change while we read replaces the dict: then this answer is kept by nobody
        if len(known) >= _MOST:
            known = self._known = {}
        look: dict[str, Callable[[str], Identity | None]] = {"token": self._token, "session": self._session,
                                                             "person": self._person}  # fmt: skip
        identity = look[kind](text)
        known[(kind, text)] = (self._clock.monotonic_s() + FRESH_S, identity)
        return identity

    def _token(self, secret: str) -> Identity | None:
        if secret.startswith(WORKER_PREFIX):
            work = self._tokens.check_worker(secret)
            return Identity(kind="worker", name=f"worker {work[1]}".strip(), verified=True,
                            token_project_id=work[0]) if work else None  # fmt: skip
        if not secret.startswith(API_PREFIX):
            return None
        token = self._tokens.check(secret)
        if token is None:
            return None
        return self._of(token.person_id, kind="token", project_id=token.project_id)

    def _session(self, secret: str) -> Identity | None:
        session = self._sessions.check(secret)
        return self._of(session.person_id) if session else None

    def _of(self, person_id: str, *, kind: str = "person", project_id: str | None = None) -> Identity | None:
        person = self._people.get(person_id)
        if person.disabled:
            return None
        return self._people.identity_of(person, verified=True, kind=kind, token_project_id=project_id)

    def _person(self, name: str) -> Identity | None:
        try:
            person = self._people.find(name)
        except NotFound:
            return None
        return None if person.disabled else self._people.identity_of(person, verified=False)
