"""Secrets a server makes for itself: random, kept in the database, different on every installation."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from fairloop.storage import people as rows
from fairloop.storage.engine import Database


def hash_of(secret: str) -> str:
    """How a random secret (256 bits: guessing is hopeless, so one round is enough) is stored and compared."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Key:
    """A named 256-bit key, made when first needed."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._value: bytes | None = None

    def value(self) -> bytes:
        if self._value is None:
            fresh = secrets.token_hex(32)
            self._value = bytes.fromhex(self._database.write(lambda c: rows.ensure_key(c, self._name, fresh)))
        return self._value

    def sign(self, text: str) -> str:
        return hmac.new(self.value(), text.encode(), hashlib.sha256).hexdigest()

    def signed(self, text: str, mac: str) -> bool:
        return hmac.compare_digest(self.sign(text).encode(), mac.encode())
