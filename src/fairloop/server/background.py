"""What the server does without being asked: one thread for each worker, woken by signals or by its interval.

A worker is any object with ``interval_s`` and ``tick()``. Its truth is in rows, so a tick may be the first
after a ``kill -9``; an exception in a tick is logged and the next tick tries again.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from fairloop.core.signals import Signals
from fairloop.loops.driver import ReleaseDriver
from fairloop.server.services import Services

log = logging.getLogger(__name__)


class Ticking(Protocol):
    """``interval_s`` is the longest pause between two ticks."""

    interval_s: float

    def tick(self) -> None: ...


def workers_of(services: Services) -> list[Ticking]:
    """Every background worker of the server, in the order they start. Add yours here."""
    workers: list[Ticking] = [
        services.scheduler,
        services.schedules,
        services.tracking,
        services.serving,
        services.watcher,
        services.driver,
        ReleaseDriver(services.driver),
        services.proposals,
        services.deliverer,
        services.idempotency,
        services.appeal_alerts,
    ]
    return workers


class Background:
    """The threads of ``workers``; started and stopped with the web application."""

    def __init__(self, workers: list[Ticking], signals: Signals) -> None:
        self._workers = workers
        self._signals = signals
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._wakers: list[threading.Event] = []

    def start(self) -> None:
        for worker in self._workers:
            waker = self._signals.subscribe()
            thread = threading.Thread(target=self._run, args=(worker, waker), daemon=True,
                                      name=f"fairloop-{type(worker).__name__.lower()}")  # fmt: skip
            self._wakers.append(waker)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Let running ticks end; returns after ``timeout_s`` for each at the latest."""
        self._stopping.set()
        for waker in self._wakers:
            waker.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self, worker: Ticking, waker: threading.Event) -> None:
        while not self._stopping.is_set():
            waker.clear()
            try:
                worker.tick()
            except Exception:  # a fault in one tick must not end the thread
                if not self._stopping.is_set():
                    log.exception("background work of %s failed; it tries again", type(worker).__name__)
            waker.wait(worker.interval_s)
