"""An exported audit log proves itself: any changed byte of any entry is found without the server."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from fairloop.core.audit import GENESIS, AuditEntry, hash_of
from fairloop.core.audit_file import check, lines
from fairloop.errors import InvalidInput


def chain(count: int = 6, project: str | None = "p") -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous = GENESIS
    for n in range(1, count + 1):
        entry = AuditEntry(seq=n, at_ms=1000 * n, person=f"ann {n}", verified=True, project_id=project, action="x.do",
                           object=str(n), detail={"n": n, "half": 0.5, "list": [1, "a"]}, ip="127.0.0.1",
                           request_id="r", previous=previous)  # fmt: skip
        entries.append(replace(entry, hash=hash_of(entry, previous)))
        previous = entries[-1].hash
    return entries


def test_a_whole_log_holds_and_names_its_last_hash() -> None:
    entries = chain()
    found, words = check(lines(entries, whole=True), head=entries[2].hash)
    assert found.ok
    assert found.entries == 6
    assert entries[-1].hash in words


def test_a_log_rewritten_from_the_start_does_not_hold_the_hash_kept_elsewhere() -> None:
    found, words = check(lines(chain(), whole=True), head="ab" * 32)
    assert not found.ok
    assert "rewritten" in words


def test_removed_swapped_and_cut_off_entries_show() -> None:
    entries = chain()
    for wrong in ([*entries[:2], *entries[3:]], [entries[1], entries[0], *entries[2:]], entries[1:]):
        assert not check(lines(wrong, whole=True))[0].ok
    assert not check(lines(entries[:-1], whole=True), head=entries[-1].hash)[0].ok


def test_a_projects_part_proves_each_entry_and_says_what_it_cannot() -> None:
    entries = chain()
    found, words = check(lines([entries[1], entries[4]], whole=False, project="p"))
    assert found.ok
    assert "whether entries were left out, only the whole log tells" in words
    forged = replace(entries[4], person="eve")
    assert not check(lines([entries[1], forged], whole=False))[0].ok


def test_every_flipped_character_of_an_entry_is_found() -> None:
    dice = random.Random(4)
    text = list(lines(chain(), whole=True))
    for _ in range(400):
        line = dice.randrange(1, len(text))
        place = dice.randrange(len(text[line]))
        other = chr((ord(text[line][place]) - 32 + 1 + dice.randrange(90)) % 94 + 33)
        if other == text[line][place]:
            continue
        changed = [*text]
        changed[line] = text[line][:place] + other + text[line][place + 1 :]
        try:
            found, _ = check(changed)
        except InvalidInput:
            continue
        assert not found.ok or changed[line].replace(" ", "") == text[line].replace(" ", ""), changed[line]


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"kind":"fairloop audit log","schema":2,"whole":true}'])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check([text])
    with pytest.raises(InvalidInput, match="Line 2"):
        check([next(lines([], whole=True)), '{"seq": 1}'])
