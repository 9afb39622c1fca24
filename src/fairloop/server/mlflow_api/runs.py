"""Runs in MLflow's dialect: create, read, change, search."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response

from fairloop.core import codec
from fairloop.core.people import Identity, Project
from fairloop.core.runs import RunStatus
from fairloop.core.search import parse_order
from fairloop.errors import InvalidInput
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.scope import active_of, experiment_id, limit_of, run_filter
from fairloop.server.services import Services

Ask = Request[Any, Any, Any]


def create(services: Services, project: Project, identity: Identity, body: bytes) -> Response[bytes]:
    """Start a run."""
    asked = wire.decode(wire.CreateRun, body)
    tags = wire.pairs(asked.tags)
    name = asked.run_name or tags.get(wire.RUN_NAME, "")
    start_ms = None if asked.start_time is None else wire.whole(asked.start_time, "start_time")
    run = services.tracking.create_run(
        project.id,
        experiment_id(services, project, asked.experiment_id),
        name,
        tags=tags,
        start_ms=start_ms or None,
        user=asked.user_id or tags.get(wire.USER, "") or identity.name,
    )
    return wire.answer({"run": wire.run(run)})


def get(request: Ask, services: Services, project: Project) -> Response[bytes]:
    """One run."""
    given = request.query_params
    return wire.answer(
        {"run": wire.run(services.tracking.get(project.id, given.get("run_id", "") or given.get("run_uuid", "")))}
    )


def update(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Change a run's status, end and name."""
    asked = wire.decode(wire.UpdateRun, body)
    status = None
    if asked.status is not None:
        try:
            status = RunStatus(asked.status)
        except ValueError as cause:
            raise InvalidInput(
                f"{asked.status[:40]!r} is not a run status; use one of {', '.join(RunStatus)}."
            ) from cause
    end_ms = None if asked.end_time is None else wire.whole(asked.end_time, "end_time")
    run_id = asked.run_id or asked.run_uuid
    run = services.tracking.update(project.id, run_id, status=status, end_ms=end_ms, name=asked.run_name or None)
    return wire.answer({"run_info": wire.run_info(run)})


def delete(services: Services, project: Project, identity: Identity, body: bytes) -> Response[bytes]:
    """Delete a run; it can be restored."""
    run_id = wire.decode(wire.OfRun, body).run_id
    services.tracking.set_active(project.id, run_id, False)
    services.audit.record(identity, "run.delete", project_id=project.id, object=run_id)
    return wire.answer({})


def restore(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Restore a deleted run."""
    services.tracking.set_active(project.id, wire.decode(wire.OfRun, body).run_id, True)
    return wire.answer({})


def search(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Runs by filter and order, a page at a time."""
    asked = wire.decode(wire.SearchRuns, body)
    if not asked.experiment_ids:
        return wire.answer({"runs": []})
    ids = [experiment_id(services, project, text) for text in asked.experiment_ids]
    page = services.tracking.search(
        project.id,
        run_filter(asked.filter),
        experiment_ids=ids,
        orders=[parse_order(o) for o in asked.order_by],
        active=active_of(asked.run_view_type),
        limit=limit_of(asked.max_results, 50_000),
        cursor=asked.page_token or None,
    )
    answer: dict[str, Any] = {"runs": [wire.run(r) for r in page.items]}
    if page.next:
        answer["next_page_token"] = page.next
    return wire.answer(answer)


def delete_tag(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Delete a tag of a run."""
    asked = wire.decode(wire.OnePair, body)
    services.tracking.delete_tag(project.id, asked.run_id, asked.key)
    return wire.answer({})


def log_inputs(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Add datasets and models that the run read."""
    asked = wire.decode(wire.LogInputs, body)
    datasets = [
        {
            "name": d.dataset.name,
            "digest": d.dataset.digest,
            "source_type": d.dataset.source_type,
            "source": d.dataset.source,
            "schema": d.dataset.schema,
            "profile": d.dataset.profile,
            "tags": wire.pairs(d.tags),
            "context": wire.pairs(d.tags).get(wire.DATA_CONTEXT, ""),
        }
        for d in asked.datasets
    ]
    services.tracking.log_inputs(project.id, asked.run_id, datasets=datasets, models=[m.model_id for m in asked.models])
    return wire.answer({})


def log_outputs(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Add logged models that the run wrote."""
    asked = wire.decode(wire.LogOutputs, body)
    services.tracking.log_outputs(
        project.id, asked.run_id, [(m.model_id, wire.whole(m.step, "step")) for m in asked.models]
    )
    return wire.answer({})


def log_model(services: Services, project: Project, body: bytes) -> Response[bytes]:
    """Note a model that an older client logged to its run."""
    asked = wire.decode(wire.LogModel, body)
    known = codec.loads(services.tracking.get(project.id, asked.run_id).tags.get(wire.LOGGED_MODELS_TAG, "[]"))
    history = codec.dumps([*known, codec.loads(asked.model_json)])
    services.tracking.log_batch(project.id, asked.run_id, tags={wire.LOGGED_MODELS_TAG: history})
    return wire.answer({})
