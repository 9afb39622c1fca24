"""Evidence packs and audit slices on both databases."""

from __future__ import annotations

import pytest

from fairloop.access.audit import Audit
from fairloop.core.audit import hash_of
from fairloop.core.clock import Clock
from fairloop.core.packs import EvidencePack
from fairloop.core.people import Identity
from fairloop.evidence.gather import sliced
from fairloop.projects.service import Projects
from fairloop.storage import packs as rows
from fairloop.storage.engine import Database

ADA = Identity(kind="person", name="ada", verified=True)


@pytest.fixture
def project(database: Database) -> str:
    return Projects(database, Clock()).create("here").id


def test_packs_come_back_newest_first_and_only_in_their_project(database: Database, project: str) -> None:
    other = Projects(database, Clock()).create("there").id
    made = [EvidencePack(id=f"evp_{i}", project_id=project, model_version_id=f"ver_{i % 2}", model="m", version=1, sha256="0" * 64,
                         size_bytes=9, key_id="k", made_by="ada", because="b", missing=["x"], created_ms=i) for i in range(4)]  # fmt: skip
    for pack in made:
        database.write(lambda c, p=pack: rows.add(c, p))
    read = database.read
    assert read(lambda c: rows.get(c, project, "evp_1")) == made[1]
    assert read(lambda c: rows.get(c, other, "evp_1")) is None
    assert [p.id for p in read(lambda c: rows.listed(c, project, None, None, 9))] == [
        "evp_3",
        "evp_2",
        "evp_1",
        "evp_0",
    ]
    assert [p.id for p in read(lambda c: rows.listed(c, project, "ver_1", "evp_3", 9))] == ["evp_1"]


def test_a_slice_holds_what_names_the_thing_and_the_chain_to_the_head(database: Database, project: str) -> None:
    audit = Audit(database, Clock())
    audit.record(ADA, "before")
    audit.record(ADA, "model.approved", project_id=project, object="ver_1", detail={"reason": "fine"})
    audit.record(ADA, "elsewhere", project_id=None, object="ver_1")
    audit.record(ADA, "cycle.cancel", project_id=project, object="x", detail={"model_version": "ver_1"})
    found = sliced(audit, project, {"ver_1"})
    assert [e.action for e in found.entries] == ["model.approved", "cycle.cancel"]
    assert all(e.hash == hash_of(e, e.previous) for e in found.entries)
    assert (found.verification.ok, found.verification.entries) == (True, 4)
    assert found.links[0] == found.entries[0].previous
    assert found.links[-1] == found.verification.head
    assert len(found.links) == 4
