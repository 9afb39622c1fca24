from __future__ import annotations

import os

from fairloop.pipelines.lines import Lines


def texts(lines: Lines) -> list[tuple[str, str]]:
    return [(stream, text) for _, stream, text in lines.take()]


def test_lines_are_cut_where_they_end() -> None:
    lines = Lines()
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.write(write, b"one\ntw")
    assert lines.read(read, "out")
    os.write(write, "o\r\nhalf \xff".encode("latin-1"))
    assert lines.read(read, "out")
    assert texts(lines) == [("out", "one"), ("out", "two")]
    os.close(write)
    assert not lines.read(read, "out")
    os.close(read)
    lines.close()
    assert texts(lines) == [("out", "half �")]


def test_lines_given_back_stand_first() -> None:
    lines = Lines()
    lines._add("out", b"a\nb\n")
    taken = lines.take()
    lines._add("err", b"c\n")
    lines.give_back(taken)
    assert texts(lines) == [("out", "a"), ("out", "b"), ("err", "c")]


def test_a_flood_is_cut_with_a_word() -> None:
    lines = Lines()
    for _ in range(1100):
        lines._add("out", b"x" * 16_000 + b"\n")
    kept = lines.take()
    assert kept[-1][1] == "system"
    assert "16 MiB" in kept[-1][2]
    assert len(kept) < 1100


def test_a_line_without_end_is_broken() -> None:
    lines = Lines()
    lines._add("out", b"x" * 40_000)
    assert [len(text) for _, text in texts(lines)] == [16_384, 16_384]
