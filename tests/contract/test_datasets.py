"""Dataset versions, on both databases."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.datasets import Roles
from fairloop.datasets.service import Datasets, NewVersion
from fairloop.errors import InvalidInput, NotFound
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.storage.engine import Database


class World:
    def __init__(self, database: Database, folder: Path) -> None:
        clock = Clock()
        self.projects = Projects(database, clock)
        self.project = self.projects.create("one").id
        self.other = self.projects.create("two").id
        self.files = Files(database, LocalStore(folder), clock)
        self.datasets = Datasets(database, clock, self.files)

    def new(self, content: bytes = b"rows", **changes: object) -> NewVersion:
        sha256, size = self.files.put_blob(self.project, [content])
        values: dict[str, object] = {"dataset": "people", "sha256": sha256, "rows": 3, "size_bytes": size,
                                     "schema": {"age": "Int64", "income": "String", "sex": "String"},
                                     "roles": Roles(target="income", positive=">50K", sensitive=["sex"])}  # fmt: skip
        return NewVersion(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path / "artifacts")


def test_versions_are_numbered_and_found(world: World) -> None:
    one = world.datasets.create(world.project, world.new(), owner="Ada")
    two = world.datasets.create(world.project, world.new(b"more", parents=[one.id], licence="CC0"), owner="Ada")
    assert (one.version, two.version, two.parents, two.owner) == (1, 2, [one.id], "Ada")
    assert world.datasets.get(world.project, one.id) == one
    assert world.datasets.find(world.project, "people") == two
    assert world.datasets.find(world.project, "people", 1) == one


def test_the_same_rows_and_roles_are_the_same_version(world: World) -> None:
    one = world.datasets.create(world.project, world.new(), owner="Ada")
    assert world.datasets.create(world.project, world.new(), owner="Bob") == one
    other_roles = world.datasets.create(world.project, world.new(roles=Roles(target="income", positive=1)), owner="Ada")
    assert (other_roles.version, other_roles.sha256) == (2, one.sha256)


def test_pages(world: World) -> None:
    for i in range(5):
        world.datasets.create(world.project, world.new(dataset=f"d{i}"), owner="")
        world.datasets.create(world.project, world.new(str(i).encode()), owner="")
    names, cursor = [], None
    while True:
        page = world.datasets.list(world.project, cursor=cursor, limit=2)
        names += [v.dataset for v in page.items]
        if (cursor := page.next) is None:
            break
    assert names == ["d0", "d1", "d2", "d3", "d4", "people"]
    first = world.datasets.versions(world.project, "people", limit=3)
    rest = world.datasets.versions(world.project, "people", cursor=first.next, limit=3)
    assert [v.version for v in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]
    assert rest.next is None


def test_another_project_sees_nothing(world: World) -> None:
    one = world.datasets.create(world.project, world.new(), owner="Ada")
    for ask in (
        lambda: world.datasets.get(world.other, one.id),
        lambda: world.datasets.find(world.other, "people"),
        lambda: world.datasets.versions(world.other, "people"),
        lambda: world.datasets.get(world.project, "dsv_nothing"),
    ):
        with pytest.raises(NotFound, match="No such dataset, or you may not see it"):
            ask()
    assert world.datasets.list(world.other).items == []
    with pytest.raises(InvalidInput, match="not uploaded"):
        world.datasets.create(world.other, world.new(), owner="Eve")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": hashlib.sha256(b"never").hexdigest()}, "not uploaded"),
        ({"rows": 0}, "no rows"),
        ({"roles": Roles(target="salary")}, "no column 'salary'"),
        ({"dataset": "../x"}, "cannot name a dataset"),
        ({"parents": ["dsv_nothing"]}, "not a dataset version"),
        ({"size_bytes": -1}, "negative"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_stored(changes: dict[str, object], words: str, world: World) -> None:
    with pytest.raises(InvalidInput, match=words):
        world.datasets.create(world.project, world.new(**changes), owner="")
    assert world.datasets.list(world.project).items == []


def test_limits_and_cursors_are_checked(world: World) -> None:
    with pytest.raises(InvalidInput, match="limit=0"):
        world.datasets.list(world.project, limit=0)
    with pytest.raises(InvalidInput, match="cursor"):
        world.datasets.versions(world.project, "people", cursor="x")
