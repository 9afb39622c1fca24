"""Bytes are visible whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairloop.artifacts.local import LocalStore
from fairloop.errors import IntegrityError, InvalidInput, NotFound, StorageFull


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "artifacts")


def files(store: LocalStore) -> list[Path]:
    return [p for p in store._objects.parent.rglob("*") if p.is_file()]


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_bytes_come_back(store: LocalStore, size: int) -> None:
    data = os.urandom(size)
    sha256, told = store.put([data[: size // 2], data[size // 2 :]])
    assert (sha256, told) == (hashlib.sha256(data).hexdigest(), size)
    assert store.read(sha256) == data
    assert store.size(sha256) == size


def test_the_same_bytes_twice_are_one_object(store: LocalStore) -> None:
    assert store.put([b"x"]) == store.put([b"x"])
    assert len(files(store)) == 1


def test_a_wrong_hash_keeps_nothing(store: LocalStore) -> None:
    with pytest.raises(InvalidInput, match="send it again"):
        store.put([b"x"], expected="0" * 64)
    assert files(store) == []


def test_a_source_that_breaks_keeps_nothing(store: LocalStore) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        store.put(breaking())
    assert files(store) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("where", ["write", "fsync"])
def test_a_full_disk_keeps_nothing_and_says_so(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int, where: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    def chunks() -> Iterator[bytes]:
        yield b"first"
        if where == "write":
            full()

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="disk is full"):
        store.put(chunks())
    assert files(store) == []
    monkeypatch.undo()
    assert store.read(store.put([b"after"])[0]) == b"after"


def test_damage_on_disk_is_noticed_before_the_last_byte_leaves(store: LocalStore) -> None:
    sha256, _ = store.put([b"a" * 3_000_000])
    path = store.local_path(sha256)
    assert path is not None
    with path.open("r+b") as file:
        file.seek(1_500_000)
        file.write(b"b")
    sent = b""
    with pytest.raises(IntegrityError, match="does not match its hash"):  # noqa: PT012  # what came before counts
        for chunk in store.stream(sha256):
            sent += chunk
    assert len(sent) < 3_000_000


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a" * 65, "a" * 64 + "\n", "..\\x"]
)
def test_only_hashes_name_objects(store: LocalStore, name: str) -> None:
    for action in (store.stream, store.size, store.delete, store.local_path):
        with pytest.raises(InvalidInput, match="not a sha256"):
            action(name)


def test_a_missing_object_is_not_found(store: LocalStore) -> None:
    for action in (store.stream, store.size):
        with pytest.raises(NotFound):
            action("0" * 64)


def test_leftovers_of_a_killed_server_go_at_the_next_start(store: LocalStore, tmp_path: Path) -> None:
    old, young = store._temporary / "old", store._temporary / "young"
    for path in (old, young):
        path.write_bytes(b"half an upload")
    os.utime(old, (time.time() - 3600, time.time() - 3600))
    LocalStore(tmp_path / "artifacts")
    assert not old.exists()
    assert young.exists()


def test_files_and_folders_are_their_owners_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = LocalStore(tmp_path / "artifacts")
        store.put([b"x"])
    finally:
        os.umask(before)
    for path in (tmp_path / "artifacts").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
