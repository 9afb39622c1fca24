"""The keys a server signs evidence with: Ed25519, made on first need, private halves in files only the server reads."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.core.packs import SigningKey
from fairloop.core.records import from_plain, to_plain
from fairloop.errors import IntegrityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    key: SigningKey
    signature: str
    """Hexadecimal."""


def key_id(public_key: bytes) -> str:
    """The first 16 hexadecimal digits of the key's sha256: short enough to read out on a telephone."""
    return hashlib.sha256(public_key).hexdigest()[:16]


class SigningKeys:
    """``folder`` holds ``keys.json`` (every public key, the newest last) and the private half of the key in use.

    The private file is written before the list names it and removed after the list retires it, so a server that dies in
    between has either the old key or the new one.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()

    def keys(self) -> list[SigningKey]:
        """Every key, the one in use first, then the retired ones from new to old. Makes the first."""
        with self._lock:
            return list(reversed(self._known()))

    def sign(self, data: bytes) -> Signature:
        with self._lock:
            key = self._known()[-1]
            return Signature(key=key, signature=self._private(key).sign(data).hex())

    def rotate(self) -> SigningKey:
        """A new key from now on. The old private half is deleted; its public half stays, so that old packs verify."""
        with self._lock:
            known = self._known()
            old, now = known[-1], self._clock.now_ms()
            made = self._make(now)
            self._write("keys.json", _listed([*known[:-1], replace(old, retired_ms=now), made]))
            self._file(old).unlink(missing_ok=True)
            return made

    def _known(self) -> list[SigningKey]:
        index = self._folder / "keys.json"
        if not index.is_file():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(index.name, _listed([self._make(self._clock.now_ms())]))
        return from_plain(list[SigningKey], codec.loads(index.read_bytes())["keys"])

    def _make(self, now_ms: int) -> SigningKey:
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key = SigningKey(id=key_id(public), public_key=public.hex(), created_ms=now_ms)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._write(self._file(key).name, pem)
        return key

    def _file(self, key: SigningKey) -> Path:
        return self._folder / f"{key.id}.pem"

    def _private(self, key: SigningKey) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # only when signing

        try:
            private = load_pem_private_key(self._file(key).read_bytes(), password=None)
        except (FileNotFoundError, ValueError) as cause:
            raise IntegrityError(
                f"The private key {key.id} in {self._folder} is gone or damaged; restore it, or rotate to a new one with: "
                "fairloop evidence rotate-key."
            ) from cause
        if not isinstance(private, Ed25519PrivateKey):
            raise IntegrityError(f"{self._file(key)} is no Ed25519 key; restore the file.")
        return private

    def _write(self, name: str, data: bytes) -> None:
        """Whole or not at all, and readable by the server's user only."""
        temporary = self._folder / f"{name}.{os.getpid()}.tmp"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._folder / name)


def _listed(keys: list[SigningKey]) -> bytes:
    return (codec.dumps({"schema": 1, "keys": to_plain(keys)}) + "\n").encode()
