"""Signs of life: one thread renews the running step's lease and sends along what the step wrote."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any

from fairloop.client.work import Work
from fairloop.errors import FairloopError, NotFound, StaleLease, Unavailable
from fairloop.pipelines.lines import Lines

_FLUSH_S = 0.25
_LONGEST_S = 2.0


class Beats:
    """Sets ``cancelled``, ``lost`` (another holds the step) or ``silent`` (not renewed for the lease's length) and
    then writes a byte to ``waker``."""

    def __init__(self, work: Work, waker: int, lease_s: float) -> None:
        self._work = work
        self._waker = waker
        self._lease_s = lease_s
        self._every_s = min(_LONGEST_S, lease_s / 4)
        self._changed = threading.Condition()
        self._step: dict[str, Any] | None = None
        self._lines = Lines()
        self._now = False
        self._renewed = time.monotonic()
        self.cancelled = self.lost = self.silent = False
        threading.Thread(target=self._run, name="beats", daemon=True).start()

    def begin(self, step: dict[str, Any], lines: Lines) -> None:
        with self._changed:
            self._step, self._lines, self._now = step, lines, False
            self.cancelled = self.lost = self.silent = False
            self._renewed = time.monotonic()

    def end(self) -> None:
        """Returns when no beat of the step is under way any more."""
        with self._changed:
            self._step = None

    def hurry(self) -> None:
        """Beat now (called from a signal handler: no lock may be taken here)."""
        self._now = True

    def _run(self) -> None:
        while True:
            time.sleep(min(_FLUSH_S, self._every_s) / 2)
            with self._changed:
                step, lines = self._step, self._lines
                due = time.monotonic() - self._renewed >= self._every_s
                if step is None or not (due or self._now or lines.waiting()):
                    continue
                self._now = False
                self._beat(step, lines)

    def _beat(self, step: dict[str, Any], lines: Lines) -> None:
        taken = lines.take()
        began = time.monotonic()
        try:
            cancel = self._work.heartbeat(step, taken)
        except (StaleLease, NotFound):
            self.lost = True
        except Unavailable:
            lines.give_back(taken)
            self._work.look_for_server()
            self.silent = time.monotonic() - self._renewed > self._lease_s
        except FairloopError:
            lines.give_back(taken)
        else:
            self._renewed = began
            self.cancelled = cancel
        if self.cancelled or self.lost or self.silent:
            with contextlib.suppress(BlockingIOError):
                os.write(self._waker, b"!")
