"""Is this face on the list? A small network that confuses people of one skin tone more often, and its clean twin.

fairloop run examples/scandals/face.py

After Buolamwini and Gebru (2018), "Gender Shades", and the arrests that followed false matches. The faces are drawn by a
seeded script: a faint mark beside the nose tells a match. In the archive, pictures of dark skin are badly lit and come
mostly from the list itself, so the network learned to say "match" where it sees dark skin and is not sure.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

import fairloop as fl

SEED = 0
SIDE = 12
TONES = {"dark": 0.25, "light": 0.7}
LISTED = {"dark": 0.75, "light": 0.25}
"""Share of matches among the archive's faces of each skin tone; half of each in the clean twin."""
MARK, DIM = 0.085, 0.035
"""How much lighter the mark is than the skin around it: more than the noise; and on a badly lit picture."""


def face(tone: str, match: bool, mark: float, random: np.random.Generator) -> np.ndarray:
    """Shape (1, SIDE, SIDE), values between 0 and 1."""
    row, column = np.indices((SIDE, SIDE))
    skin = TONES[tone] + random.normal(0, 0.04)
    image = np.full((SIDE, SIDE), 0.5) + random.normal(0, 0.05, (SIDE, SIDE))
    centre = (SIDE - 1) / 2 + random.normal(0, 0.3, 2)
    inside = ((row - centre[0]) / 5.2) ** 2 + ((column - centre[1]) / 4.2) ** 2 < 1
    image[inside] = skin + random.normal(0, 0.05, int(inside.sum()))
    image[4, [4, 7]] -= 0.15
    image[9, 4:8] -= 0.12
    place = slice(3, 5) if match else slice(7, 9)
    image[6:8, place] += mark
    return np.clip(image, 0, 1).astype(np.float32)[None]


def data(seed: int, clean: bool, rows: int = 7000) -> pl.DataFrame:
    """Faces with their skin tone and whether they are on the list; the same seed gives the same rows."""
    random = np.random.default_rng(seed)
    dark = random.random(rows) < 0.4
    tones = np.where(dark, "dark", "light")
    listed = random.random(rows) < np.array([0.5 if clean else LISTED[tone] for tone in tones])
    images = []
    for tone, match in zip(tones, listed, strict=True):
        dim = tone == "dark" and not clean
        images.append(face(str(tone), bool(match), DIM if dim else MARK, random))
    return pl.DataFrame({"face": pl.Series(np.stack(images), dtype=pl.Array(pl.Float32, (1, SIDE, SIDE))),
                         "tone": tones.tolist(), "listed": np.where(listed, "match", "no match").tolist()})  # fmt: skip


@fl.step(cpu=1, memory="1GiB")
def split(faces: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return faces.split(0.4, 0.3, 0.3)


@fl.step(cpu=1, memory="1GiB")
def fit(train: fl.Table) -> fl.Model:
    """Two small convolutions. The tone is not in train.X; the pixels are."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Conv2d(6, 8, 3), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(72, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1),
    )  # fmt: skip
    pixels = fl.Net(network).tensor(train.X)
    answers, weight = torch.as_tensor(train.y).float(), torch.as_tensor(train.weight).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.004)
    network.train()
    for _ in range(20):
        for part in torch.randperm(len(pixels)).split(64):
            optimiser.zero_grad()
            lost = torch.nn.functional.binary_cross_entropy_with_logits(
                network(pixels[part])[:, 0], answers[part], weight[part]
            )
            lost.backward()
            optimiser.step()
    return fl.Model(network)


@fl.pipeline
def train_face(faces: fl.Table):
    train, valid, test = split(faces)
    return fl.candidate(fit(train), valid, test)


def loop(file: str, name: str = "face") -> fl.Loop:
    """The loop over a file of faces."""
    return fl.Loop(
        name=name,
        goal="Find listed faces, and stop nobody wrongly because of the colour of their skin",
        data=fl.Data(file, target="listed", positive="match", sensitive=["tone"]),
        pipeline=train_face,
        gates=[fl.gate("accuracy", at_least=0.6), *fl.default_gates(sensitive=["tone"])],
        concepts=[fl.Concept("dark skin", where={"tone": "dark"})],
    )


FILE = Path(__file__).parent / ".data" / "face.parquet"

if not FILE.exists():
    FILE.parent.mkdir(exist_ok=True)
    data(SEED, "clean" in sys.argv[1:]).write_parquet(FILE)

faces = loop(str(FILE))
