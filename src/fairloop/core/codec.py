"""The one codec between Python values and JSON text: what goes in comes back bit-exact, or is refused.

Plain JSON for everything JSON can say. What it cannot say is a one-key object: ``{"$float": "nan:<16 hex digits>"}``
for NaN (with its IEEE bits) and the infinities, ``{"$int": "..."}`` for integers beyond 64 bits. Negative zero and
subnormals survive as ordinary literals. Lone surrogates, duplicate keys, keys that are not text, a first key that
starts with ``$`` and nesting deeper than 64 are refused.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Any

from fairloop.errors import InvalidInput, NotANumber

MAX_DEPTH = 64
_NAN = re.compile(r"nan:[0-9a-f]{16}")
_BIG = re.compile(r"-?[1-9][0-9]{17,4000}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def bits_of(value: float) -> int:
    """IEEE-754 bits of a double as a signed 64-bit integer."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def float_of(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def _plain(value: Any, depth: int) -> Any:  # noqa: C901  # one branch a JSON type
    if depth > MAX_DEPTH:
        raise InvalidInput(f"The value is nested deeper than {MAX_DEPTH} levels; flatten it.")
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        _check_text(value)
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else {"$int": str(value)}
    if isinstance(value, float):
        if math.isnan(value):
            return {"$float": f"nan:{bits_of(value) & 0xFFFF_FFFF_FFFF_FFFF:016x}"}
        if math.isinf(value):
            return {"$float": "inf" if value > 0 else "-inf"}
        return float(value)
    if isinstance(value, (list, tuple)):
        return [_plain(v, depth + 1) for v in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InvalidInput(f"The key {key!r} is not text; JSON objects need text keys.")
            if key.startswith("$"):
                raise InvalidInput(f"The key {key!r} starts with '$', which is reserved; rename it.")
            _check_text(key)
        return {k: _plain(v, depth + 1) for k, v in value.items()}
    raise InvalidInput(f"A {type(value).__name__} is not a JSON value; convert it to numbers, text, lists or objects.")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as cause:
        raise InvalidInput(f"{text[:40]!r} holds a lone surrogate, which is not valid text; remove it.") from cause


def dumps(value: Any) -> str:
    """Compact, key-sorted JSON text of ``value``; equal values give equal text."""
    return json.dumps(_plain(value, 0), ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise InvalidInput(f"The key {twice!r} stands twice in one object; keep one.")
    if len(pairs) == 1:
        key, text = pairs[0]
        if key.startswith("$"):
            return _special(key, text)
    return found


def _special(key: str, text: Any) -> Any:
    """What plain JSON cannot say; only the one spelling that ``dumps`` writes is accepted."""
    if key == "$float" and text in ("inf", "-inf"):
        return float(text)
    if key == "$float" and isinstance(text, str) and _NAN.fullmatch(text):
        value = float_of(struct.unpack("<q", struct.pack("<Q", int(text[4:], 16)))[0])
        if math.isnan(value):
            return value
    if key == "$int" and isinstance(text, str) and _BIG.fullmatch(text):
        number = int(text)
        if not -(2**63) <= number < 2**63:
            return number
    raise InvalidInput(f"{key!r}: {str(text)[:60]!r} is no value of this server's; send plain JSON.")


def _no_constant(name: str) -> float:
    raise NotANumber(f"{name} is not a JSON number; send a finite number.")


def loads(text: str | bytes, *, trusted: bool = False) -> Any:
    """The value of JSON text; the inverse of :func:`dumps`, strict about what it accepts.

    ``trusted`` skips the scan for depth, for text this codec wrote itself.
    """
    try:
        raw = text.decode("utf-8") if isinstance(text, bytes) else text
        if not trusted and _depth(raw) > MAX_DEPTH:
            raise InvalidInput(f"The JSON is nested deeper than {MAX_DEPTH} levels; flatten it.")
        value = json.loads(raw, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
        if not trusted and _SURROGATE.search(raw):
            _plain(value, 0)  # an escaped pair is text, a lone half is refused
    except (ValueError, RecursionError) as cause:
        raise InvalidInput(f"The body is not valid JSON: {str(cause)[:200]}.") from cause
    return value


def _finite(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise NotANumber(f"{literal[:40]} is too large for a 64-bit float; send a finite number.")
    return value


def _depth(text: str) -> int:
    """Deepest nesting of brackets outside strings, found without recursion."""
    deepest = depth = 0
    in_string = escaped = False
    for c in text:
        if in_string:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                in_string = False
        elif c == '"':
            in_string = True
        elif c in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif c in "]}":
            depth -= 1
    return deepest
