"""The home page in text: what waits for people, what runs, what serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, show_json, show_table, when

if TYPE_CHECKING:
    from fairloop.client.client import Client


def status(context: typer.Context, json_: Json = False) -> None:
    """What waits for you, what runs and what serves."""
    client = connect(context)
    found = _gather(client)
    if json_:
        show_json(found)
        return
    print(f"{client.url}, project {client.project}, as {clean(found['me'].get('name') or 'nobody')}"
          f"{'' if found['me'].get('verified') else ' (not verified: local mode)'}")  # fmt: skip
    _part("Waits for a decision", ["cycle", "role", "expires", "id"],
          [(_cycle_name(found, r["cycle_id"]), r["role"], when(r["expires_at"]), r["id"]) for r in found["approvals"]],
          "Nothing waits for a decision.")  # fmt: skip
    _part(
        "Open alerts",
        ["what", "windows", "since", "id"],
        [(a["words"], a["windows"], when(a["opened_at"]), a["id"]) for a in found["alerts"]],
        "No open alerts.",
    )
    _part("Loops", ["loop", "last cycle", "stage", "started", "id"],
          [(c["loop"], c["number"], c["stage"], when(c["started_at"]), c["id"]) for c in _newest(found["cycles"])],
          "No loop was turned yet; write one with: fairloop new --data FILE --target COLUMN")  # fmt: skip
    _part(
        "Endpoints",
        ["endpoint", "state", "address"],
        [(e["name"], e["state"], f"http://{e['host']}:{e['port']}" if e["port"] else "-") for e in found["endpoints"]],
        "No endpoints yet.",
    )


def _gather(client: Client) -> dict[str, Any]:
    def items(path: str, **asked: Any) -> list[Any]:
        page = client.http.json("GET", client.path + path, params=asked)
        return list(page["items"])

    return {"url": client.url, "project": client.project, "me": client.people.me(),
            "approvals": items("/approvals", decision="waiting"), "alerts": items("/alerts", state="open"),
            "cycles": items("/cycles", limit=100), "endpoints": items("/endpoints")}  # fmt: skip


def _newest(cycles: list[Any]) -> list[Any]:
    """The last cycle of each loop; the list comes newest first."""
    seen: dict[str, Any] = {}
    for cycle in cycles:
        seen.setdefault(cycle["loop"], cycle)
    return list(seen.values())


def _cycle_name(found: dict[str, Any], cycle_id: str) -> str:
    return next((f"{c['loop']} {c['number']}" for c in found["cycles"] if c["id"] == cycle_id), cycle_id)


def _part(title: str, columns: list[str], rows: list[tuple[object, ...]], empty: str) -> None:
    print(f"\n{title}" if rows else "")
    show_table(columns, rows, empty=empty)
