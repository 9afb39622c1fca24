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

    ``kind`` is person, token, worker (a step's process), endpoint (a serving process) or anonymous.
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
