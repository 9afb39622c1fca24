"""The OpenAPI document tells the truth about the routes."""

from __future__ import annotations

import json
import re

import pytest

from fairloop.server.openapi import document
from fairloop.server.routes import ROUTES


@pytest.fixture(scope="module")
def told() -> dict:  # type: ignore[type-arg]
    return json.loads(document(ROUTES))  # type: ignore[no-any-return]


def test_every_api_route_is_described_with_its_permission(told: dict) -> None:  # type: ignore[type-arg]
    for route in (r for r in ROUTES if r.surface == "api"):
        operation = told["paths"][re.sub(r":\w+}", "}", route.path)][route.method.lower()]
        assert operation["x-permission"] == route.permission.value
        assert operation["summary"]
        assert (operation["security"] == []) == (route.permission.value == "public")


def test_operation_ids_are_unique(told: dict) -> None:  # type: ignore[type-arg]
    ids = [o["operationId"] for path in told["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))


def test_answers_show_times_as_text(told: dict) -> None:  # type: ignore[type-arg]
    token = told["components"]["schemas"]["Token"]
    assert token["properties"]["created_at"]["format"] == "date-time"
    assert token["properties"]["revoked_at"]["type"] == ["string", "null"]
    assert not [k for k in token["properties"] if k.endswith("_ms")]


def test_every_reference_leads_somewhere(told: dict) -> None:  # type: ignore[type-arg]
    for name in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(told)):
        assert name in told["components"]["schemas"], name


def test_requests_have_examples(told: dict) -> None:  # type: ignore[type-arg]
    assert told["components"]["schemas"]["NewProject"]["examples"][0]["name"] == "income"
