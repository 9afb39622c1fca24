from __future__ import annotations

import numpy as np
import pytest

from fairloop.errors import InvalidInput
from fairloop.tables.splits import split_indices


def test_parts_are_disjoint_and_cover_all_rows():
    parts = split_indices(np.arange(10_000), (0.6, 0.2, 0.2), seed=3)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(10_000))
    assert [round(len(p) / 10_000, 1) for p in parts] == [0.6, 0.2, 0.2]


def test_a_grown_table_keeps_every_row_in_its_part():
    before = split_indices(np.arange(5_000), (0.5, 0.5), seed=0)
    after = split_indices(np.arange(9_000), (0.5, 0.5), seed=0)
    for old, new in zip(before, after, strict=True):
        assert set(old) <= set(new)


def test_another_seed_gives_other_parts():
    one, other = (split_indices(np.arange(10_000), (0.5,), seed=s)[0] for s in (0, 1))
    assert 0.2 < len(np.intersect1d(one, other)) / 10_000 < 0.3


@pytest.mark.parametrize("fractions", [(), (0.0, 1.0), (0.8, 0.4), (float("nan"),), (-0.1, 0.5)])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(InvalidInput, match="parts"):
        split_indices(np.arange(10), fractions, seed=0)
