"""Passwords: what may be one, and argon2id."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import TYPE_CHECKING

from fairloop.errors import InvalidInput

if TYPE_CHECKING:
    from pwdlib import PasswordHash

MINIMUM = 12
MAXIMUM = 1024
_AT_ONCE = threading.BoundedSemaphore(2)  # each hash takes 64 MiB for a moment: strangers must not take them all

_COMMON = frozenset(
    """
    password passwort passw0rd p@ssw0rd p@ssword pass word admin administrator root user guest login
    welcome letmein changeme change secret default master monkey dragon football baseball basketball
    superman batman princess sunshine iloveyou shadow michael jordan jennifer michelle charlie qwerty
    qwertz azerty qwertyuiop qwertyui asdfghjkl asdfgh zxcvbnm 1qaz2wsx 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
    qazwsxedc qazwsx trustno1 whatever computer internet server test testing temp demo fairloop mlflow
    database postgres company summer winter spring autumn january december monday
    correcthorsebatterystaple starwars pokemon liverpool chelsea arsenal google facebook abc abcd abcdef
    a1b2c3d4 zaq12wsx hunter hello access mustang killer soccer hockey freedom pepper ginger
    """.split()  # noqa: SIM905  # a list of words reads better so
)
_RUNS = ("0123456789" * 3, "9876543210" * 3, "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
         "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")  # fmt: skip
_LEET = str.maketrans("013457@$!", "oieastasi")


def check_password(password: str, name: str) -> str:
    """``password`` if it may protect the person ``name``, else InvalidInput that names the rule."""
    if not MINIMUM <= len(password) <= MAXIMUM:
        raise InvalidInput(f"The password has {len(password)} characters; use {MINIMUM} to {MAXIMUM}.")
    low = password.lower()
    if name and (low == name.lower() or low.strip("0123456789!.-_ ") == name.lower() or low == name.lower() * 2):
        raise InvalidInput("The password is the person's name; choose one that has nothing to do with it.")
    if _common(low):
        raise InvalidInput("The password is one that is tried first; choose several unrelated words instead.")
    return password


def _common(low: str) -> bool:
    if len(set(low)) < 5 or any(low in run for run in _RUNS) or re.fullmatch(r"(.{1,6})\1+.{0,5}", low):
        return True
    for text in (low, low.translate(_LEET)):
        cores = {
            re.sub(r"[^a-z]+", "", text),
            re.sub(r"^[^a-z]+|[^a-z]+$", "", text),
            text.rstrip("0123456789!.?-_ "),
        }
        if any(core in _COMMON or (core and core[: len(core) // 2] * 2 == core) for core in cores):
            return True
    return False


@cache
def _hasher() -> PasswordHash:
    from pwdlib import PasswordHash as Hash

    return Hash.recommended()


@cache
def _nobody() -> str:
    return _hasher().hash("a password that no person has")


def hash_password(password: str) -> str:
    with _AT_ONCE:
        return _hasher().hash(password)


def matches(password: str, hashed: str | None) -> bool:
    """Whether ``password`` is the one hashed; as slow for a person who has none, so that time tells nothing."""
    with _AT_ONCE:
        right = _hasher().verify(password[:MAXIMUM], hashed or _nobody())
    return right and hashed is not None
