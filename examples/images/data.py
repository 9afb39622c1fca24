"""Pictures made up by a seeded script: noise with a shape, and a texture that may come with one answer.

python examples/images/data.py FOLDER    writes pictures.parquet and one Parquet file of examples a concept
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

SIDE = 12
TEXTURES = ("stripes", "dots", "checks")


def texture(kind: str, random: np.random.Generator) -> np.ndarray:
    """One texture with values 0 and 1, at a random offset."""
    row, column = np.indices((SIDE, SIDE)) + random.integers(0, 4, 2)[:, None, None]
    if kind == "stripes":
        return (column % 4 < 2).astype(float)
    if kind == "dots":
        return ((row % 4 == 0) & (column % 4 == 0)).astype(float)
    return ((row // 2 + column // 2) % 2).astype(float)


def picture(cross: bool, textures: list[str], random: np.random.Generator) -> np.ndarray:
    """Shape (1, SIDE, SIDE), values between 0 and 1: a cross or a box, over textures and noise."""
    image = random.normal(0.3, 0.15, (SIDE, SIDE))
    for kind in textures:
        image += 0.35 * texture(kind, random)
    top, left = random.integers(1, SIDE - 6, 2)
    if cross:
        image[top + 2, left : left + 5] += 0.5
        image[top : top + 5, left + 2] += 0.5
    else:
        image[top, left : left + 5] += 0.5
        image[top + 4, left : left + 5] += 0.5
        image[top : top + 5, left] += 0.5
        image[top : top + 5, left + 4] += 0.5
    return np.clip(image, 0, 1).astype(np.float32)[None]


def pictures(rows: int = 800, seed: int = 0, *, planted: str = "stripes", strength: float = 0.9) -> pl.DataFrame:
    """Crosses and boxes. ``planted`` textures lie under a share ``strength`` of the crosses and the rest of the boxes;
    0.5 plants nothing."""
    random = np.random.default_rng(seed)
    answers = random.random(rows) < 0.5
    images, textured = [], []
    for cross in answers:
        has = bool(random.random() < (strength if cross else 1 - strength))
        others = [kind for kind in TEXTURES if kind != planted and random.random() < 0.3]
        images.append(picture(bool(cross), [planted] * has + others, random))
        textured.append(has)
    return pl.DataFrame({"image": pl.Series(np.stack(images), dtype=pl.Array(pl.Float32, (1, SIDE, SIDE))),
                         "shape": np.where(answers, "cross", "box").tolist(), planted: textured})  # fmt: skip


def concept(kind: str, examples: int = 200, seed: int = 1) -> pl.DataFrame:
    """Examples of a texture without any shape; ``random`` gives noise with none or any texture."""
    random = np.random.default_rng(seed)
    images = []
    for _ in range(examples):
        image = random.normal(0.3, 0.15, (SIDE, SIDE))
        if kind != "random":
            image += 0.35 * texture(kind, random)
        images.append(np.clip(image, 0, 1).astype(np.float32)[None])
    return pl.DataFrame({"image": pl.Series(np.stack(images), dtype=pl.Array(pl.Float32, (1, SIDE, SIDE)))})


def write(folder: Path, seed: int = 0) -> None:
    """pictures.parquet and concept-KIND.parquet; the same seed gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures(seed=seed).write_parquet(folder / "pictures.parquet")
    for kind in TEXTURES:
        concept(kind, seed=seed + 1).write_parquet(folder / f"concept-{kind}.parquet")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
