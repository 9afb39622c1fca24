"""Signing keys: made once, private on disk, rotated without losing the old public half."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fairloop.access.signing import SigningKeys
from fairloop.core.clock import Clock
from fairloop.errors import IntegrityError


def test_the_first_key_is_made_once_and_kept(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path / "signing", Clock())
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(keys.sign(b"x").key.id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert SigningKeys(tmp_path / "signing", Clock()).keys()[0].id == found[0]
    assert {oct(f.stat().st_mode & 0o777) for f in (tmp_path / "signing").iterdir()} == {"0o600"}
    assert oct((tmp_path / "signing").stat().st_mode & 0o777) == "0o700"


def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    a, b = (SigningKeys(tmp_path / name, Clock()).keys()[0].id for name in "ab")
    assert a != b


def test_rotation_keeps_the_public_half_and_drops_the_private_one(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path / "signing", Clock())
    before = keys.sign(b"x")
    new = keys.rotate()
    assert [k.id for k in list(keys.keys())] == [new.id, before.key.id]
    assert keys.keys()[1].retired_ms is not None
    assert sorted(f.name for f in (tmp_path / "signing").glob("*.pem")) == [f"{new.id}.pem"]
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys.keys()[1].public_key)).verify(
        bytes.fromhex(before.signature), b"x"
    )


def test_a_lost_private_key_is_named(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path / "signing", Clock())
    key = keys.keys()[0]
    (tmp_path / "signing" / f"{key.id}.pem").unlink()
    with pytest.raises(IntegrityError, match="rotate-key"):
        keys.sign(b"x")
