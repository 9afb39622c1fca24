from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairloop.pipelines.cache import source_hash

STEPS = """
import helper
from pack.inner import deep as renamed
LIMIT = 5
OTHER = 7

def used(x):
    return x + LIMIT

def unused(x):
    return x

def step(x):
    # a remark
    import lazy
    return used(x) + helper.one() + renamed() + lazy.two()
"""
FILES = {
    "steps.py": STEPS, "helper.py": "import below\ndef one(): return below.zero()\n", "below.py": "def zero(): return 0\n",
    "lazy.py": "def two(): return 2\n", "pack/__init__.py": "", "pack/inner.py": "from . import beside\ndef deep(): return 3\n",
    "pack/beside.py": "X = 1\n", "stranger.py": "Y = 1\n",
}  # fmt: skip


@pytest.fixture
def hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "pack").mkdir()

    def now(**changes: tuple[str, str]) -> str:
        for name, text in FILES.items():
            old, new = changes.get(name.replace("/", "_").removesuffix(".py"), ("", ""))
            assert old in text
            (tmp_path / name).write_text(text.replace(old, new) if old else text)
        for name in ("steps", "helper", "below", "lazy", "pack", "pack.inner", "pack.beside", "stranger"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return source_hash(importlib.import_module("steps").step, tmp_path)

    yield now
    for name in ("steps", "helper", "below", "lazy", "pack", "pack.inner", "pack.beside", "stranger"):
        sys.modules.pop(name, None)


def test_changes_that_matter(hashed: Callable[..., str]) -> None:
    first = hashed()
    assert first
    changed = [
        hashed(steps=("return x + LIMIT", "return x - LIMIT")), hashed(steps=("LIMIT = 5", "LIMIT = 6")),
        hashed(steps=("helper.one()", "helper.one() * 2")), hashed(helper=("zero()", "zero() + 1")),
        hashed(below=("return 0", "return 1")), hashed(lazy=("return 2", "return 9")),
        hashed(pack_inner=("return 3", "return 4")), hashed(pack_beside=("X = 1", "X = 2")),
    ]  # fmt: skip
    assert len({first, *changed}) == len(changed) + 1


def test_changes_that_do_not_matter(hashed: Callable[..., str]) -> None:
    first = hashed()
    assert hashed(steps=("# a remark", "# another remark")) == first
    assert hashed(steps=("OTHER = 7", "OTHER = 8")) == first
    assert hashed(steps=("def unused(x):\n    return x", "def unused(x):\n    return 2 * x")) == first
    assert hashed(stranger=("Y = 1", "Y = 2")) == first


def test_closures_count_with_what_they_hold(tmp_path: Path) -> None:
    def make(n: object) -> Callable[[int], object]:
        def inner(x: int) -> object:
            return (x, n)

        return inner

    assert source_hash(make(1), tmp_path) == source_hash(make(1), tmp_path)
    assert source_hash(make(1), tmp_path) != source_hash(make(2), tmp_path)
    assert source_hash(make([1, {"a": 2}]), tmp_path) != source_hash(make([1, {"a": 3}]), tmp_path)


def test_what_cannot_be_compared_is_never_cached(tmp_path: Path) -> None:
    import threading

    lock = threading.Lock()

    def guarded() -> None:
        with lock:
            pass

    assert source_hash(guarded, tmp_path) == ""
