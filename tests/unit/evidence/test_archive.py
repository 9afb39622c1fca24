"""The archive: one flipped byte, bit, added or removed piece anywhere is noticed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from fairloop.access.signing import SigningKeys
from fairloop.core.audit import GENESIS, AuditEntry, hash_of
from fairloop.core.clock import Clock
from fairloop.core.records import to_plain
from fairloop.errors import IntegrityError, InvalidInput, NotFound
from fairloop.evidence.archive import build, json_bytes, opened
from fairloop.evidence.verify import verify_bytes, verify_file

ABOUT = {"subject": {"project": "p", "model": "m", "version": 1}, "missing": [],
         "made": {"at": "2026-01-01T00:00:00.000Z", "by": "ada", "because": "a test"}}  # fmt: skip


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(tmp_path / "signing", Clock())


def small(keys: SigningKeys, files: dict[str, bytes] | None = None) -> bytes:
    def sign(data: bytes) -> tuple[str, str]:
        made = keys.sign(data)
        return made.key.public_key, made.signature

    audit = json_bytes({"entries": [], "links": [], "head": GENESIS, "length": 0})
    return build({"card.md": b"# fair\n", "audit.json": audit, **(files or {})}, ABOUT, sign)


def test_every_flipped_byte_is_noticed(keys: SigningKeys) -> None:
    data = small(keys)
    assert verify_bytes(data).version == 1
    unnoticed = []
    for place in range(len(data)):
        for mask in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(data)
            changed[place] ^= mask
            try:
                opened(bytes(changed))
                unnoticed.append((place, mask))
            except IntegrityError:
                pass
    assert not unnoticed


@pytest.mark.parametrize("change", ["cut", "more", "before", "comment", "twice", "empty", "swapped"])
def test_what_is_added_or_cut_off_is_noticed(keys: SigningKeys, change: str) -> None:
    data = small(keys)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {i.filename: archive.read(i) for i in archive.infolist()}
    buffer = io.BytesIO(data if change in {"comment", "twice"} else b"")
    if change in {"comment", "twice"}:
        with zipfile.ZipFile(buffer, "a") as archive:
            if change == "comment":
                archive.comment = b"approved"
            else:
                archive.writestr("extra.md", b"approved")
    elif change == "swapped":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in sorted(files, reverse=True):
                archive.writestr(name, files[name])
    wrong = {"cut": data[:-1], "more": data + b"\0", "before": b"\0" + data, "empty": b""}.get(
        change, buffer.getvalue()
    )
    with pytest.raises(IntegrityError):
        opened(wrong)


def test_another_signature_over_changed_files_is_another_key(keys: SigningKeys, tmp_path: Path) -> None:
    stranger = SigningKeys(tmp_path / "stranger", Clock())
    forged = small(stranger, {"card.md": b"# fairer\n"})
    assert "compare" in " ".join(verify_bytes(forged).words)
    with pytest.raises(IntegrityError, match="the key"):
        verify_bytes(forged, keys.keys()[0].public_key)


def test_the_same_files_and_key_make_the_same_bytes(keys: SigningKeys) -> None:
    assert small(keys) == small(keys)


def test_a_public_key_comes_as_digits_or_file(keys: SigningKeys, tmp_path: Path) -> None:
    public = keys.keys()[0].public_key
    (tmp_path / "key.txt").write_text(public.upper() + "\n")
    (tmp_path / "pack.zip").write_bytes(small(keys))
    assert verify_file(tmp_path / "pack.zip", str(tmp_path / "key.txt")).pinned
    with pytest.raises(InvalidInput, match="64"):
        verify_file(tmp_path / "pack.zip", "abc")
    with pytest.raises(NotFound):
        verify_file(tmp_path / "none.zip")


def test_names_that_leave_the_archive_are_refused(keys: SigningKeys) -> None:
    for name in ("../x", "/etc/x", "manifest.json", "A.md", ""):
        with pytest.raises(InvalidInput):
            small(keys, {name: b""})


def entry(seq: int, previous: str) -> AuditEntry:
    bare = AuditEntry(seq=seq, at_ms=seq, person="ada", verified=True, project_id="p", action="model.approved",
                      object="ver_1", detail={"reason": "b", "a": 0.1})  # fmt: skip
    return AuditEntry(**{**to_plain(bare), "previous": previous, "hash": hash_of(bare, previous)})


@pytest.mark.parametrize("broken", ["", "reason", "chain"])
def test_audit_entries_are_recomputed(keys: SigningKeys, broken: str) -> None:
    first = entry(1, GENESIS)
    second = entry(2, first.hash)
    told = to_plain([first, second])
    links = [GENESIS, first.hash, second.hash]
    if broken == "reason":
        told[1]["detail"]["reason"] = "c"
    if broken == "chain":
        links = [GENESIS, second.hash, first.hash]
    audit = json_bytes({"entries": told, "links": links, "head": second.hash, "length": 2})
    data = small(keys, {"audit.json": audit})
    if broken:
        with pytest.raises(IntegrityError, match="Audit entry"):
            verify_bytes(data)
    else:
        assert "2 entries" in " ".join(verify_bytes(data).words)


def test_a_newer_schema_is_named(keys: SigningKeys) -> None:
    data = small(keys)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["schema"] == "fairloop-evidence-pack/1"
    assert manifest["files"]["card.md"]["sha256"] == hashlib.sha256(b"# fair\n").hexdigest()
