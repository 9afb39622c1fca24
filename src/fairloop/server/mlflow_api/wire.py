"""MLflow's names, and nothing else: what its clients send, as Structs, and what they expect back, as plain values.

Every other module of the dialect speaks in our words.
"""

from __future__ import annotations

import math
import struct
from typing import Any, TypeVar

import msgspec
from litestar import Response
from msgspec import UNSET, Struct, UnsetType

from fairloop.core.models import Model, ModelVersion
from fairloop.core.runs import Experiment, LoggedModel, Metric, Run
from fairloop.errors import InvalidInput

RUN_NAME = "mlflow.runName"
USER = "mlflow.user"
IS_PROMPT = "mlflow.prompt.is_prompt"
DATA_CONTEXT = "mlflow.data.context"
LOGGED_MODELS_TAG = "mlflow.log-model.history"
COMPATIBLE_VERSION = "3.17.2"
"""The MLflow server whose answers these are."""
SCHEME = "mlflow-artifacts:/"

S = TypeVar("S", bound=Struct)
Whole = int | str
"""64-bit integers come as numbers or, from other languages' clients, as text."""


class Pair(Struct):
    key: str
    value: str = ""


class Point(Struct):
    key: str = ""
    value: float | int | str = 0.0
    timestamp: Whole = 0
    step: Whole = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogBatch(Struct):
    run_id: str
    metrics: list[Point] = []
    params: list[Pair] = []
    tags: list[Pair] = []


class OneMetric(Point):
    run_id: str = ""
    run_uuid: str = ""


class OnePair(Struct):
    key: str
    value: str = ""
    run_id: str = ""
    run_uuid: str = ""


class CreateExperiment(Struct):
    name: str
    artifact_location: str = ""
    tags: list[Pair] = []


class OfExperiment(Struct):
    experiment_id: str
    new_name: str | None = None
    key: str = ""
    value: str = ""


class SearchExperiments(Struct):
    max_results: Whole = 1000
    page_token: str = ""
    filter: str = ""
    order_by: list[str] = []
    view_type: str = "ACTIVE_ONLY"


class CreateRun(Struct):
    experiment_id: str = "0"
    user_id: str = ""
    run_name: str = ""
    start_time: Whole | None = None
    tags: list[Pair] = []


class UpdateRun(Struct):
    run_id: str = ""
    run_uuid: str = ""
    status: str | None = None
    end_time: Whole | None = None
    run_name: str | None = None


class OfRun(Struct):
    run_id: str


class SearchRuns(Struct):
    experiment_ids: list[str] = []
    filter: str = ""
    run_view_type: str = "ACTIVE_ONLY"
    max_results: Whole = 1000
    order_by: list[str] = []
    page_token: str = ""


class DatasetOf(Struct):
    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class DatasetInput(Struct):
    dataset: DatasetOf
    tags: list[Pair] = []


class ModelOf(Struct):
    model_id: str
    step: Whole = 0


class LogInputs(Struct):
    run_id: str
    datasets: list[DatasetInput] = []
    models: list[ModelOf] = []


class LogOutputs(Struct):
    run_id: str
    models: list[ModelOf] = []


class LogModel(Struct):
    run_id: str
    model_json: str


class CreateLoggedModel(Struct):
    experiment_id: str
    name: str = ""
    model_type: str = ""
    source_run_id: str | None = None
    params: list[Pair] = []
    tags: list[Pair] = []


class FinalizeLoggedModel(Struct):
    status: str


class PairsOfLoggedModel(Struct):
    tags: list[Pair] = []
    params: list[Pair] = []


class OrderBy(Struct):
    field_name: str
    ascending: bool = True


class SearchLoggedModels(Struct):
    experiment_ids: list[str] = []
    filter: str = ""
    max_results: Whole = 50
    order_by: list[OrderBy] = []
    page_token: str = ""


class OfModel(Struct):
    name: str
    new_name: str = ""
    description: str | UnsetType = UNSET
    tags: list[Pair] = []
    key: str = ""
    value: str = ""
    alias: str = ""
    version: Whole = ""
    stage: str = ""
    stages: list[str] = []


class CreateVersion(Struct):
    name: str
    source: str = ""
    run_id: str | None = None
    run_link: str = ""
    description: str = ""
    model_id: str | None = None
    tags: list[Pair] = []


_DECODERS: dict[type[Struct], msgspec.json.Decoder[Any]] = {}


def decode(kind: type[S], body: bytes) -> S:
    """The request's body as ``kind``; InvalidInput names the field that does not fit."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(body or b"{}")  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise InvalidInput(f"The request does not fit: {str(cause)[:300]}.") from cause


def answer(value: Any) -> Response[bytes]:
    return Response(msgspec.json.encode(value), media_type="application/json")


EMPTY = b"{}"


def whole(value: Whole, what: str) -> int:
    """A 64-bit integer from a number or its text."""
    try:
        number = int(value)
    except ValueError as cause:
        raise InvalidInput(f"The {what} {str(value)[:40]!r} is not a whole number.") from cause
    if not -(2**63) <= number < 2**63:
        raise InvalidInput(f"The {what} {number} does not fit in 64 bits; send a smaller whole number.")
    return number


_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def real(value: float | int | str) -> float:
    """A metric's value; what a 64-bit float cannot hold exactly is refused, never rounded."""
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        if value not in _SPECIAL:
            raise InvalidInput(
                f"The metric value {value[:40]!r} is not a number; send one, or NaN, Infinity or -Infinity."
            )
        return _SPECIAL[value]
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number) or int(number) != value:
        raise InvalidInput(
            f"The metric value {value} cannot be kept exactly in a 64-bit float; send it as a param or tag."
        )
    return number


def shown(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def pairs(given: list[Pair]) -> dict[str, str]:
    return {p.key: p.value for p in given}


def _listed(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": k, "value": v} for k, v in values.items()]


# ------------------------------------------------------------------ references: names of rows, never of paths
def run_uri(experiment_id: int, run_id: str) -> str:
    return f"{SCHEME}{experiment_id}/{run_id}/artifacts"


def logged_model_uri(model: LoggedModel) -> str:
    return f"{SCHEME}{model.experiment_id}/models/{model.id}/artifacts"


def version_uri(version: ModelVersion) -> str:
    return f"{SCHEME}versions/{version.id}/artifacts"


# ------------------------------------------------------------------ answers
def experiment(found: Experiment, workspace: str) -> dict[str, Any]:
    return {
        "experiment_id": str(found.id),
        "name": found.name,
        "artifact_location": f"{SCHEME}{found.id}",
        "lifecycle_stage": "active" if found.active else "deleted",
        "creation_time": found.created_ms,
        "last_update_time": found.updated_ms,
        "tags": _listed(found.tags),
        "workspace": workspace,
    }


def metric(point: Metric) -> dict[str, Any]:
    return {"key": point.key, "value": shown(point.value), "timestamp": point.timestamp_ms, "step": point.step}


class ShownPoint(Struct):
    key: str
    value: float | str
    timestamp: int
    step: int


def points(key: str, rows: list[tuple[int, int, int]]) -> list[ShownPoint]:
    """Points from (step, timestamp_ms, bits), quickly: a history may have hundreds of thousands."""
    values = struct.unpack(f"<{len(rows)}d", struct.pack(f"<{len(rows)}q", *[row[2] for row in rows]))
    finite = math.isfinite
    return [ShownPoint(key, v if finite(v) else shown(v), row[1], row[0]) for row, v in zip(rows, values, strict=True)]


def run_info(found: Run) -> dict[str, Any]:
    info = {
        "run_id": found.id,
        "run_uuid": found.id,
        "run_name": found.name,
        "experiment_id": str(found.experiment_id),
        "user_id": found.user,
        "status": found.status.value,
        "start_time": found.start_ms,
        "artifact_uri": run_uri(found.experiment_id, found.id),
        "lifecycle_stage": "active" if found.active else "deleted",
    }
    if found.end_ms is not None:
        info["end_time"] = found.end_ms
    return info


def run(found: Run) -> dict[str, Any]:
    tags = {**found.tags, RUN_NAME: found.name}
    datasets = [
        {"dataset": {k: v for k, v in d.items() if k not in {"tags", "context"}}, "tags": _listed(d.get("tags", {}))}
        for d in found.inputs.get("datasets", [])
    ]
    return {
        "info": run_info(found),
        "data": {"metrics": [metric(m) for m in found.metrics], "params": _listed(found.params), "tags": _listed(tags)},
        "inputs": {
            "dataset_inputs": datasets,
            "model_inputs": [{"model_id": i} for i in found.inputs.get("models", [])],
        },
        "outputs": {"model_outputs": found.outputs},
    }


_STATUS_OF_MODEL = {
    "LOGGED_MODEL_PENDING": "PENDING",
    "LOGGED_MODEL_READY": "READY",
    "LOGGED_MODEL_UPLOAD_FAILED": "UPLOAD_FAILED",
}
_SHOWN_STATUS = {v: k for k, v in _STATUS_OF_MODEL.items()}


def status_of_model(text: str) -> str:
    if text not in _STATUS_OF_MODEL:
        raise InvalidInput(
            f"{text[:80]!r} is not a status of a logged model; use one of {', '.join(_STATUS_OF_MODEL)}."
        )
    return _STATUS_OF_MODEL[text]


def logged_model(found: LoggedModel) -> dict[str, Any]:
    points = [
        {
            "key": m["key"],
            "value": shown(m["value"]),
            "timestamp": m["timestamp_ms"],
            "step": m["step"],
            "model_id": found.id,
            "run_id": m["run_id"],
            "dataset_name": m["dataset_name"],
            "dataset_digest": m["dataset_digest"],
        }
        for m in found.metrics
    ]
    points = [{k: v for k, v in p.items() if v is not None} for p in points]
    info = {
        "model_id": found.id,
        "experiment_id": str(found.experiment_id),
        "name": found.name,
        "creation_timestamp_ms": found.created_ms,
        "last_updated_timestamp_ms": found.updated_ms,
        "artifact_uri": logged_model_uri(found),
        "model_type": found.model_type,
        "source_run_id": found.run_id or "",
        "status": _SHOWN_STATUS.get(found.status, "LOGGED_MODEL_STATUS_UNSPECIFIED"),
        "status_message": found.status_message,
        "tags": _listed(found.tags),
    }
    return {"info": info, "data": {"params": _listed(found.params), "metrics": points}}


def model(found: Model, latest: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": found.name,
        "creation_timestamp": found.created_ms,
        "last_updated_timestamp": found.updated_ms,
        "description": found.description,
        "latest_versions": latest,
        "tags": _listed(found.tags),
        "aliases": [{"alias": a, "version": str(v)} for a, v in found.aliases.items()],
    }


def version(found: ModelVersion, aliases: list[str]) -> dict[str, Any]:
    shown_version = {
        "name": found.model,
        "version": str(found.version),
        "creation_timestamp": found.created_ms,
        "last_updated_timestamp": found.updated_ms,
        "user_id": found.user,
        "current_stage": "None",
        "description": found.description,
        "source": found.origin.get("source") or version_uri(found),
        "run_id": found.run_id,
        "run_link": found.origin.get("run_link", ""),
        "status": found.status,
        "tags": _listed(found.tags),
        "aliases": aliases,
        "model_id": found.origin.get("model_id"),
    }
    return {k: v for k, v in shown_version.items() if v is not None}
