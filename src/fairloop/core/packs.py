"""Evidence packs, and the keys they are signed with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """The public half of a key this server signs with, or once signed with; ``public_key`` is hexadecimal."""

    id: str
    public_key: str
    algorithm: str = "Ed25519"
    created_ms: int = 0
    retired_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePack:
    """One signed archive about one model version; ``sha256`` names its bytes in the artifact store.

    ``missing`` lists in words what an auditor would ask for and nobody recorded.
    """

    id: str
    project_id: str
    model_version_id: str
    model: str
    version: int
    sha256: str
    size_bytes: int
    key_id: str
    made_by: str = ""
    because: str = ""
    missing: list[str] = field(default_factory=list)
    created_ms: int = 0


def file_name(model: str, version: int) -> str:
    """What a downloaded pack is called; only letters, digits and -_. of the model's name stay."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in model)
    return f"{kept}-v{version}-evidence.zip"
