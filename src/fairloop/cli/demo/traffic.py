"""Real requests from held-out rows: what a company's own application would send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fairloop.client.http import Http

if TYPE_CHECKING:
    from fairloop.client.client import Client
    from fairloop.tables.table import Table

BATCH = 50


class Traffic:
    """Rows sent to an endpoint over HTTP, their labels afterwards.

    Parameters
    ----------
    client : Client
        Where labels go.
    endpoint : str
        The endpoint's name.
    rows : Table
        Rows no model has seen, with their labels and sensitive attributes.
    """

    def __init__(self, client: Client, endpoint: str, rows: Table) -> None:
        self._client = client
        self._endpoint = endpoint
        self._rows = rows
        self._next = 0
        self._address = Http(client.endpoints.describe(endpoint)["url"])

    def close(self) -> None:
        self._address.close()

    def send(self, count: int) -> int:
        """Send the next ``count`` rows (from the start again when they run out) and their labels; returns how many."""
        sent = 0
        for batch in self._batches(count):
            ids = self._ask(batch)
            labels = batch.frame[str(self._rows.roles.target)].to_list()
            told = [{"prediction_id": i, "label": label} for i, label in zip(ids, labels, strict=True)]
            self._client.predictions.feedback(self._endpoint, told)
            sent += len(ids)
        return sent

    def send_until(self, done: Callable[[], bool], *, most: int) -> int:
        """Keep sending batches until ``done()``, ``most`` rows at most; returns how many were sent."""
        sent = 0
        while sent < most and not done():
            sent += self.send(BATCH * 4)
        return sent

    def _batches(self, count: int) -> Iterator[Table]:
        while count > 0:
            if self._next >= len(self._rows):
                self._next = 0
            size = min(BATCH, count, len(self._rows) - self._next)
            yield self._rows.take(range(self._next, self._next + size))
            self._next += size
            count -= size

    def _ask(self, batch: Table) -> list[str]:
        features = batch.frame.select(batch.features).to_dicts()
        sensitive = batch.sensitive.to_dict("list")
        body = {"dataframe_records": features, "params": {"sensitive": sensitive}}
        answer: dict[str, Any] = self._address.json("POST", "/invocations", json=body)
        ids: list[str] = answer["prediction_ids"]
        return ids


def shifted(rows: Table, count: int, seed: int) -> Table:
    """Real rows resampled to another mix: people over 40 and with longer hours five times as often."""
    import numpy as np

    frame = rows.frame
    weight = np.where((frame["age"].to_numpy() > 40) & (frame["hours_per_week"].to_numpy() >= 40), 5.0, 1.0)
    picked = np.random.default_rng(seed).choice(len(rows), size=count, p=weight / weight.sum())
    return rows.take(picked)
