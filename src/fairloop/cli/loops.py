"""Write a loop, turn it, stop it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.loading import find_loop
from fairloop.cli.output import Json, clean, notice, show_json
from fairloop.errors import AlreadyExists, InvalidInput

if TYPE_CHECKING:
    from fairloop.client.client import Client
    from fairloop.core.cycles import Cycle, CycleEvent


def new(
    data: Annotated[Path, typer.Option(help="Your table: CSV or Parquet.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    sensitive: Annotated[str, typer.Option(help="Sensitive columns, separated by commas.")] = "",
    name: Annotated[str, typer.Option(help="The loop's name; by default the file's.")] = "",
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("loop.py"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    json_: Json = False,
) -> None:
    """Write a loop.py for your own table."""
    if out.exists() and not force:
        raise AlreadyExists(f"{out} exists; choose another name with --out, or replace it with --force.")
    from fairloop.sdk.scaffold import generate  # reads the table: not before we know we may write

    columns = [column.strip() for column in sensitive.split(",") if column.strip()]
    text = generate(data, target, columns, name or None)
    out.write_text(text, "utf-8")
    if json_:
        show_json({"file": str(out), "text": text})
        return
    print(f"Wrote {out}. Read it, then turn the loop with: fairloop run {out}")


def run(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file that defines the loop.")] = Path("loop.py"),
    loop: Annotated[str, typer.Option(help="Which loop, when the file defines several.")] = "",
    wait_for_approval: Annotated[bool, typer.Option("--wait", help="Wait for the approval too.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start the cycle and return at once.")] = False,
    json_: Json = False,
) -> int:
    """Turn the loop once, and follow it until it is over or a person must decide."""
    found = find_loop(file, loop)
    client = connect(context)
    if detach:
        cycle = found.start(client)
        if json_:
            show_json(client.http.json("GET", f"{client.path}/cycles/{cycle.id}"))
        else:
            print(
                f"Cycle {cycle.number} of {clean(cycle.loop)} started; look at it with: fairloop cycles show {cycle.id}"
            )
        return 0
    began = time.monotonic()

    def tell(event: CycleEvent) -> None:
        line = f"{time.monotonic() - began:7.1f} s  {event.kind:<17} {clean(event.text)}"
        print(line, file=sys.stderr if json_ else sys.stdout, flush=True)

    cycle = found.run(client, on_event=tell, wait_for_approval=wait_for_approval)
    if json_:
        show_json(client.http.json("GET", f"{client.path}/cycles/{cycle.id}"))
    else:
        _conclude(client, cycle)
    return 1 if str(cycle.stage) in {"refused", "failed", "cancelled"} else 0


def _conclude(client: Client, cycle: Cycle) -> None:
    """What came out, and the next command."""
    where = f"{client.url}/projects/{client.project}/cycles/{cycle.id}"
    if str(cycle.stage) == "approve":
        waiting = client.approvals.list(decision="waiting", cycle_id=cycle.id)
        print(f"\nCycle {cycle.number} waits for a {waiting[0].role if waiting else 'person'} to decide. See {where}")
        if waiting:
            print(
                f"  fairloop approve {waiting[0].id} --reason '...'\n  fairloop refuse {waiting[0].id} --reason '...'"
            )
    elif str(cycle.stage) == "live":
        print(f"\nLive. Ask it: fairloop predict {clean(cycle.loop)} --row '{{...}}'   See {where}")
    else:
        print(f"\nCycle {cycle.number} ended: {cycle.stage}. {clean(cycle.words)} See {where}")


def cancel(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="ID", help="A cycle (cyc_...) or a pipeline run (prn_...).")],
    reason: Annotated[str, typer.Option(help="Why; the record keeps it.")] = "cancelled from the command line",
    json_: Json = False,
) -> None:
    """Stop a cycle or a pipeline run, with everything it started."""
    client = connect(context)
    if what.startswith("cyc_"):
        client.cycles.cancel(what, reason)
        path = f"{client.path}/cycles/{what}"
    elif what.startswith("prn_"):
        client.pipelines.cancel(what)
        path = f"{client.path}/pipeline-runs/{what}"
    else:
        raise InvalidInput(f"{what!r} is neither a cycle (cyc_...) nor a pipeline run (prn_...); see: fairloop status")
    if json_:
        show_json(client.http.json("GET", path))
    else:
        notice(f"Cancelled {what}.")
