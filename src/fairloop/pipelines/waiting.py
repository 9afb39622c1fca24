"""Workers without work wait here, each on the event loop that serves its request, until a step of their key is ready."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict


class Waiters:
    """``wake`` may be called from any thread; ``wait`` only inside an event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(list)
        self.closed = False

    def wake(self, key: str) -> None:
        with self._lock:
            waiting = list(self._waiting.get(key, ()))
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Send everybody away, now and later: the server is stopping."""
        self.closed = True
        for key in list(self._waiting):
            self.wake(key)

    def enter(self, key: str) -> asyncio.Event:
        """Stand in line; look for work once more before waiting on the event, then ``leave``."""
        event = asyncio.Event()
        with self._lock:
            self._waiting[key].append((asyncio.get_running_loop(), event))
        return event

    def leave(self, key: str, event: asyncio.Event) -> None:
        with self._lock:
            self._waiting[key] = [entry for entry in self._waiting[key] if entry[1] is not event]
            if not self._waiting[key]:
                del self._waiting[key]
