from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairloop.core.ids import new_id
from fairloop.errors import NotFound
from fairloop.serving.prediction_ids import Mint, PredictionId, read

KEY = bytes(32)


@given(st.integers(0, 2**49), st.sampled_from([None, True, False]), st.booleans())
def test_an_id_says_what_was_answered(at_ms: int, positive: bool | None, told: bool) -> None:
    deployment = new_id("dep")
    text = Mint(KEY).make(deployment, at_ms, positive=positive, told=told)
    assert read(KEY, text) == PredictionId(deployment_id=deployment, at_ms=at_ms, positive=positive, told=told)


def test_ids_are_unique_and_sort_by_time() -> None:
    mint, deployment, now = Mint(KEY), new_id("dep"), time.time_ns() // 10**6
    made = [mint.make(deployment, now + i // 10, positive=True, told=False) for i in range(5000)]
    assert len(set(made)) == 5000
    assert [i[23:33] for i in made] == sorted(i[23:33] for i in made)


@given(st.integers(0, 56), st.sampled_from("0123456789abcxyz"))
def test_any_changed_letter_is_refused(place: int, letter: str) -> None:
    text = Mint(KEY).make("dep_" + "0" * 18, 1, positive=True, told=False)
    if text[place] != letter:
        with pytest.raises(NotFound):
            read(KEY, text[:place] + letter + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "prd_", "prd_" + "0" * 53, "é" * 57, "x" * 10_000, "prd_\0" + "0" * 52])
def test_made_up_ids_are_refused(text: str) -> None:
    with pytest.raises(NotFound):
        read(KEY, text)


def test_another_servers_id_is_refused() -> None:
    with pytest.raises(NotFound):
        read(bytes([1] * 32), Mint(KEY).make(new_id("dep"), 1, positive=None, told=False))
