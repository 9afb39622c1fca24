"""Check an evidence pack with nothing but the file: what was signed, by which key, when, and that no byte differs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairloop.core import codec
from fairloop.core.audit import AuditEntry, hash_of
from fairloop.core.records import from_plain
from fairloop.errors import IntegrityError, InvalidInput, NotFound
from fairloop.evidence.archive import MOST_BYTES, Opened, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A pack that is whole. ``pinned``: its key is the one the caller named."""

    model: str
    version: int
    project: str
    made_at: str
    made_by: str
    key_id: str
    public_key: str
    pinned: bool
    files: int
    words: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def verify_file(path: Path, key: str = "") -> Checked:
    """What the pack at ``path`` says, once it is certain that nothing was changed.

    Parameters
    ----------
    path : Path
    key : str
        The public key the pack must be signed with: 64 hexadecimal digits, or a file that holds them (or PEM).

    Raises
    ------
    IntegrityError
        A byte was changed, or another key signed it.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if path.stat().st_size > MOST_BYTES:
        raise IntegrityError(f"{path} has {path.stat().st_size:,} bytes; no evidence pack is that large.")
    return verify_bytes(path.read_bytes(), key)


def verify_bytes(data: bytes, key: str = "") -> Checked:
    wanted = _public_key(key) if key else ""
    pack = opened(data)
    if wanted and wanted != pack.public_key:
        raise IntegrityError(
            f"The pack is whole, but the key {pack.key_id} signed it, not {hashlib.sha256(bytes.fromhex(wanted)).hexdigest()[:16]}."
        )
    audit = _check_audit(pack)
    about, made = pack.manifest["subject"], pack.manifest["made"]
    words = [
        f"Whole: {len(pack.files)} files, each as it was signed, and nothing around them changed.",
        f"About: {about['model']} v{about['version']} of the project {about['project']}.",
        f"Made: {made['at']} by {made['by'] or 'the server'}, because {made['because']}.",
        _signed(pack, pinned=bool(wanted)),
        audit,
    ]
    return Checked(
        model=about["model"], version=about["version"], project=about["project"], made_at=made["at"], made_by=made["by"],
        key_id=pack.key_id, public_key=pack.public_key, pinned=bool(wanted), files=len(pack.files), words=words,
        missing=list(pack.manifest["missing"]),
    )  # fmt: skip


def _signed(pack: Opened, *, pinned: bool) -> str:
    if pinned:
        return f"Signed: with the key {pack.key_id}, the one you named."
    return (
        f"Signed: with the key {pack.key_id}. The pack alone cannot say whose key that is: compare {pack.public_key} "
        "with the one its server shows under Signing keys, and give it with --key."
    )


def _public_key(text: str) -> str:
    """64 hexadecimal digits in lower case, from the digits themselves or from a file (digits or PEM)."""
    found = text.strip()
    if (file := Path(found)).is_file():
        found = file.read_text("utf-8").strip()
    if found.startswith("-----BEGIN"):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

        try:
            return load_pem_public_key(found.encode()).public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        except ValueError as cause:
            raise InvalidInput(f"{text!r} holds no Ed25519 public key.") from cause
    try:
        raw = bytes.fromhex(found)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise InvalidInput(f"--key {text[:80]!r} is neither a file nor a public key of 64 hexadecimal digits.")
    return raw.hex()


def _check_audit(pack: Opened) -> str:
    """Recompute the hash of every audit entry in the pack, and its place in the chain."""
    told: dict[str, Any] = codec.loads(pack.files["audit.json"])
    place = {told_hash: index for index, told_hash in enumerate(told["links"])}
    for item in told["entries"]:
        entry = from_plain(AuditEntry, item)
        if entry.hash != hash_of(entry, entry.previous):
            raise IntegrityError(f"Audit entry {entry.seq} does not match its hash: the log it came from was changed.")
        at = place.get(entry.hash)
        if told["links"] and (at is None or (at > 0 and told["links"][at - 1] != entry.previous)):
            raise IntegrityError(f"Audit entry {entry.seq} does not stand in the chain of hashes beside it.")
    chained = "and stand in one chain " if told["links"] else ""
    return (
        f"Audit: {len(told['entries'])} entries about it match their hashes {chained}up to {str(told['head'])[:16]}, "
        f"the head of a log of {told['length']}."
    )
