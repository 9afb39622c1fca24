"""People, roles and identities."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    DATA_SCIENTIST = "data_scientist"
    ML_ENGINEER = "ml_engineer"
    MANAGER = "manager"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    email: str = ""
    administrator: bool = False
    disabled: bool = False
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who makes this request. ``verified`` is false in local mode, where anyone may act as anyone.

    ``kind`` is person, token, worker (a step's process), endpoint (a serving process), server (the server's own
    background work, see :data:`SERVER`) or anonymous.
    """

    kind: str
    person_id: str = ""
    name: str = ""
    verified: bool = False
    administrator: bool = False
    token_project_id: str | None = None
    roles: dict[str, Role] = field(default_factory=dict)
    """Project id to role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    id: str
    name: str
    goal: str = ""
    budget_usd: float | None = None
    created_ms: int = 0


SERVER = Identity(kind="server", name="fairloop", verified=True)
"""Who did what no person asked for at that moment: schedules, policies, supervision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A person's role in one project."""

    project_id: str
    person_id: str
    name: str
    role: Role
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token as it may be shown: never its secret."""

    id: str
    person_id: str
    name: str
    project_id: str | None
    created_ms: int
    expires_ms: int
    last_used_ms: int | None = None
    revoked_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token just made; ``secret`` is shown this once and kept nowhere."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login by password; ``hash`` is the sha256 of the cookie's value."""

    hash: str
    person_id: str
    created_ms: int
    seen_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link by which somebody joins a project of a secured server, once and before it ends."""

    id: str
    project_id: str
    role: Role
    name: str = ""
    """What the person will be called; empty lets them choose."""
    email: str = ""
    invited_by: str = ""
    created_ms: int = 0
    expires_ms: int = 0
    accepted_ms: int | None = None
    accepted_by: str = ""
    revoked_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """An invitation just made; ``secret`` is shown this once and kept nowhere, ``path`` is the page it opens."""

    invitation: Invitation
    secret: str
    path: str
