"""The one place where Fairloop's errors become HTTP answers."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    PermissionDeniedException,
    ValidationException,
)

from fairloop import errors
from fairloop.core import codec
from fairloop.server.mlflow_api.errors import mlflow_problem, speaks_mlflow
from fairloop.server.pages.errors import error_page, wants_page

log = logging.getLogger(__name__)

STATUS: dict[type[errors.FairloopError], int] = {
    errors.InvalidInput: 400, errors.Unauthenticated: 401, errors.PermissionDenied: 403, errors.Refused: 403,
    errors.NotFound: 404, errors.PreconditionFailed: 412, errors.Conflict: 409, errors.TooLarge: 413,
    errors.TooManyRequests: 429, errors.StorageFull: 507, errors.Unavailable: 503, errors.MissingExtra: 501,
    errors.IntegrityError: 500,
}  # fmt: skip


def status_of(error: errors.FairloopError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def translate(error: Exception) -> errors.FairloopError | None:
    """The Fairloop error an exception stands for; None when it is a fault of ours."""
    if isinstance(error, errors.FairloopError):
        return error
    if isinstance(error, RecursionError):
        return errors.InvalidInput("The body is nested too deeply; flatten it.")
    if isinstance(error, ValidationException):
        told = "; ".join(f"{e.get('key', 'body')}: {e.get('message')}" for e in _extra(error)) or error.detail
        return errors.InvalidInput(f"The request does not fit: {told}.")
    if isinstance(error, NotAuthorizedException):
        return errors.Unauthenticated("Log in, or send a token.")
    if isinstance(error, PermissionDeniedException):
        return errors.PermissionDenied("You may not do that here.")
    if isinstance(error, HTTPException):
        kind = {400: errors.InvalidInput, 404: errors.NotFound, 405: errors.NotFound, 413: errors.TooLarge,
                415: errors.InvalidInput, 429: errors.TooManyRequests}.get(error.status_code)  # fmt: skip
        if kind is errors.NotFound:
            return kind("No such object, or you may not see it.")
        return kind(error.detail) if kind else None
    return None


def _extra(error: ValidationException) -> list[dict[str, Any]]:
    return error.extra if isinstance(error.extra, list) else []


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """RFC 9457 problem+json with our stable code; the message names the fix, never a path or a stack."""
    told = translate(error)
    if told is None:
        log.error("unexpected error on %s %s", request.method, request.url.path, exc_info=error)
        told, status = errors.FairloopError("Something went wrong on the server; its log says what."), 500
    else:
        status = 405 if isinstance(error, HTTPException) and error.status_code == 405 else status_of(told)
    if wants_page(request):
        _note(request, told)
        return error_page(request, told, status, request.scope.get("state", {}).get("request_id", ""))
    body = {"type": "about:blank", "title": told.code.replace("_", " "), "status": status, "code": told.code,
            "detail": told.message, "request_id": request.scope.get("state", {}).get("request_id", "")}  # fmt: skip
    headers = {"Retry-After": "2"} if status in {429, 503, 507} or isinstance(told, errors.UnderWay) else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="fairloop"'
    _note(request, told)
    if speaks_mlflow(request.url.path):
        return mlflow_problem(told, status, headers, routed="route_handler" in request.scope)
    return Response(
        codec.dumps(body).encode(), status_code=status, media_type="application/problem+json", headers=headers
    )


def _note(request: Request[Any, Any, Any], told: errors.FairloopError) -> None:
    """Every refusal leaves an audit entry: who was refused what."""
    state = request.scope.get("state", {})
    if isinstance(told, (errors.Unauthenticated, errors.PermissionDenied)) and "identity" in state:
        project = state.get("project")
        request.app.state.note_refusal(state["identity"], "refused", request.scope, told.code,
                                       project.id if project else None)  # fmt: skip
