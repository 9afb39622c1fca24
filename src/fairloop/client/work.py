"""What a worker process asks and reports."""

from __future__ import annotations

from typing import Any

from fairloop.client.patient import PatientHttp


class Work:
    """The work protocol for one worker of one key."""

    def __init__(self, http: PatientHttp, path: str, *, key: str, worker: str) -> None:
        self._http = http
        self._path = f"{path}/worker"
        self._me = {"key": key, "worker": worker}

    def claim(self, wait_s: float) -> tuple[dict[str, Any] | None, bool]:
        """(the next step if there is one, whether to end)."""
        told = self._http.json("POST", f"{self._path}/claim", json={**self._me, "wait_s": wait_s})
        return told["next"], told["exit"]

    def heartbeat(self, step: dict[str, Any], log: list[Any]) -> bool:
        """A sign of life, with lines the step wrote; whether the step is to be cancelled."""
        body = {"token": step["token"], "log": log}
        return bool(self._http.json("POST", f"{self._path}/{step['step_run_id']}/heartbeat", json=body)["cancel"])

    def result(self, step: dict[str, Any], outcome: dict[str, Any], *, take: bool) -> dict[str, Any] | None:
        """Report how a step ended; the next step when ``take`` asks for one and one is ready."""
        body = {**self._me, "token": step["token"], "pipeline_run_id": step["pipeline_run_id"], "outcome": outcome,
                "take": take}  # fmt: skip
        told = self._http.json("POST", f"{self._path}/{step['step_run_id']}/result", json=body)
        following: dict[str, Any] | None = told["next"]
        return following

    def look_for_server(self) -> None:
        self._http.look_for_server()
