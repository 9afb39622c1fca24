from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from fairloop.serving import spool as module
from fairloop.serving.counters import Stats
from fairloop.serving.spool import Spool, recover_kind


def lines(folder: Path, pattern: str = "predictions-*.jsonl") -> list[bytes]:
    return [line for p in sorted(folder.glob(pattern)) for line in p.read_bytes().splitlines()]


def test_best_effort_keeps_order_and_seals(tmp_path: Path) -> None:
    stats = Stats()
    spool = Spool(tmp_path, stats, durable=False)
    for i in range(100):
        spool.offer([b"%d" % i], [b"s%d" % i] if i % 10 == 0 else [])
    assert spool.seal().wait(10)
    assert lines(tmp_path) == [b"%d" % i for i in range(100)]
    assert lines(tmp_path, "sensitive-*.jsonl") == [b"s%d" % i for i in range(0, 100, 10)]
    spool.close()
    assert (stats.logged, stats.dropped) == (100, 0)


def test_a_full_queue_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stats, hold = Stats(), threading.Event()
    write = module.Segment.write

    def slow(self: module.Segment, data: bytes) -> None:
        hold.wait(10)
        write(self, data)

    monkeypatch.setattr(module.Segment, "write", slow)
    spool = Spool(tmp_path, stats, durable=False, capacity=50)
    for _ in range(500):
        spool.offer([b"x"], [])
    hold.set()
    spool.close()
    assert stats.dropped >= 450 - 50
    assert stats.logged + stats.dropped == 500
    assert len(lines(tmp_path)) == stats.logged


def test_durable_acknowledges_after_it_is_on_disk(tmp_path: Path) -> None:
    stats, done, seen = Stats(), threading.Event(), []
    spool = Spool(tmp_path, stats, durable=True)

    def acknowledged(failure: BaseException | None) -> None:
        seen.append((failure, lines(tmp_path, "predictions-*.open")))
        done.set()

    spool.append([b"a", b"b"], [], acknowledged)
    assert done.wait(10)
    assert seen == [(None, [b"a", b"b"])]
    spool.close()


def test_a_full_disk_fails_the_waiting_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stats, answers = Stats(), []
    spool = Spool(tmp_path, stats, durable=True)
    ready = threading.Event()

    def answer(failure: BaseException | None) -> None:
        answers.append(failure)
        ready.set()

    spool.append([b"kept"], [], answer)
    assert ready.wait(10)
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) > 3:
            return real(fd, bytes(data)[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "write", full)
    ready.clear()
    spool.append([b"lost-line"], [], answer)
    assert ready.wait(10)
    monkeypatch.setattr(module.os, "write", real)
    ready.clear()
    spool.append([b"after"], [], answer)
    assert ready.wait(10)
    spool.close()
    assert isinstance(answers[1], OSError)
    assert answers[2] is None
    assert lines(tmp_path) == [b"kept", b"after"]
    assert (stats.logged, stats.dropped) == (2, 1)


def test_segments_seal_by_size_and_numbers_rise_after_deletion(tmp_path: Path) -> None:
    for _ in range(3):
        spool = Spool(tmp_path, Stats(), durable=True, segment_bytes=10)
        for _ in range(3):
            ready = threading.Event()
            spool.append([b"0123456789"], [], lambda _, ready=ready: ready.set())  # type: ignore[misc]
            assert ready.wait(10)
        spool.close()
        for segment in list(tmp_path.glob("predictions-*.jsonl"))[:2]:
            segment.unlink()
    names = sorted(p.name for p in tmp_path.glob("predictions-*.jsonl"))
    assert names[-1] == "predictions-0000000009.jsonl"


def test_recovery_seals_what_a_kill_left_without_the_half_line(tmp_path: Path) -> None:
    (tmp_path / "predictions-0000000001.open").write_bytes(b"one\ntwo\nthr")
    (tmp_path / "predictions-0000000002.open").write_bytes(b"half")
    recover_kind(tmp_path, "predictions")
    assert lines(tmp_path) == [b"one", b"two"]
    assert not list(tmp_path.glob("*.open"))
