"""Dataclasses to plain JSON-able values and back, strictly: no unknown field, no silent conversion.

*Plain* is how records stand in the database; *wire* is how REST shows them: the same, with times (fields ending in
``_ms``, milliseconds since 1970) as RFC 3339 text under the name ending in ``_at``.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import msgspec

from fairloop.core.clock import rfc3339
from fairloop.errors import InvalidInput

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list; ``next`` is the cursor of the following page, or null."""

    items: list[T]
    next: str | None = None


MAX_PAGE = 1000


def page_size(limit: int) -> int:
    """``limit`` when a page may be that long; else InvalidInput."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"limit={limit} is out of range; use 1 to {MAX_PAGE}.")
    return limit


def page_start(cursor: str | None) -> tuple[int, str] | None:
    """The (time, id) of a cursor such as ``1700000000000-alr_1``, below which the page begins; None for the first."""
    if cursor is None:
        return None
    ms, _, found = cursor.partition("-")
    if not ms.isdecimal() or not found:
        raise InvalidInput(f"{cursor[:80]!r} is not a cursor of this list; leave it away for the first page.")
    return int(ms), found


def to_plain(record: Any) -> Any:
    """Nested dicts, lists and scalars of a dataclass (or of a list or dict holding some)."""
    return msgspec.to_builtins(record)


def from_plain(kind: type[T], value: Any) -> T:
    """An instance of ``kind`` from what :func:`to_plain` gave; InvalidInput names the field that does not fit."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as cause:
        raise InvalidInput(f"{getattr(kind, '__name__', kind)}: {cause}.") from cause


def _wire_name(name: str) -> str:
    """``created_ms`` is shown as ``created_at``, ``at_ms`` as ``at``."""
    return "at" if name == "at_ms" else name[:-3] + "_at"


def to_wire(record: Any) -> Any:
    """``record`` as REST shows it."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        found: dict[str, Any] = {}
        for name in (f.name for f in dataclasses.fields(record)):
            value = getattr(record, name)
            if name.endswith("_ms"):
                found[_wire_name(name)] = rfc3339(value)
            else:
                found[name] = to_wire(value)
        return found
    if isinstance(record, (list, tuple)):
        return [to_wire(v) for v in record]
    if isinstance(record, dict):
        return {k: to_wire(v) for k, v in record.items()}
    return record


def from_wire(kind: type[T], value: Any) -> T:
    """The inverse of :func:`to_wire` for a dataclass ``kind``; unknown fields are ignored (a newer server's)."""
    return from_plain(kind, _unwire(kind, value))


def _unwire(kind: Any, value: Any) -> Any:
    if isinstance(value, dict) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        found = {}
        for name, hint in hints.items():
            if name.endswith("_ms"):
                if _wire_name(name) in value:
                    text = value[_wire_name(name)]
                    found[name] = None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)
            elif name in value:
                found[name] = _unwire(hint, value[name])
        return found
    if isinstance(value, list) and (inner := [a for a in get_args(kind) if dataclasses.is_dataclass(a)]):
        return [_unwire(inner[0], v) for v in value]
    if isinstance(value, dict) and (inner := [a for a in get_args(kind) if dataclasses.is_dataclass(a)]):
        return _unwire(inner[0], value)
    return value
