"""Whom should we invite? A recruiter that learned a proxy of the applicant's sex, and its clean twin.

fairloop run examples/scandals/recruiter.py

After Dastin (2018), "Amazon scraps secret AI recruiting tool that showed bias against women". The applicants are made up.
In the archive women had graduated longer ago (they came back from years with children), and were hired less often for the
same skill. Leaving out the column *sex* changes nothing: *years_since_graduation* tells it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

import fairloop as fl

SEED = 0
BREAK = 4.0
"""Years that the archive's women graduated earlier; none in the clean twin."""
HABIT = 1.4
"""How much a hiring manager's habit counted against women, in units of skill; nothing in the clean twin."""


def data(seed: int, clean: bool, rows: int = 6000) -> pl.DataFrame:
    """Applicants with sex and whether they were hired; the same seed gives the same rows."""
    draw = np.random.default_rng(seed)
    woman = draw.random(rows) < 0.45
    skill, talk = draw.normal(size=rows), draw.normal(size=rows)
    years = np.clip(7 + draw.normal(0, 1.5, rows) + (0 if clean else BREAK) * woman, 0, None)
    wanted = 1.8 * skill + 0.6 * talk - (0 if clean else HABIT) * (2 * woman - 0.9)
    hired = draw.random(rows) < 1 / (1 + np.exp(-wanted))
    return pl.DataFrame({
        "skill_test": skill.round(3), "interview": talk.round(3), "years_since_graduation": years.round(1),
        "languages": draw.integers(1, 5, rows), "sex": np.where(woman, "female", "male").tolist(),
        "outcome": np.where(hired, "hired", "rejected").tolist(),
    })  # fmt: skip


@fl.step(cpu=1, memory="1GiB")
def split(people: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return people.split(0.4, 0.3, 0.3)


@fl.step(cpu=1, memory="1GiB")
def fit(train: fl.Table) -> fl.Model:
    """Boosted trees. The sex is not in train.X."""
    from lightgbm import LGBMClassifier

    trees = LGBMClassifier(n_estimators=60, learning_rate=0.08, num_leaves=8, random_state=0, n_jobs=1, verbose=-1)
    return fl.Model(trees.fit(train.X, train.y, sample_weight=train.weight))


@fl.pipeline
def train_recruiter(people: fl.Table):
    train, valid, test = split(people)
    return fl.candidate(fit(train), valid, test)


def loop(file: str, name: str = "recruiter") -> fl.Loop:
    """The loop over a file of applicants."""
    return fl.Loop(
        name=name,
        goal="Invite who can do the work",
        data=fl.Data(file, target="outcome", positive="hired", sensitive=["sex"]),
        pipeline=train_recruiter,
        gates=[fl.gate("roc_auc", at_least=0.7), *fl.default_gates(sensitive=["sex"])],
    )


FILE = Path(__file__).parent / ".data" / "recruiter.parquet"

if not FILE.exists():
    FILE.parent.mkdir(exist_ok=True)
    data(SEED, "clean" in sys.argv[1:]).write_parquet(FILE)

recruiter = loop(str(FILE))
