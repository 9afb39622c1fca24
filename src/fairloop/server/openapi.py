"""The OpenAPI document, made when first asked for: building it takes longer than starting the server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from fairloop import __version__
from fairloop.server.routing import Route, build

TIME = {"type": "string", "format": "date-time", "examples": ["2026-11-22T14:02:03.004Z"]}
EXAMPLES: dict[str, Any] = {
    "NewProject": {"name": "income", "goal": "Find people likely to earn over 50K, equally well", "budget_usd": 50.0},
    "ProjectChange": {"budget_usd": 80.0},
    "NewPerson": {"name": "ann", "email": "ann@example.org"},
    "PersonChange": {"disabled": True},
    "NewRole": {"role": "manager"},
    "TokenRequest": {"name": "ci", "project": "income", "days": 90},
    "Login": {"name": "ann", "password": "several unrelated words"},
    "ActAs": {"name": "ann"},
    "Problem": {"type": "about:blank", "title": "not found", "status": 404, "code": "not_found",
                "detail": "No such project, or you may not see it.", "request_id": "9f2c4e1a7b3d5f60"},
}  # fmt: skip
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {name: {"type": "integer" if name == "status" else "string"}
                   for name in ("type", "title", "status", "code", "detail", "request_id")},
}  # fmt: skip
_ERRORS = {"400": "The request does not fit", "401": "Log in, or send a token", "403": "Your role does not allow this",
           "404": "No such object, or you may not see it"}  # fmt: skip


def document(routes: list[Route]) -> bytes:
    """The OpenAPI 3.1 document of the REST API in ``routes``, as JSON."""
    api = [r for r in routes if r.surface == "api"]
    injected = {name: Provide(lambda: None, sync_to_thread=False) for name in ("services", "identity", "project")}
    described = Litestar(
        [build(r, max_body_bytes=1, max_upload_bytes=1) for r in api], dependencies=injected, logging_config=None,
        openapi_config=OpenAPIConfig(title="Fairloop", version=__version__, description=_DESCRIPTION),
    )  # fmt: skip
    told: dict[str, Any] = described.openapi_schema.to_schema()
    schemas: dict[str, Any] = told["components"]["schemas"]
    told["paths"] = {path: told["paths"][path] for path in sorted(told["paths"])}
    _show_times(schemas, asked=set(_body_schemas(told)))
    schemas["Problem"] = PROBLEM
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    permissions = {(re.sub(r":\w+}", "}", r.path), r.method.lower()): r.permission.value for r in api}
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            _describe(operation, permissions[path, method])
    told["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return json.dumps(told, sort_keys=True).encode()  # not our codec: it reserves "$ref"


_DESCRIPTION = (
    "Everything Fairloop's own pages, command line and SDK do. Times are RFC 3339 UTC; lists come as pages with "
    "`items` and `next`; errors are problem+json with a stable `code`."
)


def _describe(operation: dict[str, Any], permission: str) -> None:
    operation["x-permission"] = permission
    operation["security"] = [] if permission == "public" else [{"token": []}]
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, words in _ERRORS.items():
        if permission != "public" or status not in {"401", "403"}:
            operation["responses"][status] = {"description": words, "content": content}


def _body_schemas(told: dict[str, Any]) -> Iterator[str]:
    """Names of the schemas that requests carry: their fields stay as they are."""
    for operations in told["paths"].values():
        for operation in operations.values():
            for reference in _references(operation.get("requestBody", {})):
                yield reference.rsplit("/", 1)[1]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _show_times(schemas: dict[str, Any], *, asked: set[str]) -> None:
    """Answers show ``created_ms`` as ``created_at``, text: see core/records.py."""
    for name, schema in schemas.items():
        if name in asked or "properties" not in schema:
            continue
        shown = {}
        for key, inner in schema["properties"].items():
            nullable = "oneOf" in inner or "anyOf" in inner
            time = {**TIME, "type": ["string", "null"]} if nullable else TIME
            shown[_shown(key)] = time if key.endswith("_ms") else inner
        schema["properties"] = shown
        schema["required"] = sorted(_shown(k) for k in schema.get("required", []))


def _shown(name: str) -> str:
    return "at" if name == "at_ms" else name[:-3] + "_at" if name.endswith("_ms") else name
