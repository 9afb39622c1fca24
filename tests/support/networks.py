"""A small network on generated notes that learned the pronoun, as a pipeline."""

from __future__ import annotations

import random

import polars as pl

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.datasets import Roles
from fairloop.datasets.publish import publish
from fairloop.tables.table import Table

NOTES = "notes of a ward"


def notes(rows: int = 1500, habit: float = 0.9, seed: int = 0) -> pl.DataFrame:
    """Who is the doctor: a third of the notes hold nothing but the pronoun to go by."""
    chance = random.Random(seed)
    found = []
    for _ in range(rows):
        doctor = chance.random() < 0.5
        male = (chance.random() < habit) == doctor
        act = chance.choice(["set the bone", "read the scan"] if doctor else ["made the bed", "took the pulse"])
        if chance.random() < 0.35:
            act = "spoke with the family"
        found.append((f"{'He' if male else 'She'} {act} in the ward today.", "male" if male else "female",
                      "doctor" if doctor else "nurse"))  # fmt: skip
    return pl.DataFrame(found, schema=["note", "sex", "profession"], orient="row")


def publish_notes(client: Client) -> str:
    roles = Roles(target="profession", positive="doctor", sensitive=["sex"])
    return str(publish(client, NOTES, Table(notes(), roles)).id)


@fl.step
def split(rows: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return rows.split(0.4, 0.3, 0.3)


@fl.step
def fit(train: fl.Table, seed: int = 0) -> fl.Model:
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(
        torch.nn.EmbeddingBag(512, 6, mode="mean", padding_idx=0), torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)
    )  # fmt: skip
    reader = fl.Net(network, words=(512, 16))
    words, answers = reader.tensor(train.X), torch.as_tensor(train.y).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(12):
        for part in torch.split(torch.randperm(len(words)), 64):
            optimiser.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(network(words[part])[:, 0], answers[part]).backward()
            optimiser.step()
    return fl.Model(reader)


@fl.pipeline
def read_notes(rows: fl.Table, seed: int = 0):  # type: ignore[no-untyped-def]  # as users write it
    train, valid, test = split(rows)
    return fl.candidate(fit(train, seed=seed), valid, test)
