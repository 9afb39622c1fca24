"""The endpoint's heart: loaded deployments, the traffic split, counters, the spool and reloading."""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from fairloop.core import codec
from fairloop.errors import FairloopError, InvalidInput, NotFound, StorageFull, Unavailable
from fairloop.serving.counters import Stats, stats_from
from fairloop.serving.layout import Config, Folder, Served, write_atomic
from fairloop.serving.prediction_ids import Mint
from fairloop.serving.protocols import Answer, Asked
from fairloop.serving.runtime import MODEL_FAULTS, Batcher, Loaded, load
from fairloop.serving.spool import Spool

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_RECENT = 200


@dataclass(slots=True)
class Live:
    """One deployment in memory."""

    served: Served
    loaded: Loaded
    batcher: Batcher


class Engine:
    """All state of one endpoint process; its methods are called from the event loop, except ``start``."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._config: Config = folder.read_config()
        self._live: dict[str, Live] = {}
        self._failed: dict[str, str] = {}
        self._chances: list[tuple[float, Live]] = []
        self._mint = Mint(bytes.fromhex(self._config.id_key))
        self._stats = self._read_stats()
        self._written = ""
        self._recent: deque[bytes] = deque(maxlen=_RECENT)
        self._random = random.Random()  # noqa: S311  # splits traffic, protects nothing
        self._loading = asyncio.Lock()
        self._hashes = self._hashes_of(self._config)
        self.draining = False
        self._spool = Spool(folder.spool, self._stats, durable=self._config.log_mode == "durable",
                            segment_bytes=self._config.segment_bytes, segment_s=self._config.segment_s)  # fmt: skip

    # ------------------------------------------------------------------ what the app asks
    @property
    def name(self) -> str:
        return self._config.endpoint

    @property
    def max_body_bytes(self) -> int:
        return self._config.max_body_bytes

    @property
    def token_hashes(self) -> frozenset[str] | None:
        return self._hashes

    @property
    def ready(self) -> bool:
        return bool(self._chances) and not self.draining

    @property
    def versions(self) -> list[int]:
        return sorted(live.served.version for live in self._live.values())

    def choose(self) -> Live:
        """The deployment that answers the next request, by share."""
        if not self._chances:
            raise Unavailable(f"No model serves on the endpoint {self.name!r} now; deploy one, then try again.")
        if len(self._chances) == 1:
            return self._chances[0][1]
        draw = self._random.random() * self._chances[-1][0]
        return next(live for upper, live in self._chances if draw < upper)

    def find(self, name: str, version: str | None) -> Live:
        """The deployment of a model (the endpoint's or the registered model's name), of one version when given."""
        found = [live for live in self._live.values()
                 if name in {self.name, live.served.model} and version in {None, str(live.served.version)}]  # fmt: skip
        if not found:
            raise NotFound(f"No model {name[:80]!r}{f' version {version[:20]}' if version else ''} is served here.")
        return max(found, key=lambda live: (live.served.share, live.served.version))

    async def predict(self, live: Live, asked: Asked) -> Answer:
        """Score, give ids, log: in durable mode the answer waits until the log is on disk."""
        started = time.perf_counter()
        deployment = live.served.deployment_id
        counts = self._stats.of(deployment)
        columns = live.loaded.with_sensitive(asked.columns, asked.sensitive)
        try:
            scores, predicted = await live.batcher.score(columns, asked.n, within_s=self._config.answer_within_s)
        except InvalidInput:
            raise
        except FairloopError:
            counts.failed()
            raise
        at_ms = time.time_ns() // 1_000_000
        binary = live.loaded.task == "binary"
        lines, sensitive, ids, positives = [], [], [], 0
        for row in range(asked.n):
            positive = predicted[row] == 1 if binary else None
            told = asked.sensitive[row] if asked.sensitive else None
            prediction = self._mint.make(deployment, at_ms, positive=positive, told=bool(told))
            ids.append(prediction)
            positives += positive is True
            lines.append(_encode({"id": prediction, "at_ms": at_ms, "deployment": deployment,
                                  "features": {name: values[row] for name, values in asked.columns.items()},
                                  "score": scores[row], "predicted": predicted[row]}))  # fmt: skip
            if told:
                sensitive.append(_encode({"id": prediction, "values": told}))
                if positive is not None:  # groups are compared by how often they are selected
                    for attribute, group in told.items():
                        counts.told(attribute, group, positive)
        self._stats.sent += asked.n
        try:
            await self._record(lines, sensitive)
        except FairloopError:
            counts.failed()
            raise
        self._recent.extend(lines)
        counts.answered(asked.n, positives, (time.perf_counter() - started) * 1000)
        return Answer(scores, predicted, ids)

    async def _record(self, lines: list[bytes], sensitive: list[bytes]) -> None:
        if not self._spool.durable:
            self._spool.offer(lines, sensitive)
            return
        loop = asyncio.get_running_loop()
        written: asyncio.Future[BaseException | None] = loop.create_future()

        def done(failure: BaseException | None) -> None:
            loop.call_soon_threadsafe(_resolve, written, failure)

        self._spool.append(lines, sensitive, done)
        failure = await written
        if isinstance(failure, OSError) and failure.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(
                "The disk is full, so this prediction cannot be logged and is not given; free some space."
            )
        if failure is not None:
            raise Unavailable("This prediction cannot be logged now and is not given; try again.")

    # ------------------------------------------------------------------ loading
    def start(self) -> None:
        """Load everything the config names; a deployment that fails is left out and reported."""
        for served in self._config.deployments:
            self._admit(served, self._try_load(served))
        self._take_shares(self._config)

    def _try_load(self, served: Served) -> Loaded | str:
        try:
            return load(self._folder.path / served.folder, max_rows=self._config.max_rows)
        except FairloopError as cause:
            return cause.message
        except ImportError as cause:
            return f"The model needs a library that is not installed here: {cause}."
        except MODEL_FAULTS as cause:
            log.warning("deployment %s cannot be loaded", served.deployment_id, exc_info=cause)
            return f"The model cannot be loaded: {type(cause).__name__}: {str(cause)[:300]}."

    def _admit(self, served: Served, loaded: Loaded | str) -> None:
        if isinstance(loaded, str):
            self._failed[served.deployment_id] = loaded
            log.warning("deployment %s failed: %s", served.deployment_id, loaded)
        else:
            self._live[served.deployment_id] = Live(served, loaded, Batcher(loaded))

    async def reload(self) -> dict[str, Any]:
        """Take a new config: new models are loaded beside the old, then the split changes at once, then old ones go."""
        async with self._loading:
            config = await asyncio.to_thread(self._folder.read_config)
            wanted = {d.deployment_id for d in config.deployments}
            self._failed = {k: v for k, v in self._failed.items() if k in wanted}
            for served in config.deployments:
                if served.deployment_id not in self._live:
                    self._failed.pop(served.deployment_id, None)
                    self._admit(served, await asyncio.to_thread(self._try_load, served))
            self._take_shares(config)
            for gone in [k for k in self._live if k not in wanted]:
                live = self._live.pop(gone)
                asyncio.get_running_loop().call_later(config.answer_within_s + 1, live.batcher.close)
            return self.report()

    def _take_shares(self, config: Config) -> None:
        self._config = config
        self._hashes = self._hashes_of(config)
        chances, upper = [], 0.0
        for served in config.deployments:
            live = self._live.get(served.deployment_id)
            if live is None:
                continue
            live.served = served
            if served.share > 0:
                upper += served.share
                chances.append((upper, live))
        self._chances = chances

    @staticmethod
    def _hashes_of(config: Config) -> frozenset[str] | None:
        return None if config.token_hashes is None else frozenset(config.token_hashes)

    # ------------------------------------------------------------------ counters and the end
    def _read_stats(self) -> Stats:
        try:
            return stats_from(codec.loads(self._folder.stats.read_bytes()))
        except (OSError, InvalidInput):
            return Stats()

    def report(self) -> dict[str, Any]:
        """What the server reads: who we are, what is loaded, what failed and why."""
        return {
            "endpoint_id": self._config.endpoint_id, "ready": self.ready, "failed": dict(self._failed),
            "deployments": {k: live.served.share for k, live in self._live.items()},
            "log": {"sent": self._stats.sent, "logged": self._stats.logged, "dropped": self._stats.dropped},
        }  # fmt: skip

    def write_stats(self) -> None:
        """Keep the counters across restarts; cheap when nothing changed."""
        text = codec.dumps(self._stats.plain())
        if text != self._written:
            try:
                write_atomic(self._folder.stats, text, sync=False)
            except OSError as cause:
                log.warning("the counters cannot be saved: %s", cause)
                return
            self._written = text

    def recent(self, limit: int) -> bytes:
        """The newest predictions first, as a JSON list; none from before this process started."""
        return b"[" + b",".join(list(self._recent)[: -limit - 1 : -1]) + b"]"

    async def seal(self) -> None:
        """Everything answered so far stands in sealed segments afterwards."""
        await asyncio.to_thread(self._spool.seal().wait, 30.0)
        self.write_stats()

    def close(self) -> None:
        self._spool.close()
        self.write_stats()


def _resolve(future: asyncio.Future[BaseException | None], failure: BaseException | None) -> None:
    if not future.done():
        future.set_result(failure)
