"""Log in to a server, and manage API tokens."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from typing import Annotated, Any

import typer

from fairloop.cli.connection import Connection, connect, login_file, logins
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when
from fairloop.errors import InvalidInput

tokens = typer.Typer(help="API tokens, for programs that speak to the server.", no_args_is_help=True)


def login(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Your name; asked for when no token is given.")] = "",
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read an API token from stdin instead.")] = False,
    days: Annotated[float, typer.Option(min=0.01, max=366, help="How long the new token lives.")] = 90,
    json_: Json = False,
) -> None:
    """Log in to a server (fairloop login --url URL); later commands use it."""
    from fairloop.client.client import Client

    asked: Connection = context.find_root().obj
    url = (asked.url or logins()["current"]).rstrip("/")
    if not url:
        raise InvalidInput("Say where: fairloop login --url https://fairloop.example.com")
    if token_stdin:
        secret = sys.stdin.readline().strip()
    else:
        name = name or typer.prompt("Name")
        visitor = Client(url)
        context.call_on_close(visitor.close)
        visitor.people.login(name, typer.prompt("Password", hide_input=True))
        secret = visitor.people.create_token(f"cli-{socket.gethostname()}", days=days).secret
    client = Client(url, token=secret)
    context.call_on_close(client.close)
    me = client.people.me()
    save(url, {"token": secret, "name": me.get("name", ""), "project": asked.project})
    if json_:
        show_json(me)
    else:
        print(
            f"Logged in to {url} as {clean(me.get('name'))}; the token stands in {login_file()}, readable by you only."
        )


def save(url: str, entry: dict[str, Any]) -> None:
    """Remember a server; the file is replaced whole and never readable by others."""
    known = logins()
    known["servers"][url] = entry
    known["current"] = url
    file = login_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(known, out, indent=2, sort_keys=True)
    temporary.replace(file)


@tokens.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    days: Annotated[float, typer.Option(min=0.01, max=366, help="How long it lives.")] = 90,
    only_project: Annotated[str, typer.Option(help="Let it reach one project only.")] = "",
    json_: Json = False,
) -> None:
    """Make a token; it is shown once."""
    client = connect(context)
    body = {"name": name, "project": only_project or None, "days": days}
    made = client.http.json("POST", "/api/v1/tokens", json=body)
    if json_:
        show_json(made)
        return
    notice("Keep it now, it is not shown again:")
    print(made["secret"])


@tokens.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """Your tokens."""
    found = connect(context).http.json("GET", "/api/v1/tokens")
    if json_:
        show_json(found)
        return
    rows = [
        (
            t["name"],
            "revoked" if t.get("revoked_at") else "usable",
            when(t["expires_at"]),
            when(t.get("last_used_at")),
            t["id"],
        )
        for t in found["items"]
    ]
    show_table(["name", "state", "expires", "last used", "id"], rows, empty="You have no tokens.")


@tokens.command("revoke")
def revoke(context: typer.Context, token_id: Annotated[str, typer.Argument(metavar="ID")], json_: Json = False) -> None:
    """End a token at once."""
    connect(context).people.revoke_token(token_id)
    if json_:
        show_json({"revoked": token_id})
    else:
        print(f"Revoked {token_id}.")
