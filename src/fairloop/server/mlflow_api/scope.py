"""Which rows a request of the dialect means: experiment ids, references to files, pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from fairloop.core.names import check_artifact_path
from fairloop.core.people import Project
from fairloop.core.search import All, Any_, Comparison, Filter, parse_filter
from fairloop.errors import InvalidInput, NotFound
from fairloop.projects.service import DEFAULT
from fairloop.server.mlflow_api import wire
from fairloop.server.services import Services
from fairloop.storage.files import File

T = TypeVar("T")
_RUN = re.compile(r"[0-9a-f]{32}")
_MODEL = re.compile(r"m-[0-9a-f]{32}")


def experiment_id(services: Services, project: Project, text: str) -> int:
    """The id in ``text``. "0" means the project's own Default, whatever its number."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput(f"{text[:80]!r} is not an experiment id; ids are whole numbers.")
    if int(text) == 0 and project.name != DEFAULT:
        return services.tracking.experiments.default(project.id).id
    return int(text)


def active_of(view: str) -> bool | None:
    try:
        return {"ACTIVE_ONLY": True, "DELETED_ONLY": False, "ALL": None}[view]
    except KeyError:
        raise InvalidInput(f"{view[:40]!r} is not a view; use ACTIVE_ONLY, DELETED_ONLY or ALL.") from None


def limit_of(value: wire.Whole, most: int) -> int:
    number = wire.whole(value, "max_results")
    if not 1 <= number <= most:
        raise InvalidInput(f"max_results is {number}; give 1 to {most}.")
    return number


def cut(found: Sequence[T], token: str, limit: int) -> tuple[Sequence[T], str]:
    """(one page of ``found``, the token of the next or empty)."""
    if token and not (token.isascii() and token.isdigit() and len(token) < 15):
        raise InvalidInput("The page token is not one this server gave; start again without it.")
    start = int(token or 0)
    return found[start : start + limit], str(start + limit) if start + limit < len(found) else ""


def run_filter(text: str) -> Filter:
    """The tree, with MLflow's tag of a run's name read as the name."""
    return _renamed(parse_filter(text))


def _renamed(tree: Filter) -> Filter:
    if isinstance(tree, Comparison):
        if tree.kind == "tag" and tree.key == wire.RUN_NAME:
            return Comparison(kind="attribute", key="run_name", op=tree.op, value=tree.value)
        return tree
    parts = tuple(_renamed(part) for part in tree.parts)
    return All(parts=parts) if isinstance(tree, All) else Any_(parts=parts)


def model_filter(text: str) -> Filter:
    """The tree; "not a prompt" holds for what carries no such tag, as MLflow's clients add it to every search."""
    return _without_prompts(parse_filter(text))


def _without_prompts(tree: Filter) -> Filter:
    if isinstance(tree, Comparison):
        if tree.kind == "tag" and tree.key == wire.IS_PROMPT and tree.op == "!=":
            return Any_(parts=(Comparison(kind="tag", key=tree.key, op="missing"), tree))
        return tree
    parts = tuple(_without_prompts(part) for part in tree.parts)
    return All(parts=parts) if isinstance(tree, All) else Any_(parts=parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where files stand: an owner, and a path below it (empty: all)."""

    owner: tuple[str, str]
    path: str = ""
    run_id: str | None = None
    model_id: str | None = None


def place_of(services: Services, project: Project, text: str) -> Place:
    """What ``<experiment>/<run>/artifacts/...`` and its like name, found by rows of this project, never by a path."""
    check_artifact_path(text)
    parts = text.split("/")
    tracking = services.tracking
    if len(parts) >= 3 and parts[2] == "artifacts" and _RUN.fullmatch(parts[1]):
        run = tracking.get(project.id, parts[1])
        if str(run.experiment_id) != parts[0]:
            raise NotFound("No such run, or you may not see it.")
        return Place(owner=("run", run.id), path="/".join(parts[3:]), run_id=run.id)
    if len(parts) >= 4 and parts[1] == "models" and parts[3] == "artifacts" and _MODEL.fullmatch(parts[2]):
        model = tracking.logged_models.get(project.id, parts[2])
        if str(model.experiment_id) != parts[0]:
            raise NotFound("No such logged model, or you may not see it.")
        return Place(owner=("logged_model", model.id), path="/".join(parts[4:]), run_id=model.run_id, model_id=model.id)
    if len(parts) >= 3 and parts[0] == "versions" and parts[2] == "artifacts":
        version = services.registry.version_by_id(project.id, parts[1])
        return Place(owner=("version", version.id), path="/".join(parts[3:]), run_id=version.run_id)
    raise InvalidInput(f"{text[:120]!r} names no run, logged model or model version here.")


def source_of(services: Services, project: Project, source: str) -> Place:
    """What the source of a model version names: one of our own references, or a run, logged model or version by id.

    Anything else is refused: no client names a storage path (reliability tests S02 to S11).
    """
    scheme, separator, rest = source.partition(":/")
    if not separator or rest.startswith("/") or len(source) > 1000:
        raise _refused(source)
    if scheme == "mlflow-artifacts":
        return place_of(services, project, rest)
    parts = rest.split("/")
    if scheme == "models" and len(parts) == 1 and _MODEL.fullmatch(rest):
        model = services.tracking.logged_models.get(project.id, rest)
        return Place(owner=("logged_model", model.id), run_id=model.run_id, model_id=model.id)
    if scheme == "models" and len(parts) == 2 and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 10:
        version = services.registry.version(project.id, parts[0], int(parts[1]))
        return Place(owner=("version", version.id), run_id=version.run_id, model_id=version.origin.get("model_id"))
    if scheme == "runs" and _RUN.fullmatch(parts[0]) and len(parts) > 1:
        check_artifact_path(rest)
        run = services.tracking.get(project.id, parts[0])
        return Place(owner=("run", run.id), path="/".join(parts[1:]), run_id=run.id)
    raise _refused(source)


def _refused(source: str) -> InvalidInput:
    return InvalidInput(
        f"The source {source[:120]!r} is not one of this server's: register what a run logged, as "
        "runs:/<run id>/<path> or models:/<logged model id>."
    )


def files_below(services: Services, place: Place) -> dict[str, File]:
    """Path relative to the place, to file."""
    prefix = place.path + "/" if place.path else ""
    found = services.files.list(place.owner, place.path)
    return {f.path.removeprefix(prefix): f for f in found if f.path.startswith(prefix)}
