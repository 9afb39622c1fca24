"""What a page's blocks find in their folder: the user's own files."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path


def people_csv(folder: Path) -> None:
    """A user's own small table, with missing values and a column of words."""
    dice = random.Random(7)
    with (folder / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["age", "hours", "city", "sex", "income"])
        for _ in range(3000):
            age, hours, sex = dice.randint(18, 80), dice.randint(10, 60), dice.choice(["female", "male"])
            city = dice.choice(["Rome", "Oslo", "Lima", ""])
            high = age / 80 + hours / 60 + dice.gauss(0, 0.25) > 1.25
            rows.writerow([age, "" if dice.random() < 0.05 else hours, city, sex, "high" if high else "low"])


PREPARE: dict[str, Callable[[Path], None]] = {"docs/tutorial.md": people_csv}
