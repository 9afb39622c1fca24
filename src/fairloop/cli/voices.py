"""What people say: comments, and appeals of people who were judged."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when

comments = typer.Typer(help="Comments on cycles, models, runs, data and alerts.", no_args_is_help=True)
appeals = typer.Typer(help="Appeals of people who were judged.", no_args_is_help=True)
About = Annotated[
    str, typer.Argument(metavar="KIND", help="cycle, model, model_version, run, dataset_version or alert.")
]
Of = Annotated[str, typer.Argument(metavar="ID")]
Reason = Annotated[str, typer.Option(help="Why; who appealed reads it.", prompt="Reason, which who appealed reads")]


# ------------------------------------------------------------------ comments
@comments.command("list", help="Comments, newest first; of one object when it is named.")
def list_comments(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="Kind of object.")] = "",
    subject: Annotated[str, typer.Argument(metavar="[ID]")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json_: Json = False,
) -> None:
    client = connect(context)
    params: dict[str, Any] = {"kind": kind or None, "subject_id": subject or None, "limit": limit}
    page = client.http.json("GET", f"{client.path}/comments", params=params)
    if json_:
        show_json(page)
        return
    cells = [[when(c["created_at"]), clean(c["author"]), c["subject_kind"], c["subject_id"],
              clean(c["body"].splitlines()[0]) if c["body"] else "(deleted)", c["id"]] for c in page["items"]]  # fmt: skip
    show_table(["when", "author", "about", "which", "said", "id"], cells, empty="Nobody has said anything yet.")


@comments.command("add", help="Say something; @name tells a person who sees the project.")
def add_comment(
    context: typer.Context, kind: About, subject: Of, text: Annotated[str, typer.Argument(help="Markdown.")], json_: Json = False
) -> None:  # fmt: skip
    client = connect(context)
    done = client.discussion.add(kind, subject, text)
    if json_:
        show_json(client.http.json("GET", f"{client.path}/comments/{done.id}"))
    else:
        print(
            f"Said as {clean(done.author)}: {done.id}" + (f"; told {', '.join(done.mentions)}" if done.mentions else "")
        )


@comments.command("delete", help="Take your words away; a mark stays.")
def delete_comment(context: typer.Context, which: Of) -> None:
    client = connect(context)
    print(f"Deleted: {client.discussion.delete(which).id}")


# ------------------------------------------------------------------ appeals
@appeals.command("list", help="Appeals, newest first.")
def list_appeals(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="open, upheld or rejected.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json_: Json = False,
) -> None:
    client = connect(context)
    page = client.http.json("GET", f"{client.path}/appeals", params={"state": state or None, "limit": limit})
    if json_:
        show_json(page)
        return
    cells = [[a["state"], when(a["filed_at"]), clean(a["reason"].splitlines()[0][:70]), clean(a["contact"]),
              a["prediction_id"], a["id"]] for a in page["items"]]  # fmt: skip
    show_table(["state", "filed", "what is wrong", "contact", "prediction", "id"], cells, empty="Nobody has appealed.")


@appeals.command("file", help="Hand in an appeal that reached you another way.")
def file_appeal(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint that gave the prediction.")],
    prediction: Annotated[str, typer.Argument(metavar="PREDICTION_ID")],
    reason: Annotated[str, typer.Option(help="What is wrong, in the person's words.", prompt="What is wrong")],
    contact: Annotated[str, typer.Option(help="How to reach them.")] = "",
) -> None:
    client = connect(context)
    receipt = client.appeals.file(endpoint, prediction, reason, contact=contact)
    notice("Give this code to who appealed; with it they see the answer. It is shown only now.")
    print(receipt.code)


@appeals.command("uphold", help="The answer was wrong: it becomes a label, and evidence.")
def uphold(
    context: typer.Context,
    which: Of,
    reason: Reason,
    label: Annotated[str, typer.Option(help="The right answer; by default the opposite of a yes or no.")] = "",
) -> None:
    done = connect(context).appeals.decide(which, uphold=True, reason=reason, label=label or None)
    print(
        f"Upheld by {clean(done.decided_by)}"
        + (f"; right answer: {clean(str(done.label))}." if done.label is not None else ".")
    )


@appeals.command("reject", help="The answer stands.")
def reject(context: typer.Context, which: Of, reason: Reason) -> None:
    done = connect(context).appeals.decide(which, uphold=False, reason=reason)
    print(f"Not upheld by {clean(done.decided_by)}.")


@appeals.command("desks", help="Where predictions can be contested, and whether they can.")
def desks(
    context: typer.Context,
    take: Annotated[str, typer.Option(help="Take appeals for this endpoint.")] = "",
    stop: Annotated[str, typer.Option(help="Take none for this endpoint.")] = "",
    json_: Json = False,
) -> None:
    client = connect(context)
    if take or stop:
        client.appeals.switch(takes=bool(take), endpoint=take or stop)
    found = client.http.json("GET", f"{client.path}/appeal-desks")
    if json_:
        show_json(found)
        return
    cells = [[d["endpoint"], "taken" if d["open"] and d["project_open"] else "not taken", client.url + d["address"]] for d in found["items"]]  # fmt: skip
    show_table(["endpoint", "appeals", "page for people"], cells, empty="No endpoints yet.")
