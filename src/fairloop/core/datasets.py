"""Datasets and their immutable versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What the columns of a table are for. Sensitive columns never reach a model unless the policy allows it."""

    target: str | None = None
    positive: str | float | bool | None = None
    sensitive: list[str] = field(default_factory=list)
    weight: str | None = None
    ignore: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """One immutable table: ``sha256`` names its Parquet file in the artifact store.

    ``schema`` maps column to type name; ``profile`` holds counts, missing values, ranges and frequent values.
    """

    id: str
    project_id: str
    dataset: str
    version: int
    sha256: str
    rows: int
    size_bytes: int
    schema: dict[str, str]
    roles: Roles
    profile: dict[str, Any] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)
    owner: str = ""
    licence: str = ""
    created_ms: int = 0
