"""Who is in the project, in which role, and invitations to it."""

from __future__ import annotations

from typing import Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when

group = typer.Typer(help="Members of the project, their roles, and invitations.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(metavar="NAME")]
InRole = Annotated[
    str, typer.Argument(metavar="ROLE", help="viewer, data_scientist, ml_engineer, manager, auditor or administrator.")
]


@group.command("list", help="Members and their roles.")
def list_(context: typer.Context, json_: Json = False) -> None:
    client = connect(context)
    found = client.http.json("GET", f"{client.path}/members")
    if json_:
        show_json(found)
        return
    show_table(["person", "role"], [[clean(m["name"]), m["role"]] for m in found["items"]], empty="No members yet.")


@group.command("set", help="Give somebody a role in the project, or another one.")
def set_(context: typer.Context, name: Who, role: InRole) -> None:
    done = connect(context).people.set_member(name, role)
    print(f"{clean(done.name)} is {done.role.replace('_', ' ')} now.")


@group.command("remove", help="Take somebody out of the project.")
def remove(context: typer.Context, name: Who) -> None:
    connect(context).people.remove_member(name)
    print(f"{clean(name)} is no member any more.")


@group.command("invite", help="Make a link by which somebody without an account joins, once (secured server).")
def invite(
    context: typer.Context,
    role: InRole,
    name: Annotated[str, typer.Option(help="What they will be called; they choose when it is left away.")] = "",
    email: Annotated[str, typer.Option(help="Noted; nothing is sent there.")] = "",
    days: Annotated[float, typer.Option(help="How long it works, 30 at most.")] = 7.0,
) -> None:
    client = connect(context)
    made = client.people.invite(role, name=name, email=email, days=days)
    notice("Give this link to the person by a way you trust. It works once, and is shown only now.")
    print(client.url + made.path)


@group.command("invitations", help="Who was invited, and whether they came.")
def invitations(
    context: typer.Context,
    revoke: Annotated[str, typer.Option(help="End this invitation (inv_...).")] = "",
    json_: Json = False,
) -> None:
    client = connect(context)
    if revoke:
        client.people.revoke_invitation(revoke)
    found = client.http.json("GET", f"{client.path}/invitations")
    if json_:
        show_json(found)
        return
    cells = [[clean(i["name"] or i["email"]), i["role"], clean(i["invited_by"]), clean(i["accepted_by"]),
              "ended" if i["revoked_at"] else when(i["expires_at"]), i["id"]] for i in found["items"]]  # fmt: skip
    show_table(["for", "role", "invited by", "came as", "ends", "id"], cells, empty="Nobody was invited.")
