"""The process that runs steps: reads one assignment at a time, runs the function, answers how it went."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fairloop.client.client import Client
from fairloop.client.patient import PatientHttp
from fairloop.core import codec
from fairloop.errors import FairloopError, InvalidInput, StorageFull, Unavailable
from fairloop.pipelines import context, functions, values
from fairloop.pipelines.workspace import enter_workspace

_PR_SET_PDEATHSIG = 1


def serve(connection: Connection, config: dict[str, Any]) -> None:
    """Answer assignments until the other end closes."""
    _die_with_parent()
    executor = Executor(config)
    while True:
        try:
            step = codec.loads(connection.recv_bytes(), trusted=True)
        except EOFError:
            return
        connection.send_bytes(codec.dumps(executor.run(step)).encode())


def _die_with_parent() -> None:
    """Without the process that holds the lease, nobody may go on working."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Executor:
    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        data = Path(config["data"])
        http = PatientHttp(config["url"], token=config["token"], server_file=data / "server.json",
                           patience_s=4 * config["lease_s"])  # fmt: skip
        self._client = Client(config["url"], project=config["project"], http=http)
        self._entered = False

    def run(self, step: dict[str, Any]) -> dict[str, Any]:
        """The outcome of one attempt, as the server takes it."""
        began, cpu = time.perf_counter(), _cpu_s()
        _reset_peak()
        outcome: dict[str, Any] = {"state": "done", "outputs": [], "error": ""}
        try:
            outcome["outputs"] = self._attempt(step)
        except BaseException as cause:  # noqa: BLE001  # whatever user code raises is how the step ended
            outcome["state"], outcome["error"] = _told(cause)
        finally:
            _end_mlflow_runs(outcome["state"])
            context.enter(None)
            _flush()
        outcome["used"] = {"wall_s": round(time.perf_counter() - began, 6), "cpu_s": round(_cpu_s() - cpu, 6),
                           "memory_bytes": _peak_bytes()}  # fmt: skip
        return outcome

    def _attempt(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        if not self._entered:
            enter_workspace(self._config["snapshot"], Path(self._config["data"]) / "workspaces", self._client.blobs)
            self._entered = True
        self._environment(step)
        context.enter(context.context_of(self._client, step))
        function = functions.load(step["function"], self._client.blobs)
        arguments = {name: values.load(given, self._client.blobs) for name, given in step["inputs"].items()}
        result = function(**arguments)
        return [values.store(_as_declared(part, step), self._client.blobs) for part in _parts(result, step)]

    def _environment(self, step: dict[str, Any]) -> None:
        """What makes an unchanged MLflow client log to this server, and to this step's run."""
        told = {"FAIRLOOP_URL": self._client.http.url, "MLFLOW_TRACKING_URI": self._client.http.url,
                "MLFLOW_TRACKING_TOKEN": self._config["token"], "MLFLOW_RUN_ID": step["run_id"],
                "MLFLOW_EXPERIMENT_NAME": None if step["run_id"] else step["pipeline"],
                "MLFLOW_WORKSPACE": None if self._client.project == "default" else self._client.project}  # fmt: skip
        for name, value in told.items():
            if value:
                os.environ[name] = value
            else:
                os.environ.pop(name, None)


def _end_mlflow_runs(state: str) -> None:
    """A run the step left open in an MLflow client would take in what the next step logs."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or not hasattr(mlflow, "active_run"):
        return
    try:
        for _ in range(10):
            if mlflow.active_run() is None:
                return
            mlflow.end_run("FINISHED" if state == "done" else "FAILED")
    except Exception as cause:  # noqa: BLE001  # the client's own faults must not undo a finished step
        print(f"mlflow did not end its run: {cause}", file=sys.stderr)  # noqa: T201  # the step's own log


def _parts(result: Any, step: dict[str, Any]) -> list[Any]:
    if step["outputs"] == 1:
        return [result]
    if not isinstance(result, tuple) or len(result) != step["outputs"]:
        got = f"{len(result)} values" if isinstance(result, tuple) else f"a {type(result).__name__}"
        raise InvalidInput(f"{step['name']} declares {step['outputs']} results but returned {got}.")
    return list(result)


def _as_declared(value: Any, step: dict[str, Any]) -> Any:
    """A bare estimator returned by a trainer becomes a Model."""
    if step["returns"] != "model" or not hasattr(value, "fit") or not hasattr(value, "predict"):
        return value
    from fairloop.registry.model import Model

    return value if isinstance(value, Model) else Model(value)


def _told(cause: BaseException) -> tuple[str, str]:
    """(state, error): one readable traceback of the user's own frames, the reason on its last line."""
    if isinstance(cause, Unavailable) and not isinstance(cause, StorageFull):
        return "lost", f"The server could not be reached: {cause.message}"
    if isinstance(cause, FairloopError):
        words = f"{type(cause).__name__}: {cause.message}"
    elif isinstance(cause, SystemExit):
        words = f"The step called sys.exit({cause.code!r})."
    else:
        words = "".join(traceback.format_exception_only(cause)).strip()
    frames = [f for f in traceback.extract_tb(cause.__traceback__) if "/fairloop/pipelines/" not in f.filename]
    text = "".join(traceback.format_list(frames[-12:]))
    print(f"Traceback (most recent call last):\n{text}{words}", file=sys.stderr)  # noqa: T201  # the step's own log
    where = f"{frames[-1].filename}, line {frames[-1].lineno}\n" if frames else ""
    return "failed", where + words.splitlines()[-1]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue


def _cpu_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _reset_peak() -> None:
    """Forget the peak memory of the steps before (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak_bytes() -> int:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
