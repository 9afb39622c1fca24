"""The prediction log: Delta tables that any reader of the format opens, filled exactly once from the endpoint's spool.

Under ``<data>/logs/<endpoint>``: ``predictions`` (seq, id, at_ms, deployment, features, score, predicted, answer),
``labels`` (seq, id, at_ms, label, source) and ``sensitive`` (seq, id, at_ms, attribute, value), the last one apart because it
has its own permission and retention. ``seq`` is the place in the spool, so it orders a log the same way whenever and
however often it is collected. Features, answers and labels are JSON text: bit-exact, whatever their types.

Every Delta commit names the spool segments it took as application transactions. A segment is deleted only when its
commit is on disk; one that is found again after a crash is recognised and skipped.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError

log = logging.getLogger(__name__)

_ROWS_OF_SEGMENT = 2**32
_BATCH_BYTES = 64 * 2**20
_MANY_FILES = 64
_KEEP_TRANSACTIONS = {"delta.setTransactionRetentionDuration": "interval 90 days"}

SCHEMAS: dict[str, dict[str, Any]] = {
    "predictions": {"seq": pl.Int64, "id": pl.String, "at_ms": pl.Int64, "deployment": pl.String,
                    "features": pl.String, "score": pl.Float64, "predicted": pl.Float64, "answer": pl.String},
    "labels": {"seq": pl.Int64, "id": pl.String, "at_ms": pl.Int64, "label": pl.String, "source": pl.String},
    "sensitive": {"seq": pl.Int64, "id": pl.String, "at_ms": pl.Int64, "attribute": pl.String, "value": pl.String},
}  # fmt: skip
Row = tuple[Any, ...]
_NULL = msgspec.Raw(b"null")


class _Prediction(msgspec.Struct):
    id: str
    at_ms: int
    deployment: str
    features: msgspec.Raw
    score: float | None
    predicted: msgspec.Raw

    def rows(self, seq: int) -> Iterator[tuple[str, Row]]:
        answer = msgspec.json.decode(self.predicted)
        number = float(answer) if isinstance(answer, (bool, int, float)) else None
        yield "predictions", (seq, self.id, self.at_ms, self.deployment, _text(self.features), self.score, number,
                              _text(self.predicted))  # fmt: skip


class _Told(msgspec.Struct):
    """Sensitive values that came with a request: older than any that come later by id."""

    id: str
    values: dict[str, str]

    def rows(self, seq: int) -> Iterator[tuple[str, Row]]:
        for attribute, value in self.values.items():
            yield "sensitive", (seq, self.id, 0, attribute, value)


class _Feedback(msgspec.Struct):
    prediction_id: str
    at_ms: int
    label: msgspec.Raw = _NULL
    sensitive: dict[str, Any] | None = None
    source: str = ""

    def rows(self, seq: int) -> Iterator[tuple[str, Row]]:
        if _text(self.label) != "null":
            yield "labels", (seq, self.prediction_id, self.at_ms, _text(self.label), self.source)
        for attribute, value in (self.sensitive or {}).items():
            if value is not None:
                yield "sensitive", (seq, self.prediction_id, self.at_ms, attribute, str(value))


_KINDS: dict[str, tuple[msgspec.json.Decoder[Any], tuple[str, ...]]] = {
    "predictions": (msgspec.json.Decoder(_Prediction), ("predictions",)),
    "sensitive": (msgspec.json.Decoder(_Told), ("sensitive",)),
    "feedback": (msgspec.json.Decoder(_Feedback), ("labels", "sensitive")),
}
"""Kind of spool file to what reads its lines and the tables they feed."""


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


class PredictionLog:
    """The log of one endpoint, found from its folder. One process collects at a time; reading needs no lock."""

    def __init__(self, endpoint_folder: Path) -> None:
        self.spool = endpoint_folder / "spool"
        self.folder = endpoint_folder.parents[1] / "logs" / endpoint_folder.name

    def table(self, name: str) -> Path:
        return self.folder / name

    # ------------------------------------------------------------------ writing
    def collect(self) -> dict[str, int]:
        """Move every sealed spool segment into the tables; how many rows each table gained."""
        gained = dict.fromkeys(SCHEMAS, 0)
        with self._alone():
            for kind, (_, tables) in _KINDS.items():
                for batch in self._batches(kind):
                    lines = [self._lines(kind, segment) for segment in batch]
                    for table in tables:
                        gained[table] += self._append(table, kind, batch, lines)
                    for segment in batch:
                        segment.unlink()
            for name in SCHEMAS:
                self._compact(name)
        return gained

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _batches(self, kind: str) -> Iterator[list[Path]]:
        """Sealed segments in order, as many at once as memory should hold."""
        batch: list[Path] = []
        size = 0
        for segment in sorted(self.spool.glob(f"{kind}-*.jsonl")):
            batch.append(segment)
            size += segment.stat().st_size
            if size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _append(self, table: str, kind: str, segments: list[Path], lines: list[list[tuple[str, Row]]]) -> int:
        """One commit for the segments this table has not taken yet."""
        path = self.table(table)
        known = _open(path)
        names = [f"{kind}-{_number(segment)}" for segment in segments]
        fresh = [n for n, name in enumerate(names) if known is None or known.transaction_version(name) is None]
        rows = [row for n in fresh for name, row in lines[n] if name == table]
        if not rows:
            return 0
        now = int(time.time() * 1000)
        took = [Transaction(app_id=names[n], version=1, last_updated=now) for n in fresh]
        frame = pl.DataFrame(rows, schema=SCHEMAS[table], orient="row")
        before = _files(path)
        write_deltalake(path, frame, mode="append", schema_mode="merge", configuration=_KEEP_TRANSACTIONS if known is None else None,
                        commit_properties=CommitProperties(app_transactions=took))  # fmt: skip
        _flush(path, before)
        return frame.height

    def _lines(self, kind: str, segment: Path) -> list[tuple[str, Row]]:
        """The rows of a segment, each with the table it belongs to."""
        decoder, first, found = _KINDS[kind][0], _number(segment) * _ROWS_OF_SEGMENT, []
        for number, text in enumerate(segment.read_bytes().splitlines()):
            try:
                found.extend(decoder.decode(text).rows(first + number))
            except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
                # One damaged line must not keep all others out of the log for ever.
                log.warning("line %d of %s was set aside: %s", number + 1, segment.name, cause)
                with (self.folder / "rejected.jsonl").open("ab") as file:
                    file.write(text + b"\n")
        return found

    def _compact(self, name: str) -> None:
        """Many small commits leave many small files: join them, and delete what no reader of this week still needs."""
        found = _open(self.table(name))
        if found is not None and len(found.file_uris()) > _MANY_FILES:
            found.optimize.compact()
            found.vacuum(retention_hours=168, dry_run=False)

    # ------------------------------------------------------------------ reading
    def places(self, deployment: str, after_seq: int = -1) -> list[int]:
        """``seq`` of each row of one deployment after ``after_seq``, in order: where windows can be cut."""
        asked = (pl.col("deployment") == deployment) & (pl.col("seq") > after_seq)
        return self._read("predictions", asked, "seq")["seq"].sort().to_list()

    def predictions(self, deployment: str, from_seq: int, to_seq: int) -> pl.DataFrame:
        """Rows of one deployment from and to these places, both included, in log order."""
        within = (pl.col("seq") >= from_seq) & (pl.col("seq") <= to_seq)
        return self._read("predictions", (pl.col("deployment") == deployment) & within).sort("seq")

    def predictions_of(self, ids: Sequence[str]) -> pl.DataFrame:
        """The rows with these ids, in log order."""
        return self._read("predictions", pl.col("id").is_in(list(ids))).sort("seq")

    def labels(self, ids: Sequence[str] | None = None, *, after_seq: int = -1) -> pl.DataFrame:
        """id, label (JSON text), seq: the newest label of each prediction; ``seq`` is when it was first labelled."""
        asked = pl.lit(True) if ids is None else pl.col("id").is_in(list(ids))
        rows = self._read("labels", asked, "seq", "id", "at_ms", "label").sort("at_ms", "seq")
        newest = rows.group_by("id", maintain_order=True).agg(pl.col("label").last(), pl.col("seq").min())
        return newest.filter(pl.col("seq") > after_seq)

    def sensitive(self, ids: Sequence[str]) -> pl.DataFrame:
        """id, attribute, value: the newest value of each attribute of each prediction."""
        rows = self._read("sensitive", pl.col("id").is_in(list(ids))).sort("at_ms", "seq")
        return rows.group_by("id", "attribute", maintain_order=True).agg(pl.col("value").last())

    def people(self, deployment: str) -> pl.DataFrame:
        """id, person, attribute, value of every prediction of one deployment whose sensitive values are known.

        ``person`` tells different inputs apart: the same ones asked twice are one person.
        """
        rows = self._read("predictions", pl.col("deployment") == deployment, "id", "features")
        seen = rows.select("id", person=pl.col("features").hash())
        values = self._read("sensitive", pl.lit(True)).sort("at_ms", "seq")
        newest = values.group_by("id", "attribute", maintain_order=True).agg(pl.col("value").last())
        return seen.join(newest, on="id", how="inner").select("id", "person", "attribute", "value")

    def _read(self, name: str, asked: pl.Expr, *columns: str) -> pl.DataFrame:
        path, wanted = self.table(name), list(columns or SCHEMAS[name])
        if _open(path) is None:
            return pl.DataFrame(schema=SCHEMAS[name]).select(wanted)
        return pl.scan_delta(str(path)).filter(asked).select(wanted).collect()


def _number(segment: Path) -> int:
    return int(segment.stem.rpartition("-")[2])


def _open(path: Path) -> DeltaTable | None:
    try:
        return DeltaTable(path)
    except TableNotFoundError:
        return None


def _files(path: Path) -> set[Path]:
    return {file for file in path.rglob("*") if file.is_file()} if path.is_dir() else set()


def _flush(path: Path, before: set[Path]) -> None:
    """Put what a commit wrote on disk: the writer of the format does not, and the spool is deleted next."""
    new = _files(path) - before
    for place in [*new, *{file.parent for file in new}, path]:
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
