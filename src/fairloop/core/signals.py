"""Wake background work as soon as there is some, without polling fast."""

from __future__ import annotations

import threading


class Signals:
    """``notify`` wakes every subscriber; each owns an Event and clears it before it looks for work."""

    def __init__(self) -> None:
        self._events: list[threading.Event] = []

    def subscribe(self) -> threading.Event:
        event = threading.Event()
        self._events.append(event)
        return event

    def notify(self) -> None:
        for event in self._events:
            event.set()
