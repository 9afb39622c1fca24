"""A person says yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, show_json
from fairloop.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from fairloop.client.client import Client

Which = Annotated[str, typer.Argument(metavar="[ID]", help="The request (apr_...) or its cycle; none when only one waits.")]
Reason = Annotated[str, typer.Option(help="Why; the record keeps it.", prompt="Reason")]


def approve(context: typer.Context, reason: Reason, which: Which = "", json_: Json = False) -> None:
    """Approve what waits for a decision."""
    _decide(context, which, reason, json_, yes=True)


def refuse(context: typer.Context, reason: Reason, which: Which = "", json_: Json = False) -> None:
    """Refuse what waits for a decision."""
    _decide(context, which, reason, json_, yes=False)


def _decide(context: typer.Context, which: str, reason: str, json_: bool, *, yes: bool) -> None:
    client = connect(context)
    request_id = _request(client, which)
    decided = client.approvals.decide(request_id, approve=yes, reason=reason)
    if json_:
        show_json(client.http.json("GET", f"{client.path}/approvals/{request_id}"))
        return
    cycle = client.cycles.get(decided.cycle_id)
    who = clean(decided.decided_by) + ("" if decided.verified else " (identity not verified: local mode)")
    print(f"{decided.decision.capitalize()} by {who}: cycle {cycle.number} of {clean(cycle.loop)}.")


def _request(client: Client, which: str) -> str:
    if which.startswith("apr_"):
        return which
    waiting = client.approvals.list(decision="waiting", cycle_id=which or None)
    if not waiting:
        raise NotFound(f"Nothing waits for a decision{' in ' + which if which else ''}; see: fairloop status")
    if len(waiting) > 1:
        raise InvalidInput(f"{len(waiting)} requests wait; say which: {', '.join(request.id for request in waiting)}")
    return waiting[0].id
