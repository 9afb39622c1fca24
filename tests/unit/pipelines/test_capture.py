from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from fairloop.pipelines.capture import environment_lock, git_state, hardware, take


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.puts = 0

    def put(self, data: bytes) -> str:
        self.puts += 1
        self.kept[hashlib.sha256(data).hexdigest()] = data
        return hashlib.sha256(data).hexdigest()


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_everything_around_a_run_is_captured(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text("x = 1\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    blobs = Memory()
    clean = take(blobs, tmp_path, entry=tmp_path / "loop.py")
    assert (clean.git["branch"], clean.git["dirty"], clean.git["diff"]) == ("main", False, "")
    assert len(clean.git["commit"]) == 40
    assert (clean.entry, clean.python) == ("loop.py", sys.executable)
    (tmp_path / "loop.py").write_text("x = 2\n")
    dirty = take(blobs, tmp_path)
    assert dirty.git["dirty"] is True
    assert "+x = 2" in blobs.kept[dirty.git["diff"]].decode()
    assert dirty.snapshot != clean.snapshot
    assert dirty.environment == clean.environment


def test_the_same_bytes_are_sent_once_to_each_server(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    for _ in range(2):
        blobs = Memory()
        assert take(blobs, tmp_path) == take(blobs, tmp_path)
        assert blobs.puts == 2


def test_no_repository_is_no_error(tmp_path: Path) -> None:
    assert git_state(tmp_path, Memory()) == {}


def test_environment_and_hardware_name_what_is_there() -> None:
    assert "msgspec==" in environment_lock()
    found = hardware()
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**28
    assert isinstance(found["gpus"], list)
