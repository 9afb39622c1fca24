from __future__ import annotations

from pathlib import Path

import pytest

from fairloop.core.pipelines import Needs
from fairloop.costs.prices import load_prices
from fairloop.errors import InvalidInput


def test_the_sample_is_dated_and_prices_what_is_held() -> None:
    book = load_prices(None)
    assert book.as_of
    hour = book.cost_usd(Needs(cpu=2, memory_bytes=4 * 10**9, gpu=1), 3600, 0)
    assert hour == pytest.approx(2 * book.core + 4 * book.memory_gb + book.gpu)
    assert book.cost_usd(Needs(cpu=0, memory_bytes=1), 3600, 10**9) == pytest.approx(book.memory_gb)


@pytest.mark.parametrize(("text", "words"), [
    ("as_of = 'x'\n[per_hour]\ncore = -1", "core = -1"), ("as_of = 'x'\n[per_hour]\ngpu = nan", "gpu = nan"),
    ("as_of = 'x'\n[per_hour]\ncore = 'a lot'", "core = 'a lot'"), ("[per_hour]\ncore = 1", "no as_of"),
    ("core =", "cannot be read"),
])  # fmt: skip
def test_a_wrong_book_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(InvalidInput, match=words):
        load_prices(tmp_path / "prices.toml")


def test_a_missing_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_prices(tmp_path / "none.toml")
