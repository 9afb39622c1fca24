"""Labelling tasks: how far they are, one row at a time, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from litestar import Response
from litestar.response import Redirect

from fairloop.core.labeling import LabelTask, TaskState
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.labeling.files import labels_csv, read_answers, rows_csv
from fairloop.labeling.service import MAX_PAGE, NewTask
from fairloop.server.pages import live
from fairloop.server.pages.forms import Form, act, told
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import data_bias, lineage
from fairloop.server.services import Services

T = TypeVar("T")
AGREEMENT = ((0.8, "good: people see the same thing"), (0.67, "fair: read the question again where they differ"),
             (-2.0, "poor: the question is not clear enough to rest anything on the answers"))  # fmt: skip


def listing(request: Asked, services: Services, project: Project, cursor: str | None = None) -> Html:
    """Labelling tasks, newest first."""
    found = services.labeling.page(project.id, cursor=cursor, limit=50)
    return page(request, "labels.html", title="Labelling tasks", section="data", crumbs=[("Data", within(project, "data"))],
                rows=[data_bias.task_row(services, project, task) for task in found.items],
                older=f"{within(project, 'labels')}?cursor={found.next}" if found.next else "")  # fmt: skip


def show(request: Asked, services: Services, project: Project, task_id: str) -> Html:
    """One task: progress, agreement, and when it is closed, promise and measurement."""
    task = services.labeling.get(project.id, task_id)
    return page(request, "label-task.html", title=task.title, section="data", task=task,
                crumbs=[("Data", within(project, "data")), ("Labelling tasks", within(project, "labels"))],
                parents=_lineage(services, project, task),
                now=live.part(request, "parts/label-task.html", **_view(services, project, task)),
                place=within(project, "labels", task.id))  # fmt: skip


def now(request: Asked, services: Services, project: Project, task_id: str) -> Html:
    """The part that renews itself."""
    task = services.labeling.get(project.id, task_id)
    return live.renewed(request, "parts/label-task.html", **_view(services, project, task))


def _view(services: Services, project: Project, task: LabelTask) -> dict[str, Any]:
    progress = services.answers.progress(project.id, task.id)
    alpha = progress.agreement["estimate"]
    return {
        "task": task, "progress": progress, "effect": data_bias.effect_view(services, project, task),
        "agreement_words": next((w for least, w in AGREEMENT if alpha is not None and alpha >= least), ""),
        "renew": within(project, "labels", task.id, "now"), "place": within(project, "labels", task.id),
        "live": task.state in {TaskState.OPEN, TaskState.CLOSING},
        "loops": [loop.name for loop in services.loops.loops(project.id)] if task.published_version_id else [],
        "promise_strip": data_bias.promise_strip(task.promise) if task.promise else None,
    }  # fmt: skip


def _lineage(services: Services, project: Project, task: LabelTask) -> list[lineage.Part]:
    ids = [i for i in (task.dataset_version_id, task.published_version_id) if i]
    parts = []
    for version_id in ids:
        try:
            parts.append(lineage.data(project, services.datasets.get(project.id, version_id)))
        except NotFound:
            continue
    return parts


# ------------------------------------------------------------------ one row at a time
def row(request: Asked, services: Services, identity: Identity, project: Project, task_id: str) -> Html:
    """The next row for this person, with keys for the answers."""
    task = services.labeling.get(project.id, task_id)
    last = services.answers.last(project.id, task_id, identity)
    here = within(project, "labels", task.id)
    mine = services.answers.progress(project.id, task_id).people.get(identity.name, 0)
    return page(request, "label-row.html", title=f"Label: {task.title}", section="data", task=task,
                crumbs=[("Data", within(project, "data")), ("Labelling tasks", within(project, "labels")), (task.title, here)],
                item=services.answers.next(project.id, task_id, identity), last=last, place=here, mine=mine)  # fmt: skip


def answer(services: Services, identity: Identity, project: Project, task_id: str, data: Form) -> Redirect:
    """Take one answer, then show the next row."""
    services.labeling.get(project.id, task_id)
    position = _position(data)
    return _quietly(project, task_id, lambda: services.answers.answer(
        project.id, task_id, position, data.get("answer", ""), identity))  # fmt: skip


def undo(services: Services, identity: Identity, project: Project, task_id: str, data: Form) -> Redirect:
    """Take one's own answer back, then show that row again."""
    services.labeling.get(project.id, task_id)
    position = _position(data)
    return _quietly(project, task_id, lambda: services.answers.undo(project.id, task_id, position, identity))


def _position(data: dict[str, str]) -> int:
    text = data.get("position", "")
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput(f"position={text[:40]!r} is no row of this task.")
    return int(text)


def _quietly(project: Project, task_id: str, do: Callable[[], object]) -> Redirect:
    """Do it and go on; only what did not work is said."""
    back = within(project, "labels", task_id, "row")
    try:
        do()
    except (Conflict, InvalidInput) as cause:
        return told(cause, back)
    return Redirect(back, status_code=303)


# ------------------------------------------------------------------ files
def rows_file(services: Services, project: Project, task_id: str) -> Response[str]:
    """The rows to label as CSV."""
    items = _all(lambda cursor: services.answers.items(project.id, task_id, cursor=cursor, limit=MAX_PAGE))
    return _csv(rows_csv(items), f"{task_id}-rows.csv")


def labels_file(services: Services, project: Project, task_id: str) -> Response[str]:
    """What every row's answers came to, as CSV."""
    labels = _all(lambda cursor: services.answers.labels(project.id, task_id, cursor=cursor, limit=MAX_PAGE))
    return _csv(labels_csv(labels), f"{task_id}-labels.csv")


def bring(services: Services, identity: Identity, project: Project, task_id: str, data: Form) -> Redirect:
    """Answers pasted as CSV become this person's."""
    services.labeling.get(project.id, task_id)
    return act(within(project, "labels", task_id),
               lambda: services.answers.bring(project.id, task_id, read_answers(data.get("csv", "")), identity),
               lambda new: f"{new} answers were new.")  # fmt: skip


def _csv(text: str, name: str) -> Response[str]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _all(read: Callable[[str | None], Page[T]]) -> list[T]:
    found = read(None)
    items = list(found.items)
    while found.next is not None:
        found = read(found.next)
        items += found.items
    return items


# ------------------------------------------------------------------ begin and end
def open_task(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Open a task over the rows of a prescription."""
    back = data.get("back", "")
    new = NewTask(prescription_id=data.get("prescription_id", ""), question=data.get("question", "").strip(),
                  people=1 if data.get("people") == "1" else 2)  # fmt: skip
    try:
        task = services.labeling.open(project.id, new, identity)
    except (Conflict, InvalidInput) as cause:
        return told(cause, back if back.startswith(within(project, "data")) else within(project, "labels"))
    return Redirect(within(project, "labels", task.id), status_code=303)


def close(services: Services, identity: Identity, project: Project, task_id: str) -> Redirect:
    """End answering, publish and measure."""
    services.labeling.get(project.id, task_id)
    return act(within(project, "labels", task_id), lambda: services.labeling.close(project.id, task_id, identity),
               "Closed. The new dataset version is being made and measured.")  # fmt: skip


def cancel(services: Services, identity: Identity, project: Project, task_id: str) -> Redirect:
    """End it without using the answers."""
    services.labeling.get(project.id, task_id)
    return act(within(project, "labels", task_id), lambda: services.labeling.cancel(project.id, task_id, identity),
               "Cancelled. The answers are kept and not used.")  # fmt: skip
