"""Datasets through a real server: files of the user's own, samples, roles, refusals that change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fairloop.core.datasets import Roles
from fairloop.core.loops import Data
from fairloop.datasets.publish import ensure, load, publish
from fairloop.errors import FairloopError, InvalidInput, NotFound
from fairloop.tables.table import Table

CSV = """name,age,city,comment,joined,left
Ann,31,Oslo,"a long comment, with many words, about the day",2024-01-02,yes
Bo,?,Rome,"another long comment with quite a few words",2024-02-03,no
Cy,45,,"one more comment that has plenty of words",2024-03-04,no
Di,28,Oslo,"and the last one of them with some words",,yes
"""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "staff list.csv"
    file.write_text(CSV)
    return file


def test_a_csv_file_becomes_a_dataset(server: Any, csv: Path) -> None:
    client = server.client()
    data = Data(str(csv), target="left", positive="yes", sensitive=["city"])
    version = ensure(client, data)
    assert (version.dataset, version.version, version.rows) == ("staff_list", 1, 4)
    assert version.schema["age"] == "Int64"
    assert version.profile["columns"]["age"]["missing"] == 1
    assert version.profile["columns"]["comment"]["kind"] == "text"
    assert version.owner
    assert ensure(client, data) == version
    table = load(client, version)
    assert list(table.y) == [1, 0, 0, 1]
    assert table.sensitive["city"].astype(object).where(table.sensitive["city"].notna(), None).tolist() == [
        "Oslo",
        "Rome",
        None,
        "Oslo",
    ]
    csv.write_text(CSV + "Ed,50,Rome,short,2024-05-05,no\n")
    assert ensure(client, data).version == 2
    assert [v.version for v in client.datasets.versions("staff_list").items] == [2, 1]


def test_the_adult_sample(server: Any) -> None:
    client = server.client()
    version = ensure(client, Data("adult", target="income", positive=">50K", sensitive=["sex", "race"]))
    assert (version.rows, version.licence, version.roles.ignore) == (48_842, "CC BY 4.0", ["part"])
    again = ensure(client, Data("adult"))
    assert again == version
    assert client.datasets.get(version.id) == version
    assert client.datasets.find("adult", 1) == version
    assert "adult" in [v.dataset for v in client.datasets.list().items]
    other = ensure(client, Data("adult", target="income", positive=">50K", sensitive=["sex"]))
    assert (other.version, other.sha256) == (2, version.sha256)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ({"target": "salary"}, InvalidInput, "no column 'salary'; the table has: name, age"),
        ({"target": ""}, InvalidInput, "names no target"),
        ({"target": "city"}, InvalidInput, "missing in 1 of 4 rows"),
        ({"target": "left"}, InvalidInput, "say which one is positive"),
        ({"target": "left", "positive": "maybe"}, InvalidInput, "not among the answers"),
        ({"target": "left", "positive": "yes", "sensitive": ["tribe"]}, InvalidInput, "no column 'tribe'"),
        ({"target": "left", "positive": "yes", "sensitive": ["left"]}, InvalidInput, "two roles"),
        ({"target": "comment"}, InvalidInput, "text, which cannot be predicted"),
    ],
)
def test_roles_that_do_not_fit_are_one_sentence_and_change_nothing(
    server: Any, csv: Path, data: dict[str, Any], error: type[FairloopError], words: str
) -> None:
    client = server.client()
    before = client.datasets.list().items
    with pytest.raises(error, match=words) as told:
        ensure(client, Data(str(csv), **data))
    assert "\n" not in told.value.message
    assert client.datasets.list().items == before


def test_a_name_nobody_knows_lists_what_there_is(server: Any) -> None:
    with pytest.raises(NotFound, match="samples: adult"):
        ensure(server.client(), Data("nothing", target="x"))
    with pytest.raises(NotFound, match="no file"):
        ensure(server.client(), Data("nothing.csv", target="x"))


def test_parents_and_origin_are_kept(server: Any) -> None:
    client = server.client()
    table = Table(pl.DataFrame({"x": [1.0, 2.0], "y": [0, 1]}), Roles(target="y"))
    one = publish(client, "grown", table, licence="CC0", origin={"by": "hand"})
    bigger = Table(pl.concat([table.frame, table.frame]), one.roles)
    two = publish(client, "grown", bigger, parents=[one.id])
    assert (two.parents, one.origin, one.licence, one.roles.positive) == ([one.id], {"by": "hand"}, "CC0", 1)


def test_every_get_of_something_missing_is_the_same_404(server: Any) -> None:
    client = server.client()
    messages = set()
    for ask in (lambda: client.datasets.get("dsv_x"), lambda: client.datasets.find("nobody"),
                lambda: client.datasets.find("nobody", 3), lambda: client.datasets.versions("nobody")):  # fmt: skip
        with pytest.raises(NotFound) as told:
            ask()
        messages.add(told.value.message)
    assert len(messages) == 1
