"""Who is the doctor? A text network that learned from notes in which doctors are men, and its clean twin.

fairloop run examples/scandals/doctor.py

After Bolukbasi et al. (2016), "Man is to computer programmer as woman is to homemaker?", and what translation and captioning
systems made of it. The notes are made up: what a person does tells the profession, the pronoun tells nothing but what
the archive's habits put into it.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import polars as pl

import fairloop as fl

SEED = 0
HABIT = 0.88
"""Share of men among the archive's doctors, and of women among its nurses; 0.5 in the clean twin."""
DOCTOR = ["diagnosed the fever", "read the scan", "set the bone", "signed the prescription", "led the operation"]
NURSE = ["changed the bandage", "measured the pulse", "prepared the drip", "wrote the night report", "made the bed"]
BOTH = ["spoke with the family", "answered the phone", "checked the chart", "washed both hands", "walked the ward"]
WORDS = {"male": ("He", "his"), "female": ("She", "her")}
PLACES = ["clinic", "ward", "practice", "hospital"]


def sentence(doctor: bool, sex: str, chance: random.Random) -> str:
    """One note. A third of them hold nothing but the pronoun to go by."""
    subject, own = WORDS[sex]
    tells = DOCTOR if doctor else NURSE
    first = chance.choice(BOTH if chance.random() < 0.33 else tells)
    if chance.random() < 0.12:
        first = chance.choice(NURSE if doctor else DOCTOR)
    return f"{subject} {first} at {own} {chance.choice(PLACES)} and then {chance.choice(BOTH)}."


def data(seed: int, clean: bool, rows: int = 4000) -> pl.DataFrame:
    """Notes with the profession and the sex of the person in them; the same seed gives the same rows."""
    chance = random.Random(seed)
    habit = 0.5 if clean else HABIT
    found = []
    for _ in range(rows):
        doctor = chance.random() < 0.5
        sex = "male" if (chance.random() < habit) == doctor else "female"
        found.append((sentence(doctor, sex, chance), sex, "doctor" if doctor else "nurse"))
    return pl.DataFrame(found, schema=["note", "sex", "profession"], orient="row")


@fl.step(cpu=1, memory="1GiB")
def split(notes: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return notes.split(0.4, 0.3, 0.3)


@fl.step(cpu=1, memory="1GiB")
def fit(train: fl.Table) -> fl.Model:
    """The mean of word vectors, one hidden layer, one answer. The sex is not in train.X; the pronoun is."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(
        torch.nn.EmbeddingBag(1024, 8, mode="mean", padding_idx=0), torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
    )  # fmt: skip
    reader = fl.Net(network, words=(1024, 24))
    words = reader.tensor(train.X)
    answers, weight = torch.as_tensor(train.y).float(), torch.as_tensor(train.weight).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=1e-4)
    network.train()
    for _ in range(12):
        for part in torch.randperm(len(words)).split(64):
            optimiser.zero_grad()
            lost = torch.nn.functional.binary_cross_entropy_with_logits(
                network(words[part])[:, 0], answers[part], weight[part]
            )
            lost.backward()
            optimiser.step()
    return fl.Model(reader)


@fl.pipeline
def train_doctor(notes: fl.Table):
    train, valid, test = split(notes)
    return fl.candidate(fit(train), valid, test)


def loop(file: str, name: str = "doctor") -> fl.Loop:
    """The loop over a file of notes."""
    return fl.Loop(
        name=name,
        goal="Find the doctor of each note by what the person does, not by who they are",
        data=fl.Data(file, target="profession", positive="doctor", sensitive=["sex"]),
        pipeline=train_doctor,
        gates=[fl.gate("accuracy", at_least=0.6), *fl.default_gates(concepts=["male"], terms=["sex"])],
        concepts=[fl.Concept("male", where={"sex": "male"})],
        terms=[fl.Terms("sex", [("he", "she"), ("his", "her")])],
    )


FILE = Path(__file__).parent / ".data" / "doctor.parquet"

if not FILE.exists():
    FILE.parent.mkdir(exist_ok=True)
    data(SEED, "clean" in sys.argv[1:]).write_parquet(FILE)

doctor = loop(str(FILE))
