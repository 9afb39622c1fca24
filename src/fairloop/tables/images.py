"""Pictures beside a table: a column of file names (.png, .npy) becomes a column of arrays, so that a dataset version
holds the pixels themselves and not the names of files that may change."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from fairloop.errors import InvalidInput

Pixels = npt.NDArray[np.uint8]
SUFFIXES = (".png", ".npy")
MOST_BYTES = 2**30
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def with_pictures(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """The frame with every column of names of pictures in ``folder`` replaced by the pictures.

    A column counts as one when its first value ends in .png or .npy and names a file below ``folder``.

    Raises
    ------
    InvalidInput
        Another name in the column has no file, or the pictures differ in shape; the message names one.
    """
    for name in frame.columns:
        known: list[str] = frame[name].drop_nulls().head(1).to_list() if frame[name].dtype == pl.String else []
        if known and known[0].lower().endswith(SUFFIXES) and _below(folder, known[0]) is not None:
            frame = frame.with_columns(_read(frame[name], folder))
    return frame


def _below(folder: Path, name: str) -> Path | None:
    """The file a table names; None when it is none, or lies outside the table's folder."""
    root = folder.resolve()
    file = (root / name).resolve()
    return file if root in file.parents and file.is_file() else None


def _read(names: pl.Series, folder: Path) -> pl.Series:
    found: list[npt.NDArray[np.generic]] = []
    size = 0
    for name in names.to_list():
        file = _below(folder, name) if name else None
        if file is None:
            raise InvalidInput(f"The column {names.name!r} names the picture {name!r}, which is not beside the table.")
        array = decode_png(file.read_bytes(), name) if name.lower().endswith(".png") else _numbers(file, name)
        if found and array.shape != found[0].shape:
            raise InvalidInput(
                f"The picture {name!r} has shape {list(array.shape)}, the first one {list(found[0].shape)}; "
                "give all pictures of a column one size."
            )
        size += array.nbytes
        if size > MOST_BYTES:
            raise InvalidInput(f"The pictures in {names.name!r} take over {MOST_BYTES:,} bytes; make them smaller.")
        found.append(array)
    stacked = np.stack(found)
    inner = pl.UInt8 if stacked.dtype == np.uint8 else pl.Float32
    values = stacked if inner == pl.UInt8 else stacked.astype(np.float32)
    return pl.Series(names.name, values, dtype=pl.Array(inner, values.shape[1:]))


def _numbers(file: Path, name: str) -> npt.NDArray[np.generic]:
    try:
        found: npt.NDArray[np.generic] = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as cause:
        raise InvalidInput(f"{name} is not a NumPy file of numbers: {str(cause)[:120]}.") from cause
    if found.dtype.kind not in "biuf" or found.ndim == 0:
        raise InvalidInput(f"{name} holds {found.dtype}; give an array of numbers.")
    return found


def decode_png(data: bytes, name: str = "The picture") -> Pixels:
    """The pixels of a PNG file, shape (channels, height, width), one byte each.

    Read are grey and colour pictures, with or without transparency, of 8 bits a channel and not interlaced.

    Raises
    ------
    InvalidInput
        It is no PNG file, a kind that is not read, or damaged.
    """
    width, height, channels, packed = _chunks(data, name)
    stride = width * channels
    try:
        raw = zlib.decompressobj().decompress(packed, height * (stride + 1) + 1)
    except zlib.error as cause:
        raise InvalidInput(f"{name} is a damaged PNG file: {cause}.") from cause
    if len(raw) != height * (stride + 1):
        raise InvalidInput(f"{name} is a damaged PNG file: it holds {len(raw)} bytes for {height} rows.")
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(height, stride + 1)
    found = np.zeros((height, stride), dtype=np.uint8)
    above = np.zeros(stride, dtype=np.uint8)
    for row in range(height):
        found[row] = above = _unfiltered(int(rows[row, 0]), rows[row, 1:], above, channels, name)
    return np.ascontiguousarray(found.reshape(height, width, channels).transpose(2, 0, 1))


def _chunks(data: bytes, name: str) -> tuple[int, int, int, bytes]:
    """Width, height, channels and the compressed pixels."""
    if not data.startswith(_SIGNATURE):
        raise InvalidInput(f"{name} is not a PNG file.")
    at, packed, head = 8, b"", None
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR" and len(body) == 13:
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    if head is None:
        raise InvalidInput(f"{name} is a damaged PNG file: it has no header.")
    width, height, depth, colour, _, _, interlaced = head
    if depth != 8 or colour not in _CHANNELS or interlaced or not 0 < width * height * 4 <= MOST_BYTES:
        raise InvalidInput(f"{name} is a PNG of a kind that is not read; save it with 8 bits a channel, not interlaced, "
                           "without a palette.")  # fmt: skip
    return width, height, _CHANNELS[colour], packed


def _unfiltered(kind: int, row: Pixels, above: Pixels, step: int, name: str) -> Pixels:
    """One row of pixels from how PNG stores it: as differences from the pixels to the left and above."""
    if kind == 0:
        return row.copy()
    if kind == 2:
        return row + above
    if kind not in {1, 3, 4}:
        raise InvalidInput(f"{name} is a damaged PNG file: row filter {kind}.")
    found = [0] * len(row)
    values, top = row.tolist(), above.tolist()
    for i, value in enumerate(values):
        left = found[i - step] if i >= step else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + top[i]) // 2
        else:
            guess = _paeth(left, top[i], top[i - step] if i >= step else 0)
        found[i] = (value + guess) & 255
    return np.array(found, dtype=np.uint8)


def _paeth(left: int, up: int, corner: int) -> int:
    """Whichever of the three neighbours is nearest to left + up - corner (Paeth, 1991; PNG specification 9.4)."""
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def encode_png(pixels: Pixels) -> bytes:
    """A PNG file of pixels of shape (channels, height, width); 1 channel is grey, 3 are colour."""
    channels, height, width = pixels.shape
    colour = {count: kind for kind, count in _CHANNELS.items()}[channels]
    rows = pixels.transpose(1, 2, 0).reshape(height, width * channels)
    packed = zlib.compress(np.hstack([np.zeros((height, 1), dtype=np.uint8), rows]).tobytes())
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    )
