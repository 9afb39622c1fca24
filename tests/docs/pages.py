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


def loans_csv(folder: Path) -> None:
    """Loans in which half of the women who repaid are recorded as if they had not; ``truth.csv`` knows better."""
    dice = random.Random(3)
    with (folder / "loans.csv").open("w", newline="") as file, (folder / "truth.csv").open("w", newline="") as known:
        rows, truth = csv.writer(file), csv.writer(known)
        rows.writerow(["income", "savings", "years_employed", "hours", "sex", "repaid"])
        truth.writerow(["row", "truth"])
        for row in range(3000):
            sex = dice.choice(["female", "male"])
            income, savings, years = dice.gauss(40, 12), dice.expovariate(0.1), dice.randint(0, 20)
            hours = dice.gauss(30 if sex == "female" else 39, 4)
            right = (income - 40) / 4 + (savings - 8) / 4 + (years - 10) / 3 + dice.gauss(0, 1.5) > 0
            recorded = right and not (sex == "female" and dice.random() < 0.5)
            rows.writerow(
                [round(income, 1), round(savings, 1), years, round(hours, 1), sex, "yes" if recorded else "no"]
            )
            truth.writerow([row, "positive" if right else "negative"])


PREPARE: dict[str, Callable[[Path], None]] = {"docs/less-biased-data.md": loans_csv, "docs/tutorial.md": people_csv}
