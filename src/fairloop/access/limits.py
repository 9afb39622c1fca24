"""How often strangers may do something: so many per address and so many together, within one span of time."""

from __future__ import annotations

import threading
from collections import deque

from fairloop.core.clock import Clock
from fairloop.errors import TooManyRequests

_MOST_KEYS = 10_000


class Rate:
    """A sliding window. It lives in memory: a restart forgives, and what matters is bounded in the database too."""

    def __init__(self, clock: Clock, *, each: int, together: int, span_s: float) -> None:
        self._clock = clock
        self._each = each
        self._together = together
        self._span_s = span_s
        self._all: deque[float] = deque()
        self._by_key: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count one more of ``key``; TooManyRequests when that or the whole is at its limit."""
        now = self._clock.monotonic_s()
        with self._lock:
            mine = self._by_key.setdefault(key, deque())
            for times in (mine, self._all):
                while times and times[0] <= now - self._span_s:
                    times.popleft()
            full = [t for t, most in ((mine, self._each), (self._all, self._together)) if len(t) >= most]
            if full:
                wait = max(t[0] + self._span_s - now for t in full)
                raise TooManyRequests(f"That is too often; try again in {_words(wait)}.")
            mine.append(now)
            self._all.append(now)
            if len(self._by_key) > _MOST_KEYS:
                self._by_key = {k: t for k, t in self._by_key.items() if t and t[-1] > now - self._span_s}


def _words(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min" if seconds >= 60 else f"{max(1, round(seconds))} s"
