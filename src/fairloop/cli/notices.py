"""What you were told, and where a project's notices go."""

from __future__ import annotations

from typing import Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when

group = typer.Typer(help="Your inbox, and the channels notices go to.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(metavar="ID")]


@group.command("list")
def list_(context: typer.Context, all_: Annotated[bool, typer.Option("--all", help="Read ones too.")] = False,
          json_: Json = False) -> None:  # fmt: skip
    """What you were told and have not read."""
    page = connect(context).http.json("GET", "/api/v1/notices", params={"unread": None if all_ else "true"})
    if json_:
        show_json(page)
        return
    cells = [(when(n["created_at"]), n["subject"], n["text"], n["id"]) for n in page["items"]]
    show_table(["when", "what", "text", "id"], cells, empty="Nothing new.")


@group.command("read")
def read(context: typer.Context, which: Annotated[str, typer.Argument(metavar="[ID]", help="One; none means all.")] = "",
         json_: Json = False) -> None:  # fmt: skip
    """Mark notices as read."""
    count = connect(context).notices.read(which)
    if json_:
        show_json({"read": count})
    else:
        print(f"{count} marked as read.")


@group.command("channels")
def channels(context: typer.Context, json_: Json = False) -> None:
    """Where the project's notices go."""
    client = connect(context)
    page = client.http.json("GET", f"{client.path}/channels")
    if json_:
        show_json(page)
        return
    cells = [(c["name"], c["kind"], c["shown"], ", ".join(c["kinds"]) or "all", "on" if c["enabled"] else "off", c["id"])
             for c in page["items"]]  # fmt: skip
    show_table(
        ["name", "kind", "where", "notices", "state", "id"], cells, empty="No channels; add one: fairloop notices add"
    )


@group.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What you call it.")],
    target: Annotated[str, typer.Argument(help="A URL, or e-mail addresses ('people': those it is meant for).")],
    kind: Annotated[str, typer.Option(help="webhook, email, slack or teams.")] = "webhook",
    only: Annotated[list[str] | None, typer.Option(help="Only this kind of notice; may be repeated.")] = None,
    json_: Json = False,
) -> None:
    """Add a channel; a webhook's secret is shown once."""
    client = connect(context)
    body = {"name": name, "kind": kind, "target": target, "kinds": only or []}
    made = client.http.json("POST", f"{client.path}/channels", json=body)
    if json_:
        show_json(made)
        return
    notice(f"Added {clean(name)} ({made['channel']['id']}); try it: fairloop notices test {made['channel']['id']}")
    if made["secret"]:
        notice("Its secret, for checking signatures; keep it now, it is not shown again:")
        print(made["secret"])


@group.command("remove")
def remove(context: typer.Context, which: Which, json_: Json = False) -> None:
    """Remove a channel."""
    connect(context).channels.remove(which)
    if json_:
        show_json({"removed": which})
    else:
        print(f"Removed {which}.")


@group.command("switch")
def switch(context: typer.Context, which: Which, to: Annotated[str, typer.Argument(metavar="on|off")],
           json_: Json = False) -> None:  # fmt: skip
    """Stop sending through a channel, or go on."""
    if to not in {"on", "off"}:
        raise typer.BadParameter("say on or off")
    client = connect(context)
    client.channels.switch(which, enabled=to == "on")
    if json_:
        show_json(client.http.json("GET", f"{client.path}/channels"))
    else:
        print(f"{which} is {to}.")


@group.command("test")
def try_(context: typer.Context, which: Which, json_: Json = False) -> int:
    """Send a test through a channel now."""
    told = connect(context).channels.test(which)
    if json_:
        show_json(told)
    else:
        print(f"{'arrived' if told['arrived'] else 'did not arrive'}: {clean(told['words'])}")
    return 0 if told["arrived"] else 1


@group.command("deliveries")
def deliveries(context: typer.Context, state: Annotated[str, typer.Option(help="waiting, sent or dead.")] = "",
               retry: Annotated[str, typer.Option(metavar="ID", help="Try this dead one again.")] = "",
               json_: Json = False) -> None:  # fmt: skip
    """What was sent, waits, or was given up."""
    client = connect(context)
    if retry:
        client.channels.retry(retry)
    page = client.http.json("GET", f"{client.path}/deliveries", params={"state": state or None})
    if json_:
        show_json(page)
        return
    cells = [(when(d["created_at"]), d["state"], d["attempts"], d["reason"], d["id"]) for d in page["items"]]
    show_table(["when", "state", "attempts", "reason", "id"], cells, empty="Nothing was sent yet.")
