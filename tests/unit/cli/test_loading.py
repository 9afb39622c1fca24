"""A broken loop file is told with file, line and what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairloop.cli.loading import find_loop, load_module
from fairloop.errors import InvalidInput, NotFound

GOOD = """
import fairloop as fl

@fl.pipeline
def train(rows: fl.Table):
    return rows

{name} = fl.Loop(name="{name}", data=fl.Data("adult"), pipeline=train)
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("my_loop", "my_part"):
        sys.modules.pop(name, None)


def write(folder: Path, text: str, name: str = "my_loop.py") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize(("text", "words"), [
    ("x = 1\ndef f(:\n", "my_loop.py, line 2: invalid syntax."),
    ("x = 1\n\ny = 1 / 0\n", "my_loop.py, line 3: ZeroDivisionError: division by zero."),
    ("import not_there_at_all\n", "my_loop.py, line 1: the module 'not_there_at_all' is not installed here"),
    ("raise SystemExit('no')\n", "my_loop.py, line 1: SystemExit: no."),
    ("import fairloop as fl\n\nfl.gate('auc', at_least=1)\n", "my_loop.py, line 3: Unknown metric 'auc'"),
    ("x = 1\n", "my_loop.py defines no loop; end it with"),
    (GOOD.format(name="one") + GOOD.format(name="two"), "several loops ('one', 'two')"),
])  # fmt: skip
def test_what_is_wrong_and_where(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_loop(write(tmp_path, text))
    assert caught.value.message.startswith(words) or words in caught.value.message


def test_an_error_deeper_down_names_the_users_own_line(tmp_path: Path) -> None:
    write(tmp_path, "def helper():\n    return int('x')\n", "my_part.py")
    with pytest.raises(InvalidInput, match=r"my_part.py, line 2: ValueError"):
        load_module(write(tmp_path, "import my_part\nmy_part.helper()\n"))


def test_the_loop_is_found_by_name(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD.format(name="one") + GOOD.format(name="two"))
    assert find_loop(file, "two").name == "two"
    with pytest.raises(InvalidInput, match="no loop named 'three'"):
        find_loop(file, "three")


def test_files_that_are_not_python(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"data.csv is not a Python file"):
        load_module(write(tmp_path, "a,b", "data.csv"))
    with pytest.raises(NotFound, match="no file"):
        load_module(tmp_path / "none.py")
