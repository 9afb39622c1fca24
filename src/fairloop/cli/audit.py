"""``fairloop audit``: read the audit log, take a copy of it along, and check the chain, here or without the server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when
from fairloop.errors import InvalidInput

if TYPE_CHECKING:
    from fairloop.client.client import Client
    from fairloop.core.audit import AuditEntry, Verification

group = typer.Typer(help="Who did what, and whether anybody changed that record.", no_args_is_help=True)
ServerWide = Annotated[bool, typer.Option("--server", help="The whole server's log; server administrators only.")]
_PAGE = 1000


@group.command("list", help="The newest entries first.")
def list_(
    context: typer.Context,
    server: ServerWide = False,
    person: Annotated[str, typer.Option(help="Only what this person did.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, for example model.approved.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json_: Json = False,
) -> None:
    client = connect(context)
    found = client.audit.entries(limit=limit, person=person or None, action=action or None, server_wide=server)
    if json_:
        from fairloop.core.records import to_wire

        show_json(to_wire(found))
        return
    cells = [[e.seq, when(_rfc3339(e.at_ms)), clean(e.person), e.action, clean(e.object)] for e in found.items]
    show_table(["no.", "when", "person", "action", "object"], cells, empty="Nothing was done yet.")


@group.command("export", help="Write the log to a file that can be checked without this server.")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; it must not exist yet.")],
    server: ServerWide = False,
) -> None:
    from fairloop.core.audit_file import lines

    client = connect(context)
    newest_first = list(_all(client, server=server))
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as cause:
        raise InvalidInput(f"{file} cannot be written: {cause.strerror}. Choose a name that is free.") from cause
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        for line in lines(reversed(newest_first), whole=server, project=client.project):
            out.write(line + "\n")
    scope = "of the whole server" if server else f"of the project {client.project}"
    print(f"{len(newest_first):,} entries {scope} written to {file}.")


@group.command("verify", help="Recompute every hash: of the server's log, or of a file from 'fairloop audit export'.")
def verify(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="An exported log; without it the server checks its own.")] = None,
    head: Annotated[str, typer.Option(help="A hash noted earlier: it must stand in the log.")] = "",
    json_: Json = False,
) -> int:
    from fairloop.core.records import to_wire

    if file is not None:
        found, words = _offline(file, head)
    else:
        found, words = _online(connect(context), head)
    if json_:
        show_json({**to_wire(found), "words": words})
    else:
        print(words)
        if found.ok:
            notice(f"Keep this hash somewhere else, and give it as --head next time: {found.head}")
    return 0 if found.ok else 1


def _online(client: Client, head: str) -> tuple[Verification, str]:
    from dataclasses import replace

    found = client.audit.verify()
    known = not head or head == found.head or any(e.hash == head for e in _all(client, server=False))
    if found.ok and not known:
        return replace(found, ok=False), f"The chain holds, but no entry has the hash {head}: the log was rewritten."
    return found, said(found)


def _offline(file: Path, head: str) -> tuple[Verification, str]:
    from fairloop.core.audit_file import check

    try:
        with file.open(encoding="utf-8") as lines:
            return check(lines, head=head)
    except (OSError, UnicodeDecodeError) as cause:
        raise InvalidInput(f"{file} cannot be read as an exported audit log: {cause}.") from cause


def said(found: Verification) -> str:
    if found.ok:
        return f"The chain of {found.entries:,} entries holds. Its last hash is {found.head}."
    return f"The chain is broken at entry {found.broken_seq}: it was changed, or follows one that was removed."


def _all(client: Client, *, server: bool) -> Iterator[AuditEntry]:
    cursor: str | None = None
    while True:
        found: Any = client.audit.entries(cursor=cursor, limit=_PAGE, server_wide=server)
        yield from found.items
        cursor = found.next
        if cursor is None:
            return


def _rfc3339(at_ms: int) -> str | None:
    from fairloop.core.clock import rfc3339

    return rfc3339(at_ms)
