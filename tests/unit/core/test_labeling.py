"""What answers to a row come to."""

from __future__ import annotations

import pytest

from fairloop.core.labeling import ItemState, check_answer, settle
from fairloop.errors import InvalidInput


@pytest.mark.parametrize(("answers", "people", "state", "final"), [
    ("", 2, ItemState.OPEN, ""), ("p", 2, ItemState.OPEN, ""), ("pp", 2, ItemState.SETTLED, "positive"),
    ("nn", 2, ItemState.SETTLED, "negative"), ("pn", 2, ItemState.DISPUTED, ""), ("pnn", 2, ItemState.SETTLED, "negative"),
    ("pnp", 2, ItemState.SETTLED, "positive"), ("s", 2, ItemState.OPEN, ""), ("ss", 2, ItemState.UNCLEAR, ""),
    ("sp", 2, ItemState.OPEN, ""), ("spp", 2, ItemState.SETTLED, "positive"), ("psn", 2, ItemState.DISPUTED, ""),
    ("p", 1, ItemState.SETTLED, "positive"), ("s", 1, ItemState.OPEN, ""), ("ss", 1, ItemState.UNCLEAR, ""),
])  # fmt: skip
def test_settling(answers: str, people: int, state: ItemState, final: str) -> None:
    words = {"p": "positive", "n": "negative", "s": "skip"}
    assert settle([words[a] for a in answers], people) == (state, final)


def test_other_answers_are_refused() -> None:
    with pytest.raises(InvalidInput, match="maybe"):
        check_answer("maybe")
