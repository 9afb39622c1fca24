"""Tables with a known truth: a real difference between groups, and labels of one group recorded wrongly on top of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fairloop.core.datasets import Roles
from fairloop.tables.table import Table


@dataclass(frozen=True)
class Planted:
    """``truth`` is what a careful person would say of each row; the table holds what was recorded."""

    table: Table
    truth: np.ndarray


def planted(seed: int, *, rows: int = 8000, share: float = 0.4, wrong: float = 0.0, direction: str = "under",
            group: str = "women", strength: float = 3.0, difference: float = -0.7, own_slope: float = 0.0,
            noise: float = 0.0, proxy: float = 0.8) -> Planted:  # fmt: skip
    """``wrong`` of ``group``'s truly positive (under) or negative (over) rows are recorded as the other answer.

    ``difference`` is the real difference between women and men on the logit scale, ``own_slope`` lets one feature count
    differently for women, ``noise`` flips that share of everybody's labels. A feature without any effect tells the groups
    apart by ``proxy`` standard deviations.
    """
    random = np.random.default_rng(seed)
    women = random.random(rows) < share
    x = random.normal(size=(rows, 8))
    x[:, 0] += proxy * women
    x[:, 1] -= 0.4 * women
    height = x[:, 1] + 0.8 * x[:, 2] - 0.6 * x[:, 3] + 0.7 * x[:, 4] * x[:, 5] + 0.5 * np.sin(2 * x[:, 6])
    height = height / height.std() * strength - 0.8 + difference * women + own_slope * x[:, 2] * women
    truth = random.random(rows) < 1 / (1 + np.exp(-height))
    recorded = truth.copy()
    side = truth if direction == "under" else ~truth
    recorded[(women == (group == "women")) & side & (random.random(rows) < wrong)] ^= True
    recorded[random.random(rows) < noise] ^= True
    columns = {f"x{i}": x[:, i] for i in range(x.shape[1])}
    frame = pl.DataFrame({**columns, "sex": np.where(women, "women", "men"), "good": recorded.astype(np.int64)})
    return Planted(table=Table(frame, Roles(target="good", positive=1, sensitive=["sex"])), truth=truth)
