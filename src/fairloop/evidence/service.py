"""Evidence packs: made when asked for, and when a version goes live; kept, listed and handed out."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from fairloop.access.audit import Audit
from fairloop.access.signing import SigningKeys
from fairloop.core.clock import Clock
from fairloop.core.cycles import Cycle
from fairloop.core.ids import new_id
from fairloop.core.models import ModelVersion
from fairloop.core.packs import EvidencePack, SigningKey, file_name
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.errors import FairloopError, InvalidInput, NotFound
from fairloop.evidence.gather import Gatherer
from fairloop.evidence.pack import cards_of, make
from fairloop.evidence.sections import Card
from fairloop.projects.files import Files
from fairloop.projects.service import Projects
from fairloop.storage import packs as rows
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)

SERVER = Identity(kind="server", name="the server")
MAX_PAGE = 1000


class Evidence:
    def __init__(self, database: Database, clock: Clock, files: Files, audit: Audit, projects: Projects,
                 gatherer: Gatherer, keys: SigningKeys) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._files = files
        self._audit = audit
        self._projects = projects
        self._gatherer = gatherer
        self._keys = keys

    # ------------------------------------------------------------------ packs
    def make(self, project: Project, version: ModelVersion, identity: Identity, *, because: str = "") -> EvidencePack:
        """Gather, write, sign and keep a pack of what is known now."""
        now, reason = self._clock.now_ms(), because.strip() or "it was asked for"
        if len(reason) > 500:
            raise InvalidInput(f"The reason has {len(reason)} characters; give 500 or fewer.")
        facts = self._gatherer.facts(project, version)
        made = make(facts, self._gatherer.audit_slice(facts), self._keys, file_name=file_name(version.model, version.version),
                    made_ms=now, made_by=identity.name, because=reason)  # fmt: skip
        sha256, size = self._files.put_blob(project.id, [made.data])
        pack = EvidencePack(id=new_id("evp"), project_id=project.id, model_version_id=version.id, model=version.model,
                            version=version.version, sha256=sha256, size_bytes=size, key_id=made.key_id,
                            made_by=identity.name, because=reason, missing=made.missing, created_ms=now)  # fmt: skip
        entry = self._audit.entry(identity, "evidence.make", project_id=project.id, object=version.id,
                                  detail={"pack_id": pack.id, "sha256": sha256, "key_id": made.key_id})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.add(connection, pack)
            self._audit.append(connection, entry)

        self._database.write(work)
        return pack

    def went_live(self, cycle: Cycle) -> None:
        """A pack of the version that just went live. What stops it is told in the log: the release stands anyway."""
        if cycle.model_version_id is None:
            return
        try:
            version = self._gatherer.lineage.registry.version_by_id(cycle.project_id, cycle.model_version_id)
            self.make(self._projects.get(cycle.project_id), version, SERVER, because="it went live")
        except FairloopError as cause:
            log.warning("cycle %s: no evidence pack was made: %s", cycle.id, cause.message)

    def page(self, project_id: str, *, model_version_id: str | None = None, cursor: str | None = None,
             limit: int = 100) -> Page[EvidencePack]:  # fmt: skip
        """Newest first."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit={limit}; ask for 1 to {MAX_PAGE}.")
        found = self._database.read(lambda c: rows.listed(c, project_id, model_version_id, cursor, limit + 1))
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def get(self, project_id: str, pack_id: str) -> EvidencePack:
        found = self._database.read(lambda c: rows.get(c, project_id, pack_id))
        if found is None:
            raise NotFound("No such evidence pack, or you may not see it.")
        return found

    def stream(self, pack: EvidencePack) -> Iterator[bytes]:
        return self._files.stream_blob(pack.project_id, pack.sha256)

    def cards(self, project: Project, version: ModelVersion) -> list[Card]:
        """What a pack made now would say, to read on a page."""
        return list(cards_of(self._gatherer.facts(project, version)).values())

    # ------------------------------------------------------------------ keys
    def keys(self) -> list[SigningKey]:
        """The key in use, then the retired ones."""
        return self._keys.keys()

    def rotate(self, identity: Identity) -> SigningKey:
        """Sign with a new key from now on."""
        made = self._keys.rotate()
        self._audit.record(identity, "signing_key.rotate", object=made.id, detail={"public_key": made.public_key})
        return made
