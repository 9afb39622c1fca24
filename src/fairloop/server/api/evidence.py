"""Evidence packs and signing keys over REST."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.response import Stream

from fairloop.core.packs import EvidencePack, SigningKey, file_name
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPack:
    """``because`` says what the pack is for; it is signed with the rest."""

    because: str = ""


def make_pack(services: Services, project: Project, identity: Identity, version_id: str, data: NewPack) -> EvidencePack:
    """Gather, sign and keep an evidence pack of a model version."""
    version = services.registry.version_by_id(project.id, version_id)
    return services.evidence.make(project, version, identity, because=data.because)


def list_packs(services: Services, project: Project, model_version_id: str | None = None, cursor: str | None = None,
               limit: int = 100) -> Page[EvidencePack]:  # fmt: skip
    """The project's evidence packs, the newest first."""
    return services.evidence.page(project.id, model_version_id=model_version_id, cursor=cursor, limit=limit)


def get_pack(services: Services, project: Project, pack_id: str) -> EvidencePack:
    """One evidence pack: who made it, with which key, what is missing."""
    return services.evidence.get(project.id, pack_id)


def get_file(services: Services, project: Project, pack_id: str) -> Stream:
    """The signed archive."""
    pack = services.evidence.get(project.id, pack_id)
    headers = {"Content-Length": str(pack.size_bytes), "ETag": f'"{pack.sha256}"',
               "Content-Disposition": f'attachment; filename="{file_name(pack.model, pack.version)}"',
               "Content-Security-Policy": "sandbox; default-src 'none'"}  # fmt: skip
    return Stream(services.evidence.stream(pack), media_type="application/zip", headers=headers)


def list_keys(services: Services) -> Page[SigningKey]:
    """The public keys this server signs with: the one in use, then the retired ones."""
    return Page(items=services.evidence.keys())


def rotate_key(services: Services, identity: Identity) -> SigningKey:
    """Sign with a new key from now on; packs signed before stay valid."""
    return services.evidence.rotate(identity)
