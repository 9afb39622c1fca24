"""Which keys are keys, and which answers are kept."""

from __future__ import annotations

from typing import Any

import pytest

from fairloop.errors import InvalidInput
from fairloop.server.idempotency import checked, kept_of


@pytest.mark.parametrize("key", ["a", "~" * 200, "8f0c-4d2e", '"quoted"'])
def test_a_key(key: str) -> None:
    assert checked([key.encode()]) == key


@pytest.mark.parametrize("values", [[], [b""], [b"two words"], ["ü".encode()], [b"x" * 201], [b"a", b"a"], [b"\x7f"]])
def test_not_a_key(values: list[bytes]) -> None:
    with pytest.raises(InvalidInput, match="1 to 200 visible ASCII"):
        checked(values)


def answer(status: int, *parts: bytes, kind: bytes = b"application/json", whole: bool = True) -> list[Any]:
    start = {"type": "http.response.start", "status": status, "headers": [(b"Content-Type", kind)]}
    bodies = [{"type": "http.response.body", "body": p, "more_body": True} for p in parts]
    if bodies and whole:
        bodies[-1]["more_body"] = False
    return [start, *bodies]


def test_whole_good_answers_are_kept() -> None:
    assert kept_of(answer(201, b'{"a":', b"1}")) == (201, '{"a":1}')
    assert kept_of(answer(202, b"{}")) == (202, "{}")


@pytest.mark.parametrize(
    "messages",
    [
        answer(400, b"{}"),
        answer(303, b"{}"),
        answer(500, b"{}"),
        answer(201, b"x" * (2**20 + 1)),
        answer(201, b"text", kind=b"text/plain"),
        answer(201, b"{", whole=False),
        [],
    ],
)
def test_nothing_else_is(messages: list[Any]) -> None:
    assert kept_of(messages)[1] is None
