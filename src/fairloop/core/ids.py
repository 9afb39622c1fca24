"""Identifiers: a short prefix that tells the noun, then time and chance in lower-case base 32, sortable by birth."""

from __future__ import annotations

import secrets
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new_id(prefix: str) -> str:
    """A fresh id such as ``cyc_01j9z3k4m5n6p7q8r9`` (48 bits of milliseconds, 40 of chance)."""
    return f"{prefix}_{_base32(time.time_ns() // 1_000_000, 10)}{_base32(secrets.randbits(40), 8)}"


def new_run_id() -> str:
    """A tracking run's id: 32 hexadecimal digits, as every MLflow client expects."""
    return uuid.uuid4().hex
