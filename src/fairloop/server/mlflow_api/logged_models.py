"""Logged models in MLflow's dialect."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from fairloop.core.people import Project
from fairloop.core.search import Order, parse_filter, parse_order
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.scope import cut, experiment_id, limit_of
from fairloop.server.services import Services

Ask = Request[Any, Any, Any]


def create(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Create a logged model; its files follow."""
    asked = wire.decode(wire.CreateLoggedModel, body)
    made = services.tracking.logged_models.create(
        project.id,
        experiment_id(services, project, asked.experiment_id),
        name=asked.name,
        run_id=asked.source_run_id or None,
        model_type=asked.model_type,
        params=wire.pairs(asked.params),
        tags=wire.pairs(asked.tags),
    )
    return wire.answer({"model": wire.logged_model(made)})


def get(request: Ask, services: Services, project: Project, model_id: str) -> Response[bytes]:
    """One logged model."""
    deleted = request.query_params.get("allow_deleted", "") == "true"
    return wire.answer(
        {"model": wire.logged_model(services.tracking.logged_models.get(project.id, model_id, deleted=deleted))}
    )


def finalize(services: Services, project: Project, model_id: str, body: bytes) -> Response[bytes]:
    """Say whether a logged model's files arrived."""
    status = wire.status_of_model(wire.decode(wire.FinalizeLoggedModel, body).status)
    return wire.answer(
        {"model": wire.logged_model(services.tracking.logged_models.finalize(project.id, model_id, status))}
    )


def delete(services: Services, project: Project, model_id: str) -> Response[bytes]:
    """Delete a logged model."""
    services.tracking.logged_models.delete(project.id, model_id)
    return wire.answer({})


def search(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Logged models by filter and order, a page at a time."""
    asked = wire.decode(wire.SearchLoggedModels, body)
    orders = []
    for by in asked.order_by:
        order = parse_order(by.field_name)
        orders.append(Order(kind=order.kind, key=order.key, descending=not by.ascending))
    ids = [experiment_id(services, project, text) for text in asked.experiment_ids]
    found = services.tracking.logged_models.search(
        project.id, ids, tree=parse_filter(asked.filter), orders=tuple(orders)
    )
    page, token = cut(found, asked.page_token, limit_of(asked.max_results, 1000))
    answer: dict[str, Any] = {"models": [wire.logged_model(m) for m in page]}
    if token:
        answer["next_page_token"] = token
    return wire.answer(answer)


def set_tags(services: Services, project: Project, model_id: str, body: bytes) -> Response[bytes]:
    """Set tags of a logged model."""
    tags = wire.pairs(wire.decode(wire.PairsOfLoggedModel, body).tags)
    return wire.answer(
        {"model": wire.logged_model(services.tracking.logged_models.set_tags(project.id, model_id, tags))}
    )


def delete_tag(services: Services, project: Project, model_id: str, tag_key: str) -> Response[bytes]:
    """Delete a tag of a logged model."""
    found = services.tracking.logged_models.delete_tag(project.id, model_id, tag_key)
    return wire.answer({"model": wire.logged_model(found)})


def log_params(services: Services, project: Project, model_id: str, body: bytes) -> Response[bytes]:
    """Log params of a logged model."""
    params = wire.pairs(wire.decode(wire.PairsOfLoggedModel, body).params)
    return wire.answer(
        {"model": wire.logged_model(services.tracking.logged_models.log_params(project.id, model_id, params))}
    )
