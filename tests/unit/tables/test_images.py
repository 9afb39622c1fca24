"""Pictures beside a table become arrays in it; damaged and foreign files are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fairloop.core.datasets import Roles
from fairloop.errors import InvalidInput
from fairloop.tables.images import decode_png, encode_png
from fairloop.tables.profile import profile_columns
from fairloop.tables.table import Table


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_round_trip(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 7, 5)).astype(np.uint8)
    np.testing.assert_array_equal(decode_png(encode_png(pixels)), pixels)


def test_every_row_filter_is_read() -> None:
    """Pillow chooses filters by the picture; smooth, noisy and striped ones use all of them."""
    import io

    image = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(0)
    for pixels in (np.add.outer(np.arange(40), np.arange(30)) % 256, random.integers(0, 256, (20, 20)),
                   np.tile(np.arange(0, 250, 10), (9, 1))):  # fmt: skip
        colour = np.stack([pixels, pixels[::-1], pixels * 3 % 256], axis=-1).astype(np.uint8)
        file = io.BytesIO()
        image.fromarray(colour).save(file, "PNG", optimize=True)
        np.testing.assert_array_equal(decode_png(file.getvalue()).transpose(1, 2, 0), colour)


def test_a_column_of_names_becomes_pictures(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "faces").mkdir()
    for i in range(4):
        (tmp_path / "faces" / f"{i}.png").write_bytes(encode_png(random.integers(0, 256, (1, 6, 6)).astype(np.uint8)))
        np.save(tmp_path / f"{i}.npy", random.random(3))
    frame = pl.DataFrame({"face": [f"faces/{i}.png" for i in range(4)], "voice": [f"{i}.npy" for i in range(4)],
                          "label": ["a", "b", "a", "b"]})  # fmt: skip
    frame.write_csv(tmp_path / "people.csv")
    table = Table.from_file(tmp_path / "people.csv", Roles(target="label"))
    assert table.frame["face"].dtype == pl.Array(pl.UInt8, (1, 6, 6))
    assert table.X["face"].iloc[0].shape == (1, 6, 6)
    assert table.X["face"].iloc[0].max() <= 1
    assert table.X["voice"].iloc[2].shape == (3,)
    again = Table.from_parquet(table.to_parquet(), table.roles)
    assert again.frame.equals(table.frame)
    profile = profile_columns(table.frame)["columns"]["face"]
    assert (profile["kind"], profile["shape"]) == ("array", [1, 6, 6])


def test_lists_of_numbers_are_arrays() -> None:
    table = Table(pl.DataFrame({"point": [[1.0, 2.0], [3.0, 4.0]], "y": [0, 1]}), Roles(target="y"))
    assert table.X["point"].tolist()[1].tolist() == [3.0, 4.0]
    uneven = Table(pl.DataFrame({"point": [[1.0, 2.0], [3.0]], "y": [0, 1]}), Roles(target="y"))
    with pytest.raises(InvalidInput, match="between 1 and 2 numbers"):
        uneven.X  # noqa: B018
    missing = Table(pl.DataFrame({"point": [[1.0], None], "y": [0, 1]}), Roles(target="y"))
    with pytest.raises(InvalidInput, match="1 rows have no 'point'"):
        missing.X  # noqa: B018


def test_names_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    picture = encode_png(np.zeros((1, 3, 3), dtype=np.uint8))
    (tmp_path / "a.png").write_bytes(picture)
    (tmp_path / "wide.png").write_bytes(encode_png(np.zeros((1, 3, 4), dtype=np.uint8)))
    (tmp_path / "no.png").write_bytes(b"GIF89a")
    outside = tmp_path / "table"
    outside.mkdir()

    def read(*names: str, folder: Path = tmp_path) -> pl.DataFrame:
        pl.DataFrame({"face": names, "y": range(len(names))}).write_csv(folder / "t.csv")
        return Table.from_file(folder / "t.csv").frame

    for second, words in (
        ("gone.png", "'gone.png', which is not beside"),
        ("wide.png", "one size"),
        ("no.png", "not a PNG"),
    ):
        with pytest.raises(InvalidInput, match=words):
            read("a.png", second)
    assert read("nothing.png", "there.png")["face"].dtype == pl.String  # names of something else
    assert read("../a.png", "../a.png", folder=outside)["face"].dtype == pl.String  # outside the table's folder
    with pytest.raises(InvalidInput, match="damaged"):
        decode_png(picture[:45])


def test_a_numpy_file_with_objects_is_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    pl.DataFrame({"v": ["a.npy"], "y": [1]}).write_csv(tmp_path / "t.csv")
    with pytest.raises(InvalidInput, match="not a NumPy file of numbers"):
        Table.from_file(tmp_path / "t.csv")
