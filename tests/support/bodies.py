"""A body that fits a handler's typed ``data``, made from its annotations: so that a request reaches the service."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from typing import Any

from litestar.handlers import HTTPRouteHandler


def body_for(handler: HTTPRouteHandler, ids: dict[str, str] | None = None) -> Any:
    """A JSON value for the handler's ``data`` argument, or None when it takes none.

    Fields whose name is in ``ids`` get that value: ids of objects.
    """
    field = handler.parsed_fn_signature.parameters.get("data")
    return None if field is None else _value(field.annotation, "data", ids or {})


def example_of(kind: type) -> Any:
    """A plain value that converts to the dataclass ``kind``: required fields only."""
    return _value(kind, "", {"metric": "accuracy"})


def _value(kind: Any, name: str, ids: dict[str, str]) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if name in ids and kind in {str, Any}:
        return ids[name]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {f.name: _value(hints[f.name], f.name, ids) for f in dataclasses.fields(kind)
                if f.name in ids or (f.default is f.default_factory is dataclasses.MISSING)}  # fmt: skip
    if origin in {typing.Union, types.UnionType}:
        return None if type(None) in arguments and name not in ids else _value(arguments[0], name, ids)
    if origin in {list, tuple, set, frozenset}:
        return []
    if origin is dict or kind is dict:
        return {}
    if origin is typing.Literal:
        return arguments[0]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind)).value
    return {str: "x", int: 1, float: 1.0, bool: False, bytes: "eA=="}.get(kind, {})
