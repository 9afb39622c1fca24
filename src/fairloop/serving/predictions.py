"""Predictions through the server: ask an endpoint, tell it what turned out, look at what it answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.errors import InvalidInput, NotFound, TooLarge, Unavailable
from fairloop.serving.feedback import Told
from fairloop.serving.fleet import Fleet
from fairloop.serving.inputs import sensitive_of
from fairloop.serving.prediction_ids import PredictionId

_MOST_LINES = 10_000


class Predictions:
    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock

    def predict(self, project_id: str, endpoint_name: str, body: bytes) -> Any:
        """Ask the endpoint's /invocations with ``body``; where it listens stands in its own row and folder only."""
        endpoint = self._fleet.endpoint(project_id, endpoint_name)
        if endpoint.state == "stopped":
            raise Unavailable(f"The endpoint {endpoint.name!r} is stopped; start it, then ask again.")
        return self._fleet.unit(endpoint.id).process.ask("POST", "/invocations", content=body)

    def feedback(self, project_id: str, endpoint_name: str, lines: list[Told]) -> int:
        """Log labels and sensitive values by prediction id; returns how many once they are on disk.

        Raises
        ------
        NotFound
            An id was not given by this endpoint; nothing is logged then.
        """
        endpoint = self._fleet.endpoint(project_id, endpoint_name)
        if not lines or len(lines) > _MOST_LINES:
            raise TooLarge(f"{len(lines)} lines of feedback; send 1 to {_MOST_LINES} at once.")
        mine = {d.id for d in self._fleet.deployments(project_id, endpoint.id)}
        told: list[tuple[Told, PredictionId]] = []
        for line in lines:
            prediction = self._fleet.prediction(line.prediction_id)
            if prediction.deployment_id not in mine:
                raise NotFound(f"No such prediction: {line.prediction_id[:80]!r}. Use an id this endpoint gave.")
            told.append((_checked(line), prediction))
        self._fleet.unit(endpoint.id).feedback.add(told, self._clock.now_ms())
        return len(told)

    def recent(self, project_id: str, endpoint_name: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest predictions first, without sensitive values, which are stored apart."""
        endpoint = self._fleet.endpoint(project_id, endpoint_name)
        if not 1 <= limit <= 200:
            raise InvalidInput(f"limit={limit} is out of range; use 1 to 200.")
        try:
            found: list[dict[str, Any]] = self._fleet.unit(endpoint.id).process.ask("GET", f"/control/recent/{limit}")
        except Unavailable:
            return []
        return found

    def seal(self, project_id: str, endpoint_name: str) -> None:
        """Close the spool's open segments, so that a reader sees everything answered and told so far."""
        endpoint = self._fleet.endpoint(project_id, endpoint_name)
        unit = self._fleet.unit(endpoint.id)
        unit.feedback.seal()
        if unit.process.state() is not None:
            unit.process.ask("POST", "/control/seal")


def _checked(line: Told) -> Told:
    if line.label is None and not line.sensitive:
        raise InvalidInput(f"Feedback for {line.prediction_id} says nothing; send a label, sensitive values, or both.")
    if line.label is not None and (isinstance(line.label, (dict, list)) or len(codec.dumps(line.label)) > 500):
        raise InvalidInput(f"The label for {line.prediction_id} must be one number, truth value or short text.")
    if not line.sensitive:
        return line
    values = sensitive_of({"sensitive": line.sensitive}, 1)
    return replace(line, sensitive=values[0] if values else None)
