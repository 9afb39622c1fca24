"""From rows on the user's side to a dataset version: read, checked and profiled here, so the server never has to."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairloop.client.client import Client
from fairloop.core.concepts import Concept
from fairloop.core.datasets import DatasetVersion, Roles
from fairloop.core.loops import Data
from fairloop.datasets.roles import check_table, settle_roles
from fairloop.datasets.samples import SAMPLES
from fairloop.errors import InvalidInput, NotFound
from fairloop.tables.profile import profile_columns
from fairloop.tables.table import Table

FILE_SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".pq"}


def publish(client: Client, name: str, table: Table, *, parents: list[str] | None = None,
            origin: dict[str, Any] | None = None, licence: str = "") -> DatasetVersion:  # fmt: skip
    """Store ``table`` as a version of the dataset ``name``; the same rows and roles give the same version again."""
    checked = check_table(table)
    data = checked.to_parquet()
    schema = {column: str(checked.frame[column].dtype) for column in checked.columns}
    profile = profile_columns(checked.frame)
    sha256 = client.blobs.put(data)
    return client.datasets.create(
        dataset=name, sha256=sha256, rows=len(checked), size_bytes=len(data), schema=schema, roles=checked.roles,
        profile=profile, parents=parents or [], origin=origin or {}, licence=licence,
    )  # fmt: skip


def ensure(client: Client, data: Data) -> DatasetVersion:
    """The version a loop learns from: of a file, of a dataset the project has, or of a sample that ships.

    A dataset that exists under other roles gets a new version with the roles that ``data`` names.
    """
    path = Path(data.name)
    if path.suffix.lower() in FILE_SUFFIXES:
        return _from_file(client, data, path)
    try:
        known = client.datasets.find(data.name)
    except NotFound:
        return _from_sample(client, data)
    return known if not data.target else _with_roles(client, data, known)


def pinned_concepts(client: Client, concepts: list[Concept]) -> list[Concept]:
    """The same concepts with every file of examples stored, and every dataset named by its version."""

    def pinned(name: str) -> str:
        path = Path(name)
        if not name:
            return ""
        if path.suffix.lower() in FILE_SUFFIXES:
            found = publish(client, dataset_name(path), Table.from_file(path), origin={"file": path.name})
        elif "/" in name:
            return name
        else:
            found = client.datasets.find(name)
        return f"{found.dataset}/{found.version}"

    return [concept.pinned(pinned(concept.data), pinned(concept.against)) for concept in concepts]


def load(client: Client, version: DatasetVersion) -> Table:
    """The rows of a version, with its roles."""
    return Table.from_parquet(client.blobs.get(version.sha256), version.roles)


def dataset_name(path: Path) -> str:
    """A dataset name made of a file's: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem).strip("_.-") or "data"


def _from_file(client: Client, data: Data, path: Path) -> DatasetVersion:
    table = settle_roles(Table.from_file(path), data)
    return publish(client, dataset_name(path), table, origin={"file": path.name})


def _from_sample(client: Client, data: Data) -> DatasetVersion:
    sample = SAMPLES.get(data.name)
    if sample is None:
        raise NotFound(f"There is no dataset, file or sample called {data.name!r}; give the path of a .csv or .parquet "
                       f"file, or one of the samples: {', '.join(sorted(SAMPLES))}.")  # fmt: skip
    table = settle_roles(Table.from_file(sample.file), data, sample.ignore)
    return publish(
        client, data.name, table, origin={"sample": data.name, "source": sample.source}, licence=sample.licence
    )


def _with_roles(client: Client, data: Data, known: DatasetVersion) -> DatasetVersion:
    wanted = Roles(target=data.target, positive=data.positive, sensitive=list(data.sensitive),
                   weight=known.roles.weight, ignore=known.roles.ignore)  # fmt: skip
    settled = replace(wanted, positive=known.roles.positive) if data.positive is None else wanted
    if known.roles in (wanted, settled):
        return known
    table = load(client, known)
    try:
        changed = Table(table.frame, wanted)
    except InvalidInput as cause:
        raise InvalidInput(f"Dataset {data.name!r}, version {known.version}: {cause.message}") from cause
    return publish(client, data.name, changed, parents=known.parents, origin=known.origin, licence=known.licence)
