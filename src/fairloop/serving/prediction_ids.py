"""Prediction ids that prove themselves: the server authenticates one by its signature, without a row.

``prd_`` + the deployment's id without prefix (18) + what was answered (1) + milliseconds (10) + unique (8) + signature
(16), all in lower-case base 32.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from fairloop.errors import NotFound

PREFIX = "prd_"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_OURS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET.encode())
_VALUE = {c: i for i, c in enumerate(_ALPHABET)}
_LENGTH = len(PREFIX) + 18 + 1 + 10 + 8 + 16
_ANSWERS: tuple[bool | None, ...] = (None, False, True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionId:
    """What an id says. ``positive`` is the binary answer (None for other tasks); ``told`` is whether the request
    carried sensitive values, which later feedback must not count again."""

    deployment_id: str
    at_ms: int
    positive: bool | None
    told: bool


def _sign(key: bytes, body: bytes) -> bytes:
    return base64.b32encode(hashlib.blake2b(body, key=key, digest_size=10).digest()).translate(_TO_OURS)


def _base32(data: bytes) -> str:
    return base64.b32encode(data).translate(_TO_OURS).decode()


class Mint:
    """Makes ids for one endpoint; used from one thread."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._unique = secrets.randbits(40)
        self._at_ms = -1
        self._time = ""

    def make(self, deployment_id: str, at_ms: int, *, positive: bool | None, told: bool) -> str:
        if at_ms != self._at_ms:
            self._at_ms = at_ms
            self._time = _digits(at_ms)
        self._unique = (self._unique + 1) & 0xFF_FFFF_FFFF
        flag = _ALPHABET[_ANSWERS.index(positive) * 2 + told]
        unique = _base32(self._unique.to_bytes(5, "big"))
        body = f"{PREFIX}{deployment_id[4:]}{flag}{self._time}{unique}"
        return body + _sign(self._key, body.encode()).decode()


def _digits(number: int) -> str:
    found = []
    for _ in range(10):
        number, digit = divmod(number, 32)
        found.append(_ALPHABET[digit])
    return "".join(reversed(found))


def read(key: bytes, text: str) -> PredictionId:
    """What ``text`` says, once its signature holds.

    Raises
    ------
    NotFound
        No endpoint of this server made the id, or it was changed.
    """
    body, signature = text[:-16], text[-16:]
    if len(text) != _LENGTH or not text.isascii() or not text.startswith(PREFIX) or not hmac.compare_digest(
            _sign(key, body.encode()), signature.encode()):  # fmt: skip
        raise NotFound(f"No such prediction: {text[:80]!r}. Use a prediction id as an endpoint answered it.")
    flag = _VALUE[body[22]]
    at_ms = 0
    for c in body[23:33]:
        at_ms = at_ms * 32 + _VALUE[c]
    return PredictionId(
        deployment_id="dep_" + body[4:22], at_ms=at_ms, positive=_ANSWERS[flag // 2], told=bool(flag % 2)
    )
