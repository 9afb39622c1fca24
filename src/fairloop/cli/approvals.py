"""A person says yes or no."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json
from fairloop.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from fairloop.client.client import Client
    from fairloop.core.cycles import ApprovalRequest

Which = Annotated[
    str, typer.Argument(metavar="[ID]", help="The request (apr_...) or its cycle; none when only one waits.")
]
Reason = Annotated[str, typer.Option(help="Why; the record keeps it.", prompt="Reason")]
For = Annotated[str, typer.Option("--for", metavar="PERSON", help="Who handed you the decision, where several did.")]


def approve(
    context: typer.Context,
    reason: Reason,
    which: Which = "",
    wait_s: Annotated[float, typer.Option("--wait", help="Follow it so many seconds; a canary goes on alone.")] = 120,
    on_behalf_of: For = "",
    json_: Json = False,
) -> int:
    """Approve what waits for a decision, and see it go live."""
    client = connect(context)
    decided = _decide(client, which, reason, on_behalf_of, json_, yes=True)
    if decided.decision == "waiting" or not decided.cycle_id:
        return 0
    stage = _follow(client, decided.cycle_id, wait_s)
    return 1 if stage in {"refused", "failed", "cancelled"} else 0


def refuse(context: typer.Context, reason: Reason, which: Which = "", on_behalf_of: For = "",
           json_: Json = False) -> None:  # fmt: skip
    """Refuse what waits for a decision."""
    _decide(connect(context), which, reason, on_behalf_of, json_, yes=False)


def _follow(client: Client, cycle_id: str, wait_s: float) -> str:
    """Tell what happens until the cycle is over, or moves traffic step by step, which may take days."""
    told = max((event.seq for event in client.cycles.events(cycle_id)), default=0)
    end = time.monotonic() + wait_s
    while True:
        cycle = client.cycles.get(cycle_id)
        for event in client.cycles.events(cycle_id):
            if event.seq > told:
                told = event.seq
                notice(f"{event.kind:<17} {clean(event.text)}")
        if cycle.stage.final or time.monotonic() > end:
            return str(cycle.stage)
        if cycle.rollout_id is not None and client.endpoints.rollout(cycle.rollout_id).from_deployment_id is not None:
            return str(cycle.stage)
        time.sleep(0.25)


def _decide(client: Client, which: str, reason: str, on_behalf_of: str, json_: bool, *, yes: bool) -> ApprovalRequest:
    request_id = _request(client, which)
    decided = client.approvals.decide(request_id, approve=yes, reason=reason, on_behalf_of=on_behalf_of)
    if json_:
        show_json(client.http.json("GET", f"{client.path}/approvals/{request_id}"))
        return decided
    if decided.cycle_id:
        cycle = client.cycles.get(decided.cycle_id)
        what = f"cycle {cycle.number} of {clean(cycle.loop)}"
    else:
        version = client.models.version_by_id(decided.model_version_id)
        what = f"{clean(version.model)} v{version.version}"
    if decided.decision == "waiting":
        yes_so_far = sum(vote.decision == "approved" for vote in decided.votes)
        print(f"Noted: {yes_so_far} of {decided.people} people said yes to {what}.", flush=True)
        return decided
    who = clean(decided.decided_by) + ("" if decided.verified else " (identity not verified: local mode)")
    print(f"{decided.decision.capitalize()} by {who}: {what}.", flush=True)
    return decided


def _request(client: Client, which: str) -> str:
    if which.startswith("apr_"):
        return which
    waiting = client.approvals.list(decision="waiting", cycle_id=which or None)
    if not waiting:
        raise NotFound(f"Nothing waits for a decision{' in ' + which if which else ''}; see: fairloop status")
    if len(waiting) > 1:
        raise InvalidInput(f"{len(waiting)} requests wait; say which: {', '.join(request.id for request in waiting)}")
    return waiting[0].id
