"""Models, versions and aliases behave the same on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairloop.artifacts.local import LocalStore
from fairloop.core.clock import Clock
from fairloop.core.search import parse_filter, parse_order
from fairloop.errors import AlreadyExists, InvalidInput, NotFound
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.registry.service import Registry
from fairloop.storage.engine import Database


@pytest.fixture
def registry(database: Database, tmp_path: Path) -> Registry:
    clock = Clock()
    return Registry(database, clock, Files(database, LocalStore(tmp_path / "artifacts"), clock))


@pytest.fixture
def project(database: Database) -> str:
    return Projects(database, Clock()).ensure_default().id


@pytest.fixture
def files(registry: Registry, project: str) -> dict[str, tuple[str, int]]:
    return {
        "MLmodel": registry.files.put_blob(project, [b"flavors: {}"]),
        "a/b.bin": registry.files.put_blob(project, [b"x"]),
    }


def test_versions_count_up_and_keep_their_files(
    registry: Registry, project: str, files: dict[str, tuple[str, int]]
) -> None:
    first = registry.create_version(project, "income", files=files, signature={"inputs": ["a"]}, user="ann")
    second = registry.create_version(project, "income", files={"MLmodel": files["MLmodel"]})
    assert (first.version, second.version) == (1, 2)
    assert [f.path for f in registry.files_of(first)] == ["MLmodel", "a/b.bin"]
    found = registry.version(project, "income", 1)
    assert (found.signature, found.user, found.decision) == ({"inputs": ["a"]}, "ann", "none")
    assert registry.version_by_id(project, second.id).version == 2
    registry.delete_version(project, "income", 1)
    assert registry.create_version(project, "income", files=files).version == 3
    assert [v.version for v in registry.search(project, name="income")] == [3, 2]


def test_a_candidate_is_registered_once(registry: Registry, project: str, files: dict[str, tuple[str, int]]) -> None:
    first = registry.create_version(project, "m", files=files, candidate_id="cnd_1", decision="candidate")
    again = registry.create_version(project, "m", files=files, candidate_id="cnd_1", decision="candidate")
    assert again == first
    assert registry.set_decision(project, first.id, "approved").decision == "approved"
    with pytest.raises(InvalidInput, match="decision"):
        registry.set_decision(project, first.id, "perhaps")


def test_files_of_another_project_cannot_be_registered(registry: Registry, database: Database, project: str,
                                                       files: dict[str, tuple[str, int]]) -> None:  # fmt: skip
    other = Projects(database, Clock()).create("other").id
    with pytest.raises(NotFound, match="upload"):
        registry.create_version(other, "m", files=files)
    with pytest.raises(NotFound):
        registry.model(other, "m")
    made = registry.create_version(project, "m", files=files)
    calls = (
        lambda: registry.version_by_id(other, made.id),
        lambda: registry.version(other, "m", 1),
        lambda: registry.set_decision(other, made.id, "approved"),
        lambda: registry.set_alias(other, "m", "a", 1),
    )
    for call in calls:
        with pytest.raises(NotFound):
            call()
    with pytest.raises(InvalidInput):
        registry.create_version(project, "m", files={"../x": files["MLmodel"]})


def test_aliases_move(registry: Registry, project: str, files: dict[str, tuple[str, int]]) -> None:
    for _ in range(2):
        registry.create_version(project, "m", files=files)
    registry.set_alias(project, "m", "champion", 1)
    registry.set_alias(project, "m", "champion", 2)
    assert registry.version_by_alias(project, "m", "champion").version == 2
    with pytest.raises(NotFound):
        registry.set_alias(project, "m", "champion", 9)
    for alias in ("latest", "v3", "a/b", "", "../x"):
        with pytest.raises(InvalidInput):
            registry.set_alias(project, "m", alias, 1)
    registry.delete_version(project, "m", 2)
    with pytest.raises(NotFound, match="alias"):
        registry.version_by_alias(project, "m", "champion")


def test_models_are_found_renamed_deleted(registry: Registry, project: str, files: dict[str, tuple[str, int]]) -> None:
    registry.create_model(project, "one", description="first", tags={"t": "a"})
    registry.create_version(project, "two", files=files, tags={"k": "v"}, run_id="r1")
    with pytest.raises(AlreadyExists):
        registry.create_model(project, "one")
    with pytest.raises(AlreadyExists):
        registry.rename(project, "one", "two")
    assert [m.name for m in registry.models(project, tree=parse_filter("tags.t = 'a'"))] == ["one"]
    assert [m.name for m in registry.models(project, orders=(parse_order("name DESC"),))] == ["two", "one"]
    assert [v.model for v in registry.search(project, tree=parse_filter("run_id = 'r1' and tags.k = 'v'"))] == ["two"]
    registry.rename(project, "two", "three")
    assert registry.version(project, "three", 1).model == "three"
    registry.delete_model(project, "three")
    with pytest.raises(NotFound):
        registry.version(project, "three", 1)
    for name in ("..", "a/b", "CON", "x" * 251, "nul\0", "‮x"):
        with pytest.raises(InvalidInput):
            registry.create_model(project, name)
