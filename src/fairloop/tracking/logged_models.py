"""Models that clients log: created pending, filled with files, then made ready."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from fairloop.core.clock import Clock
from fairloop.core.runs import LoggedModel
from fairloop.core.search import EVERYTHING, Filter, Order, holds
from fairloop.errors import InvalidInput, NotFound
from fairloop.storage import experiments, runs
from fairloop.storage import logged_models as rows
from fairloop.storage.engine import Connection, Database
from fairloop.tracking.limits import check_key, check_params, check_tags
from fairloop.tracking.run_names import new_run_name

MISSING = "No such logged model, or you may not see it."
READY, PENDING, UPLOAD_FAILED, DELETED = "READY", "PENDING", "UPLOAD_FAILED", "DELETED"


class LoggedModels:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        project_id: str,
        experiment_id: int,
        *,
        name: str = "",
        run_id: str | None = None,
        model_type: str = "",
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> LoggedModel:
        now = self._clock.now_ms()
        model = LoggedModel(
            id=f"m-{secrets.token_hex(16)}",
            project_id=project_id,
            experiment_id=experiment_id,
            name=check_key(name, "model") if name else new_run_name(),
            run_id=run_id,
            model_type=model_type,
            params=check_params(params or {}),
            tags=check_tags(tags or {}),
            created_ms=now,
            updated_ms=now,
        )

        def work(connection: Connection) -> None:
            if experiments.get(connection, project_id, experiment_id) is None:
                raise NotFound("No such experiment, or you may not see it.")
            if run_id is not None and runs.seq_of(connection, project_id, run_id) is None:
                raise NotFound("No such run, or you may not see it.")
            rows.add(connection, model)

        self._database.write(work)
        return model

    def get(self, project_id: str, model_id: str, *, deleted: bool = False) -> LoggedModel:
        """The model; deleted ones only when ``deleted`` says so."""
        return self._database.read(lambda c: _found(c, project_id, model_id, deleted=deleted))

    def finalize(self, project_id: str, model_id: str, status: str) -> LoggedModel:
        if status not in {READY, UPLOAD_FAILED, PENDING}:
            raise InvalidInput(f"{status!r} does not end a model; use {READY} or {UPLOAD_FAILED}.")
        return self._change(project_id, model_id, lambda m: replace(m, status=status))

    def delete(self, project_id: str, model_id: str) -> None:
        self._change(project_id, model_id, lambda m: replace(m, status=DELETED))

    def set_tags(self, project_id: str, model_id: str, tags: dict[str, str]) -> LoggedModel:
        check_tags(tags)
        return self._change(project_id, model_id, lambda m: replace(m, tags={**m.tags, **tags}))

    def delete_tag(self, project_id: str, model_id: str, key: str) -> LoggedModel:
        def without(model: LoggedModel) -> LoggedModel:
            if key not in model.tags:
                raise NotFound(f"The model has no tag {key!r}.")
            return replace(model, tags={k: v for k, v in model.tags.items() if k != key})

        return self._change(project_id, model_id, without)

    def log_params(self, project_id: str, model_id: str, params: dict[str, str]) -> LoggedModel:
        check_params(params)

        def extended(model: LoggedModel) -> LoggedModel:
            for key, value in params.items():
                if model.params.get(key, value) != value:
                    raise InvalidInput(f"Param {key!r} of model {model_id} is logged already with another value.")
            return replace(model, params={**model.params, **params})

        return self._change(project_id, model_id, extended)

    def log_metrics(self, project_id: str, points: Iterable[dict[str, Any]]) -> None:
        """Keep the latest point of each metric on the model it names; models unknown here are passed over.

        A point has model_id, key, value, timestamp_ms, step, run_id, dataset_name and dataset_digest.
        """
        by_model: dict[str, list[dict[str, Any]]] = {}
        for point in points:
            by_model.setdefault(point["model_id"], []).append(point)

        def work(connection: Connection) -> None:
            for model_id, fresh in by_model.items():
                model = rows.get(connection, project_id, model_id)
                if model is None:
                    continue
                latest = {(m["key"], m["dataset_name"], m["dataset_digest"]): m for m in model.metrics}
                for point in fresh:
                    key = (point["key"], point["dataset_name"], point["dataset_digest"])
                    if key not in latest or _rank(point) >= _rank(latest[key]):
                        latest[key] = point
                rows.save(connection, replace(model, metrics=list(latest.values()), updated_ms=self._clock.now_ms()))

        self._database.write(work)

    def search(
        self, project_id: str, experiment_ids: list[int], *, tree: Filter = EVERYTHING, orders: tuple[Order, ...] = ()
    ) -> list[LoggedModel]:
        """Those that satisfy ``tree``, the newest first unless ``orders`` say otherwise; without a value last."""
        found = [
            m
            for m in self._database.read(lambda c: rows.listed(c, project_id, experiment_ids))
            if holds(tree, partial(_read, m))
        ]
        for order in reversed(orders):
            values = {m.id: _read(m, order.kind, order.key) for m in found}
            present = sorted(
                (m for m in found if values[m.id] is not None), key=lambda m: values[m.id], reverse=order.descending
            )
            found = present + [m for m in found if values[m.id] is None]
        return found

    def _change(self, project_id: str, model_id: str, change: Callable[[LoggedModel], LoggedModel]) -> LoggedModel:
        def work(connection: Connection) -> LoggedModel:
            model = replace(change(_found(connection, project_id, model_id)), updated_ms=self._clock.now_ms())
            rows.save(connection, model)
            return model

        return self._database.write(work)


def _rank(point: dict[str, Any]) -> tuple[int, int]:
    return (point["step"], point["timestamp_ms"])


def _found(connection: Connection, project_id: str, model_id: str, *, deleted: bool = False) -> LoggedModel:
    found = rows.get(connection, project_id, model_id)
    if found is None or (found.status == DELETED and not deleted):
        raise NotFound(MISSING)
    return found


def _read(model: LoggedModel, kind: str, key: str) -> Any:
    if kind == "param":
        return model.params.get(key)
    if kind == "tag":
        return model.tags.get(key)
    if kind == "metric":
        points = [m for m in model.metrics if m["key"] == key]
        return max(points, key=_rank)["value"] if points else None
    found = {
        "name": model.name,
        "model_id": model.id,
        "status": model.status,
        "model_type": model.model_type,
        "source_run_id": model.run_id,
        "creation_timestamp": model.created_ms,
        "creation_time": model.created_ms,
        "last_updated_timestamp": model.updated_ms,
        "experiment_id": model.experiment_id,
    }
    if kind != "attribute" or key not in found:
        raise InvalidInput(
            f"Logged models are searched by {', '.join(found)}, params, metrics and tags, not by {key!r}."
        )
    return found[key]
