"""The bytes of an evidence pack: a plain zip in which every byte is determined by what is signed.

Entries are stored, sorted by name and dated 1980, so the same files always make the same bytes, on every machine.
``manifest.json`` names every file with its sha256; ``signature.json`` signs the manifest. Reading checks both and then
builds the archive again: a byte that differs anywhere, in a header or behind the end too, shows.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairloop.core import codec
from fairloop.errors import IntegrityError, InvalidInput

SCHEMA = "fairloop-evidence-pack/1"
MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
MOST_BYTES = 256 * 2**20
_CONTEXT = b"fairloop evidence pack manifest v1\n"
"""Signed before the manifest: a signature made for anything else is none here."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_WHEN = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An archive whose bytes are whole. Whether to trust the key is for the caller to say."""

    manifest: dict[str, Any]
    files: dict[str, bytes]
    key_id: str
    public_key: str


def json_bytes(value: Any) -> bytes:
    """Sorted, indented, with a newline at the end: the same value is always the same bytes."""
    import json  # the codec settles what may be written, this only lays it out for people

    plain = json.loads(codec.dumps(value))
    return (json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def build(files: dict[str, bytes], about: dict[str, Any], sign: Callable[[bytes], tuple[str, str]]) -> bytes:
    """The archive of ``files``; ``about`` joins the manifest; ``sign`` gives (public key, signature) in hexadecimal."""
    if wrong := [name for name in files if not _NAME.fullmatch(name) or name in {MANIFEST, SIGNATURE}]:
        raise InvalidInput(f"{wrong[0]!r} cannot be the name of a file in an evidence pack.")
    listed = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)} for name, data in files.items()
    }
    manifest = json_bytes({**about, "schema": SCHEMA, "files": listed})
    public_key, signature = sign(_CONTEXT + manifest)
    return _zip({**files, MANIFEST: manifest, SIGNATURE: _signature(public_key, signature)})


def _signature(public_key: str, signature: str) -> bytes:
    return json_bytes({"algorithm": "Ed25519", "public_key": public_key, "signature": signature, "signs": MANIFEST})


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, date_time=_WHEN)
            info.create_system = 3  # what a zip says of its maker must not depend on where it was made
            info.external_attr = 0o100644 << 16
            archive.writestr(info, files[name], zipfile.ZIP_STORED)
    return buffer.getvalue()


def opened(data: bytes) -> Opened:
    """The contents, once every byte is accounted for.

    Raises
    ------
    IntegrityError
        Something was changed, added or cut off; the message says what was noticed first.
    """
    if len(data) > MOST_BYTES:
        raise IntegrityError(f"The file has {len(data)} bytes; no evidence pack is that large.")
    files = _unzipped(data)
    if MANIFEST not in files or SIGNATURE not in files:
        raise IntegrityError("This is no evidence pack: it has no manifest or no signature.")
    public_key, signature = _parsed_signature(files[SIGNATURE])
    _check_signature(public_key, signature, files[MANIFEST])
    manifest = _parsed_manifest(files[MANIFEST])
    content = {name: body for name, body in files.items() if name not in {MANIFEST, SIGNATURE}}
    _check_files(content, manifest["files"])
    if _zip({**content, MANIFEST: files[MANIFEST], SIGNATURE: _signature(public_key, signature)}) != data:
        raise IntegrityError("The files inside are as signed, but the archive around them was changed.")
    raw = bytes.fromhex(public_key)
    return Opened(manifest=manifest, files=content, key_id=hashlib.sha256(raw).hexdigest()[:16], public_key=public_key)


def _unzipped(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = archive.infolist()
            if any(i.compress_type != zipfile.ZIP_STORED or i.file_size > len(data) for i in found):
                raise IntegrityError("The archive was changed: an evidence pack holds its files uncompressed.")
            if len({i.filename for i in found}) != len(found) or sum(i.file_size for i in found) > len(data):
                raise IntegrityError("The archive was changed: a file stands in it twice.")
            return {info.filename: archive.read(info) for info in found}
    except (zipfile.BadZipFile, struct.error, RuntimeError, ValueError, EOFError, OSError, LookupError) as cause:
        raise IntegrityError(f"The archive is damaged: {cause}.") from cause


def _parsed_signature(data: bytes) -> tuple[str, str]:
    try:
        told = codec.loads(data)
        public_key, signature = str(told["public_key"]), str(told["signature"])
        sizes = len(bytes.fromhex(public_key)), len(bytes.fromhex(signature))
    except (InvalidInput, LookupError, TypeError, ValueError) as cause:
        raise IntegrityError("The signature was changed: it can no longer be read.") from cause
    if sizes != (32, 64):
        raise IntegrityError("The signature was changed: it has the wrong length.")
    return public_key, signature


def _check_signature(public_key: str, signature: str, manifest: bytes) -> None:
    from cryptography.exceptions import InvalidSignature  # what reads packs needs it, what lists them does not
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), _CONTEXT + manifest)
    except (InvalidSignature, ValueError) as cause:
        raise IntegrityError("The signature does not fit the manifest: one of the two was changed.") from cause


def _parsed_manifest(data: bytes) -> dict[str, Any]:
    try:
        manifest = codec.loads(data)
    except InvalidInput as cause:
        raise IntegrityError("The manifest cannot be read.") from cause
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        shown = manifest.get("schema") if isinstance(manifest, dict) else None
        raise IntegrityError(f"The pack says that it is {shown!r}; this version of Fairloop reads {SCHEMA!r}.")
    return manifest


def _check_files(files: dict[str, bytes], listed: dict[str, Any]) -> None:
    for name in sorted(set(files) ^ set(listed)):
        raise IntegrityError(f"{name} {'was added' if name in files else 'is missing'}.")
    for name, body in files.items():
        if hashlib.sha256(body).hexdigest() != listed[name]["sha256"]:
            raise IntegrityError(f"{name} was changed.")
