"""Secrets of others (a channel's address and key), sealed at rest with a key that stands beside the database, not in it."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fairloop.errors import IntegrityError, Refused

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_FILE = "secrets.key"


class Sealer:
    """Seals text with the key in ``<data>/secrets.key`` (mode 0600), made when first needed.

    A copy of the database alone gives nothing away; without the key file sealed secrets are lost and must be set again.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / KEY_FILE
        self._fernet: Fernet | None = None

    def seal(self, text: str) -> str:
        return self._key().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again; IntegrityError when it was changed or sealed with another key."""
        from cryptography.fernet import InvalidToken

        try:
            return self._key().decrypt(sealed.encode()).decode()
        except InvalidToken as cause:
            raise IntegrityError(f"A sealed secret does not open with {self._file.name}; restore that file from the "
                                 "backup, or set the channel up again.") from cause  # fmt: skip

    def _key(self) -> Fernet:
        if self._fernet is None:
            from cryptography.fernet import Fernet as Maker  # 30 ms: only where there are channels

            if not self._file.exists():
                self._make(Maker.generate_key())
            if stat.S_IMODE(self._file.stat().st_mode) & 0o077:
                raise Refused(f"{self._file.name} can be read by others; run: chmod 600 {self._file}")
            self._fernet = Maker(self._file.read_bytes())
        return self._fernet

    def _make(self, key: bytes) -> None:
        """The key file, whole or not at all; the first of several servers wins."""
        temporary = self._file.with_name(f".{self._file.name}.{secrets.token_hex(6)}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, self._file)
        temporary.unlink()
