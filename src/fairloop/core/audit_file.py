"""An audit log in a file: one JSON line for what it holds, then one an entry; checked without the server.

The whole server's log is one chain and every break in it shows. A project's log is a selection of that chain: each of
its entries proves itself, because its hash covers it and the hash before, but a whole entry that was left out does not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from fairloop.core import codec
from fairloop.core.audit import GENESIS, AuditEntry, Verification, hash_of
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import InvalidInput

KIND, SCHEMA = "fairloop audit log", 1


def lines(entries: Iterable[AuditEntry], *, whole: bool, project: str = "") -> Iterator[str]:
    """The file's lines, for ``entries`` oldest first."""
    yield codec.dumps({"kind": KIND, "schema": SCHEMA, "whole": whole, "project": "" if whole else project})
    for entry in entries:
        yield codec.dumps(to_plain(entry))


def check(text: Iterable[str], *, head: str = "") -> tuple[Verification, str]:
    """Recompute every hash of an exported log; what was found, also in words.

    ``head`` is a hash noted earlier: the log must hold it, so that a rewritten log shows too.

    Raises
    ------
    InvalidInput
        The file is no exported audit log.
    """
    source = iter(text)
    first = _read(next(source, ""), "its first line")
    if first.get("kind") != KIND or first.get("schema") != SCHEMA:
        raise InvalidInput("This is no audit log of Fairloop; make one with: fairloop audit export FILE")
    whole = bool(first.get("whole"))
    previous, last_seq, count, known = GENESIS, 0, 0, not head or head == GENESIS
    for number, line in enumerate(source, start=2):
        entry = _entry(line, number)
        chained = entry.previous == previous if whole else entry.seq > last_seq
        if not chained or entry.hash != hash_of(entry, entry.previous):
            broken = Verification(ok=False, entries=count, head=previous, broken_seq=entry.seq)
            return broken, f"Entry {entry.seq} (line {number}) was changed, or does not follow the one before it."
        previous, last_seq, count, known = entry.hash, entry.seq, count + 1, known or entry.hash == head
    found = Verification(ok=known, entries=count, head=previous)
    if not known:
        return found, f"Every hash fits, but none is {head}: the log was rewritten, or ends before that entry."
    if whole:
        return found, f"The whole chain of {count:,} entries holds. Its last hash is {previous}."
    return found, (f"Each of the {count:,} entries is as it was written. This is one project's part of the server's log: "
                   "whether entries were left out, only the whole log tells.")  # fmt: skip


def _entry(line: str, number: int) -> AuditEntry:
    value = _read(line, f"line {number}")
    names = {f.name for f in dataclasses.fields(AuditEntry)}
    if set(value) != names:
        raise InvalidInput(f"Line {number} is no entry of an audit log; export it again.")
    return from_plain(AuditEntry, value)


def _read(line: str, where: str) -> dict[str, Any]:
    try:
        value = codec.loads(line.encode())
    except InvalidInput as cause:
        raise InvalidInput(f"{where[:1].upper()}{where[1:]} cannot be read: {cause.message}") from cause
    if not isinstance(value, dict):
        raise InvalidInput(f"{where[:1].upper()}{where[1:]} is no JSON object.")
    return value
