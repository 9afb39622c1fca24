"""Fairloop's errors in the shape MLflow's clients read."""

from __future__ import annotations

from litestar import Response

from fairloop import errors
from fairloop.server.mlflow_api import wire

PREFIXES = ("/api/2.0/", "/api/3.0/", "/ajax-api/")
CODES: dict[type[errors.FairloopError], str] = {
    errors.InvalidInput: "INVALID_PARAMETER_VALUE",
    errors.NotFound: "RESOURCE_DOES_NOT_EXIST",
    errors.AlreadyExists: "RESOURCE_ALREADY_EXISTS",
    errors.Conflict: "RESOURCE_CONFLICT",
    errors.Unauthenticated: "UNAUTHENTICATED",
    errors.PermissionDenied: "PERMISSION_DENIED",
    errors.Refused: "PERMISSION_DENIED",
    errors.TooLarge: "INVALID_PARAMETER_VALUE",
    errors.TooManyRequests: "REQUEST_LIMIT_EXCEEDED",
    errors.Unavailable: "TEMPORARILY_UNAVAILABLE",
    errors.MissingExtra: "NOT_IMPLEMENTED",
}


def speaks_mlflow(path: str) -> bool:
    return path.startswith(PREFIXES)


def mlflow_problem(
    told: errors.FairloopError, status: int, headers: dict[str, str], *, routed: bool
) -> Response[bytes]:
    """``routed`` is False when no route matched: MLflow's clients try another way on that code."""
    code = next((CODES[kind] for kind in type(told).__mro__ if kind in CODES), "INTERNAL_ERROR")
    if not routed:
        code = "ENDPOINT_NOT_FOUND"
    if isinstance(told, errors.AlreadyExists):
        status = 400
    found = wire.answer({"error_code": code, "message": told.message})
    found.status_code = status
    found.headers.update(headers)
    return found
