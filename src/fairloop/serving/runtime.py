"""A loaded model in the endpoint process: its checked inputs, its scores, and the micro-batches that share them.

Only the endpoint and smoke processes import this module: it loads NumPy, scikit-learn and LightGBM.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from fairloop.core import codec
from fairloop.errors import FairloopError, InvalidInput, Refused, Unavailable
from fairloop.registry.model import Model
from fairloop.serving.boosters import Scorer, scorer_of
from fairloop.serving.inputs import Column, Columns, Inputs, columns_of

log = logging.getLogger(__name__)

_QUICK_S = 0.0002
_QUICK_ROWS = 32
"""So many rows of a quick model are scored on the event loop itself: at most 6 ms."""

MODEL_FAULTS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError, MemoryError, OSError)
"""What model code raises; anything rarer ends the process, which the supervisor restarts."""


BESIDE = "\0sensitive "
"""Marks, among the columns of a batch, a value of a sensitive attribute; no input column is called so."""


class Loaded:
    """One model, ready to answer. ``score`` is called from one thread at a time."""

    def __init__(self, model: Model, columns: list[Column], *, max_rows: int, scorer: Scorer | None = None,
                 samples: list[dict[str, Any]] | None = None) -> None:  # fmt: skip
        self._model = model
        self._samples = samples or []
        self._scorer = scorer
        self.quick = False
        """Whether a few rows are scored in less time than handing them to another thread costs."""
        self.task = model.task
        self.reads = model.reads_sensitive
        """Sensitive attributes the model must be told of; they come beside the features and are logged apart from them."""
        self.inputs = Inputs(columns, max_rows=max_rows)

    def score(self, columns: Columns) -> tuple[list[float], list[Any]]:
        """Per row the score (for more than two classes that of the answer) and the answer.

        Raises
        ------
        Refused
            The model answered with something that is not a finite number.
        """
        n = len(next(iter(columns.values())))
        told = {name: columns[BESIDE + name] for name in self.reads} if self.reads else None
        if self._scorer is not None:
            scores = self._scorer(columns, n)
        else:
            scores = np.asarray(self._model.scores(self._model.frame(columns), told), dtype=np.float64)
        if scores.shape[0] != n:
            raise Refused(f"The model answered {scores.shape[0]} scores for {n} rows.")
        if not np.isfinite(scores).all():
            raise Refused("The model answered a score that is not a finite number.")
        predicted = self._model.decide(scores).tolist()
        return (scores if scores.ndim == 1 else scores.max(axis=1)).tolist(), predicted

    def with_sensitive(self, columns: Columns, told: Sequence[dict[str, str]] | None) -> Columns:
        """The columns with what the model must be told of people beside them.

        Raises
        ------
        InvalidInput
            The request does not say an attribute that the model reads; a person of whom null is said is judged by the
            rule for people whose group is not known.
        """
        if not self.reads:
            return columns
        n = len(next(iter(columns.values())))
        found = dict(columns)
        for name in self.reads:
            if told is None or (any(told) and not any(name in row for row in told)):
                raise InvalidInput(f"This model reads {name!r} of the person it judges; send it as parameters.sensitive.{name}, "
                                   "apart from the features.")  # fmt: skip
            found[BESIDE + name] = [told[row].get(name) for row in range(n)]
        return found

    def tried(self, columns: Columns) -> Columns:
        """The columns with some known groups beside them, to try the model with."""
        n = len(next(iter(columns.values())))
        told = self._model.some_sensitive(n) or {}
        return columns | {BESIDE + name: list(values) for name, values in told.items()}

    @property
    def samples(self) -> list[dict[str, Any]]:
        """Rows to try the model with: those stored with it, else one made up from the types."""
        plain: dict[str, Any] = {"number": 0.0, "integer": 0, "boolean": False, "date": 0.0}
        return self._samples or [
            {
                c.name: [0.0] * math.prod(c.shape) if c.kind == "array" else plain.get(c.kind, "")
                for c in self.inputs.columns
            }
        ]


def load(folder: Path, *, max_rows: int = 10_000) -> Loaded:
    """The model in ``folder``.

    Raises
    ------
    FairloopError
        The folder holds no model that may be loaded; the message says why.
    """
    model = Model.load(folder)
    if isinstance(model.estimator, lightgbm.Booster):  # reads text as categories only; MLflow has no word for them
        model.columns = [{**c, "kind": "category"} if c["kind"] == "text" else c for c in model.columns]
    declared = columns_of({"columns": model.columns})
    stored = list(model.sample) or _input_example(folder, model.inputs)
    loaded = Loaded(model, declared, max_rows=max_rows, samples=stored)
    scorer = scorer_of(model, loaded.samples)
    undeclared = [c.name for c, entry in zip(declared, model.columns, strict=True) if "missing" not in entry]
    refusing = _refuse_missing(loaded, undeclared) if undeclared else set()
    columns = [replace(c, missing=c.missing and c.name not in refusing) for c in declared]
    ready = Loaded(model, columns, max_rows=max_rows, scorer=scorer, samples=stored)
    ready.quick = scorer is not None and _seconds_a_row(ready) < _QUICK_S
    return ready


def _seconds_a_row(loaded: Loaded) -> float:
    """The best of a few, so that a busy machine at the moment of loading decides nothing for good."""
    columns, _ = loaded.inputs.from_records(loaded.samples[:1])
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        loaded.score(loaded.tried(columns))
        taken.append(time.perf_counter() - began)
    return min(taken)


def _input_example(folder: Path, names: list[str]) -> list[dict[str, Any]]:
    """The rows an MLflow client stored with the model; none when it stored no table of these columns."""
    try:
        found = codec.loads((folder / "input_example.json").read_bytes())
        rows = [dict(zip(found["columns"], row, strict=True)) for row in found["data"][:3]]
        return [{name: row[name] for name in names} for row in rows]
    except (OSError, InvalidInput, KeyError, TypeError, ValueError):
        return []


def _refuse_missing(loaded: Loaded, names: list[str]) -> set[str]:
    """Of the columns whose signature does not say, those whose missing value the model cannot score."""
    base = loaded.samples[0]

    def scores(without: list[str]) -> bool:
        rows = [{**base, name: None} for name in without]
        try:
            loaded.score(loaded.tried(loaded.inputs.from_records(rows)[0]))
        except (FairloopError, *MODEL_FAULTS):
            return False
        return True

    if scores(names):
        return set()
    return {name for name in names if not scores([name])}


@dataclass(slots=True)
class _Waiting:
    columns: Columns
    n: int
    answer: asyncio.Future[tuple[list[float], list[Any]]]


def _take(queue: list[_Waiting], max_rows: int) -> list[_Waiting]:
    """From the front of ``queue`` what fits into one call of the model; what nobody waits for any more is left out."""
    batch: list[_Waiting] = []
    taken = rows = 0
    for waiting in queue:
        if batch and rows + waiting.n > max_rows:
            break
        taken += 1
        if not waiting.answer.done():
            batch.append(waiting)
            rows += waiting.n
    del queue[:taken]
    return batch


def _joined(batch: list[_Waiting]) -> Columns:
    if len(batch) == 1:
        return batch[0].columns
    return {name: [v for w in batch for v in w.columns[name]] for name in batch[0].columns}


def _share(batch: list[_Waiting], scores: list[float], predicted: list[Any]) -> None:
    """Give every request of the batch its rows' answers."""
    start = 0
    for w in batch:
        if not w.answer.done():
            w.answer.set_result((scores[start : start + w.n], predicted[start : start + w.n]))
        start += w.n


class Batcher:
    """Requests that arrive while the model works share its next call: latency of one, throughput of many.

    The model runs in a thread of its own, so a slow or hanging one never blocks the event loop. Few rows of a quick
    one (a compiled booster, measured when it was loaded) are scored on the loop itself, for all requests that were
    read in the same turn of it: handing them over would cost more than scoring them.
    """

    def __init__(self, loaded: Loaded, *, max_rows: int = 1024) -> None:
        self._loaded = loaded
        self._max_rows = max_rows
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._quick: list[_Waiting] = []

    async def score(self, columns: Columns, n: int, *, within_s: float) -> tuple[list[float], list[Any]]:
        """The model's scores and answers for these rows; Unavailable when they take longer than ``within_s``."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(columns, n, loop.create_future())
        if self._loaded.quick and n <= _QUICK_ROWS:
            if not self._quick:
                loop.call_soon(self._at_once)
            self._quick.append(waiting)
            return await waiting.answer
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        timer = loop.call_later(within_s, _give_up, waiting.answer, within_s)
        try:
            return await waiting.answer
        finally:
            timer.cancel()

    def _at_once(self) -> None:
        """Answer what the event loop has read in this turn."""
        while self._quick:
            if not (batch := _take(self._quick, _QUICK_ROWS)):
                continue
            try:
                _share(batch, *self._loaded.score(_joined(batch)))
            except (FairloopError, *MODEL_FAULTS):
                for waiting in batch:  # one request's rows must not fail the others that shared its batch
                    try:
                        _share([waiting], *self._loaded.score(waiting.columns))
                    except (FairloopError, *MODEL_FAULTS) as own:
                        waiting.answer.set_exception(_told(own))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = _take(self._waiting, self._max_rows)
            if not batch:
                continue
            try:
                scores, predicted = await loop.run_in_executor(self._pool, self._loaded.score, _joined(batch))
            except (FairloopError, *MODEL_FAULTS) as cause:
                await self._one_by_one(batch, cause)
                continue
            _share(batch, scores, predicted)

    async def _one_by_one(self, batch: list[_Waiting], cause: BaseException) -> None:
        """One request's rows must not fail the others that shared its batch."""
        loop = asyncio.get_running_loop()
        for w in batch:
            failure = cause
            if len(batch) > 1:
                try:
                    answer = await loop.run_in_executor(self._pool, self._loaded.score, w.columns)
                except (FairloopError, *MODEL_FAULTS) as own:
                    failure = own
                else:
                    if not w.answer.done():
                        w.answer.set_result(answer)
                    continue
            if not w.answer.done():
                w.answer.set_exception(_told(failure))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _told(cause: BaseException) -> FairloopError:
    if isinstance(cause, InvalidInput):
        return cause
    if isinstance(cause, FairloopError):
        return Unavailable(f"The model could not answer: {cause.message}")
    log.warning("the model raised", exc_info=cause)
    return Unavailable(f"The model could not answer these rows ({type(cause).__name__}); the endpoint's log says why.")


def _give_up(answer: asyncio.Future[Any], within_s: float) -> None:
    if not answer.done():
        answer.set_exception(Unavailable(f"The model did not answer within {within_s:g} s; try again."))
