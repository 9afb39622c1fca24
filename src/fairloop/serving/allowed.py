"""Which API tokens may ask an endpoint: those whose owner may predict in its project."""

from __future__ import annotations

from fairloop.access.people import People
from fairloop.access.permissions import Permission
from fairloop.access.permit import permitted
from fairloop.access.tokens import Tokens
from fairloop.errors import NotFound


class PredictTokens:
    """Called with a project id: the sha256 of every token, or None in local mode, where none is asked for."""

    def __init__(self, people: People, tokens: Tokens, *, secured: bool) -> None:
        self._people = people
        self._tokens = tokens
        self._secured = secured

    def __call__(self, project_id: str) -> list[str] | None:
        if not self._secured:
            return None
        may: dict[str, bool] = {}
        found = []
        for sha256, person_id in self._tokens.hashes(project_id):
            if person_id not in may:
                may[person_id] = self._may(person_id, project_id)
            if may[person_id]:
                found.append(sha256)
        return sorted(found)

    def _may(self, person_id: str, project_id: str) -> bool:
        try:
            person = self._people.get(person_id)
        except NotFound:
            return False
        if person.disabled:
            return False
        identity = self._people.identity_of(person, verified=True, kind="token")
        return permitted(identity, Permission.PREDICT, project_id)
