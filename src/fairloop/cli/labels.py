"""``fairloop label``: data prescriptions and the labelling tasks they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_fields, show_json, show_table, when
from fairloop.core.records import Page
from fairloop.errors import InvalidInput, NotFound

group = typer.Typer(help="Label rows again: prescriptions, tasks, answers.", no_args_is_help=True)
Task = Annotated[str, typer.Argument(metavar="TASK", help="The labelling task (lab_...).")]
_ONE_PAGE = 1000
T = TypeVar("T")


@group.command("prescribe", help="Which rows to label again, and by how much a gap would fall.")
def prescribe(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="DATASET", help="datasets:/NAME/VERSION, or a version's id.")],
    by: Annotated[str, typer.Option(help="The sensitive attribute.")],
    metric: Annotated[str, typer.Option(help="The gap to close.")] = "demographic_parity_difference",
    rows: Annotated[int, typer.Option(min=0, help="So many rows; 0 lets Fairloop choose.")] = 0,
    target: Annotated[float | None, typer.Option(help="The fewest rows that bring the gap here.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open a labelling task at once.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", help="Wait so many seconds for the answer.")] = 900,
    json_: Json = False,
) -> None:
    client = connect(context)
    params: dict[str, Any] = {"by": by, "metric": metric}
    params |= {"relabel": rows} if rows else {}
    params |= {} if target is None else {"target": target}
    done = client.analyses.wait(client.analyses.start("prescription", subject, params).id, timeout_s=wait_s)
    if json_:
        show_json(client.http.json("GET", f"{client.path}/analyses/{done.id}"))
    else:
        print(clean(done.words))
        print(f"prescription {done.id}")
    if open_:
        task = client.labeling.open(done.id)
        notice(f"Opened: {task.id}")


@group.command("open", help="Open a labelling task over the rows of a prescription.")
def open_task(
    context: typer.Context,
    prescription: Annotated[str, typer.Argument(metavar="PRESCRIPTION", help="Its id (ana_...).")],
    question: Annotated[str, typer.Option(help="What labellers are asked.")] = "",
    title: Annotated[str, typer.Option(help="The task's name.")] = "",
    positive: Annotated[str, typer.Option(help="The positive answer in words.")] = "",
    negative: Annotated[str, typer.Option(help="The negative answer in words.")] = "",
    people: Annotated[int, typer.Option(min=1, max=2, help="People a row.")] = 2,
    json_: Json = False,
) -> None:
    client = connect(context)
    task = client.labeling.open(prescription, question=question, title=title, positive=positive, negative=negative,
                                people=people)  # fmt: skip
    if json_:
        _show_json(client, task.id)
    else:
        print(f"Opened {task.id}: {task.items} rows of {clean(task.title)}.")


@group.command("list", help="Labelling tasks, newest first.")
def list_tasks(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="open, closing, closed or cancelled.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    json_: Json = False,
) -> None:
    client = connect(context)
    page = client.http.json("GET", f"{client.path}/labeling-tasks", params={"state": state or None, "limit": limit})
    if json_:
        show_json(page)
        return
    cells = [
        [t["state"], clean(t["title"]), t["items"], t["author"], when(t["created_at"]), t["id"]] for t in page["items"]
    ]
    show_table(["state", "task", "rows", "by", "opened", "id"], cells,
               empty="No labelling tasks yet; make one with: fairloop label prescribe datasets:/NAME/1 --by sex --open")  # fmt: skip


@group.command("show", help="One task: progress, agreement, promise and measurement.")
def show(context: typer.Context, task: Task, json_: Json = False) -> None:
    client = connect(context)
    if json_:
        _show_json(client, task)
        return
    show_fields(client.http.json("GET", f"{client.path}/labeling-tasks/{task}"))
    print()
    show_fields(client.http.json("GET", f"{client.path}/labeling-tasks/{task}/progress"))


def _all(page_of: Callable[..., Page[T]], task: str) -> list[T]:
    """What every page holds."""
    page = page_of(task, limit=_ONE_PAGE)
    found = list(page.items)
    while page.next is not None:
        page = page_of(task, cursor=page.next, limit=_ONE_PAGE)
        found += page.items
    return found


@group.command("rows", help="The rows to label as CSV, with an empty column answer to fill in.")
def rows(context: typer.Context, task: Task) -> None:
    from fairloop.labeling.files import rows_csv

    print(rows_csv(_all(connect(context).labeling.items, task)), end="")


@group.command("bring", help="Answers from a CSV file with the columns row_id and answer, as yours.")
def bring(
    context: typer.Context,
    task: Task,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="positive, negative or skip a row.")],
) -> None:
    from fairloop.core.records import to_plain
    from fairloop.labeling.files import read_answers

    if not file.is_file():
        raise NotFound(f"There is no file {str(file)!r}; check the path.")
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{file.name} is not UTF-8 text; save it in UTF-8.") from cause
    new = connect(context).labeling.bring(task, to_plain(read_answers(text)))
    print(f"{new} answers were new.")


@group.command("labels", help="What every row's answers came to, as CSV.")
def labels(context: typer.Context, task: Task) -> None:
    from fairloop.labeling.files import labels_csv

    print(labels_csv(_all(connect(context).labeling.labels, task)), end="")


@group.command("close", help="End answering: a new dataset version is made, and the gap is measured.")
def close(
    context: typer.Context,
    task: Task,
    wait_s: Annotated[float, typer.Option("--wait", help="Wait so many seconds for the measurement.")] = 900,
    json_: Json = False,
) -> None:
    client = connect(context)
    closed = client.labeling.close(task)
    if wait_s > 0 and closed.effect_id is not None:
        done = client.analyses.wait(closed.effect_id, timeout_s=wait_s)
        if not json_:
            print(clean(done.words))
    if json_:
        _show_json(client, task)


@group.command("cancel", help="End a task without using its answers.")
def cancel(context: typer.Context, task: Task) -> None:
    print(f"Cancelled: {clean(connect(context).labeling.cancel(task).title)}.")


def _show_json(client: Any, task: str) -> None:
    show_json(client.http.json("GET", f"{client.path}/labeling-tasks/{task}"))
