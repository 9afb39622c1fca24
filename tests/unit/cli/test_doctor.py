"""Each thing a machine can lack is named with what to do about it."""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fairloop.cli import doctor as module
from fairloop.core.clock import Clock
from fairloop.storage import engine


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def found(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    module.doctor(folder, True)
    return {entry["what"]: entry for entry in json.loads(capsys.readouterr().out)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


def test_a_good_machine(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "sqlite_version", lambda: (3, 51, 3))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 2**40))
    assert {entry["state"] for entry in found(folder, capsys).values()} == {"ok"}
    assert module.doctor(folder) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9


@pytest.mark.parametrize(("version", "state"), [((3, 51, 2), "warning"), ((3, 40, 1), "warning"), ((3, 52, 0), "ok")])
def test_sqlite(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                version: tuple[int, ...], state: str) -> None:  # fmt: skip
    monkeypatch.setattr(engine, "sqlite_version", lambda: version)
    told = found(folder, capsys)["SQLite"]
    assert told["state"] == state
    assert ("3.51.3" in told["words"]) == (state == "warning")


def test_git(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    told = found(folder, capsys)["git"]
    assert told["state"] == "warning"
    assert "apt-get install git" in told["words"]


def test_libgomp(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    monkeypatch.setattr(sys, "prefix", str(folder))
    told = found(folder, capsys)["libgomp"]
    assert told["state"] == "problem"
    assert "apt-get install libgomp1" in told["words"]


def test_libraries(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lightgbm" else find(name))
    told = found(folder, capsys)["libraries"]
    assert told["state"] == "problem"
    assert "pip install 'fairloop[ml]'" in told["words"]
    assert module.doctor(folder, True) == 1


def test_a_folder_others_can_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.chmod(0o755)
    told = found(folder, capsys)["data folder"]
    assert told["state"] == "warning"
    assert f"chmod 700 {folder}" in told["words"]


def test_a_folder_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str],
                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(os, "access", lambda *_: False)
    told = found(folder, capsys)["data folder"]
    assert told["state"] == "problem"
    assert "--data" in told["words"]


@pytest.mark.parametrize(("free", "state"), [(2**40, "ok"), (2**30, "warning"), (2**20, "problem")])
def test_space(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, free: int,
               state: str) -> None:  # fmt: skip
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, free))
    told = found(folder / "not" / "made" / "yet", capsys)["disk space"]
    assert told["state"] == state
    assert ("free some" in told["words"]) == (state != "ok")


def test_a_clock_that_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str],
                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    database = folder / "fairloop.db"
    database.touch()
    os.utime(database, (time.time() + 7200, time.time() + 7200))
    told = found(folder, capsys)["clock"]
    assert told["state"] == "warning"
    assert "the clock went back" in told["words"]
    monkeypatch.setattr(Clock, "now_ms", lambda self: 1_000_000_000_000)
    told = found(folder, capsys)["clock"]
    assert told["state"] == "problem"
    assert "timedatectl" in told["words"]
