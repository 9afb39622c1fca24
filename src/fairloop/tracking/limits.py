"""What may be logged: sizes, and text that every database returns unchanged."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from fairloop.errors import InvalidInput, TooLarge

KEY_CHARACTERS = 250
PARAM_BYTES = 8 * 1024
TAG_BYTES = 64 * 1024
BATCH_METRICS = 1000
BATCH_VALUES = 1000
INT64 = range(-(2**63), 2**63)
TIMES_MS = range(-62_135_596_800_000, 253_402_300_800_000)
"""The years 1 to 9999: what RFC 3339 can say."""


def check_key(key: str, what: str) -> str:
    """``key`` if it can name a ``what``: 1 to 250 characters, none of them a control character."""
    if not key or len(key) > KEY_CHARACTERS or any(unicodedata.category(c) in {"Cc", "Cs"} for c in key):
        raise InvalidInput(
            f"{key[:80]!r} cannot name a {what}: give 1 to {KEY_CHARACTERS} characters without control characters."
        )
    return key


def check_text(value: str, what: str, most_bytes: int) -> str:
    """``value`` if it is storable text of at most ``most_bytes``."""
    if "\0" in value:
        raise InvalidInput(f"The {what} holds a NUL character, which cannot be stored; remove it.")
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError as cause:
        raise InvalidInput(f"The {what} holds a lone surrogate, which is not valid text; remove it.") from cause
    if size > most_bytes:
        raise TooLarge(f"The {what} has {size} bytes; {most_bytes} are allowed. Log it as an artifact instead.")
    return value


def check_params(values: Mapping[str, str]) -> dict[str, str]:
    return _checked(values, "param", PARAM_BYTES)


def check_tags(values: Mapping[str, str]) -> dict[str, str]:
    return _checked(values, "tag", TAG_BYTES)


def _checked(values: Mapping[str, str], what: str, most_bytes: int) -> dict[str, str]:
    if len(values) > BATCH_VALUES:
        raise TooLarge(f"{len(values)} {what}s at once; {BATCH_VALUES} are allowed. Send them in several batches.")
    return {check_key(k, what): check_text(v, f"{what} {k!r}", most_bytes) for k, v in values.items()}


def check_int64(value: int, what: str) -> int:
    if value not in INT64:
        raise InvalidInput(f"The {what} {value} does not fit in 64 bits; send a smaller whole number.")
    return value


def check_time(value: int, what: str) -> int:
    if value not in TIMES_MS:
        raise InvalidInput(f"The {what} {value} is not a time in milliseconds since 1970 within the years 1 to 9999.")
    return value
