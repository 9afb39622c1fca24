"""fl.evidence_pack and fl.verify: take the signed evidence about a model version away, and check it anywhere."""

from __future__ import annotations

from pathlib import Path

from fairloop.core.packs import file_name
from fairloop.errors import InvalidInput
from fairloop.evidence.verify import Checked, verify_file
from fairloop.sdk.session import session


def evidence_pack(model: str, file: str | Path = "", *, because: str = "") -> Path:
    """Make the evidence pack of a model version and save it.

    Parameters
    ----------
    model : str
        ``models:/NAME/VERSION`` or ``models:/NAME/ALIAS``; the ``models:/`` may be left out.
    file : str or pathlib.Path, optional
        Where to; by default ``NAME-vVERSION-evidence.zip`` here.
    because : str
        What it is for; signed with the rest.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    name, slash, version = model.removeprefix("models:/").rpartition("/")
    if not slash or not name or not version:
        raise InvalidInput(f"{model!r} names no version; give for example 'models:/income/3'.")
    client = session()
    found = client.models.version(name, int(version) if version.isdecimal() else version)
    pack = client.evidence.make(found.id, because=because)
    return client.evidence.save(pack, Path(file) if file else Path(file_name(pack.model, pack.version)))


def verify(file: str | Path, key: str = "") -> Checked:
    """Check that nothing in an evidence pack was changed. Needs the file only, no server.

    Parameters
    ----------
    file : str or pathlib.Path
    key : str
        The public key it must be signed with: 64 hexadecimal digits, or a file that holds them. Without it the pack may
        be signed by anybody: compare ``Checked.public_key``.

    Raises
    ------
    IntegrityError
        A byte was changed, or another key signed it.
    """
    return verify_file(Path(file), key)
