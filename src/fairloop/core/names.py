"""What may be called what: names typed by people become neither paths nor look-alikes."""

from __future__ import annotations

import re
import unicodedata

from fairloop.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9][\w.\- ]{0,249}", re.ASCII)
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))}


def check_name(name: str, what: str) -> str:
    """``name`` if it may name a ``what``, else InvalidInput that names the rule (reliability test S19)."""
    if (
        not isinstance(name, str)
        or not _NAME.fullmatch(name)
        or name.lower().split(".")[0] in _RESERVED
        or name.endswith((" ", "."))
    ):
        shown = repr(name[:80]) if isinstance(name, str) else repr(name)
        raise InvalidInput(
            f"{shown} cannot name a {what}: start with a letter or digit, then letters, digits, '_', '.', '-' "
            "or spaces, 250 characters at most."
        )
    return name


def check_artifact_path(path: str) -> str:
    """A relative artifact path with nothing that climbs, decodes, or means a scheme; else InvalidInput.

    The path must already be percent-decoded exactly once; anything that would decode again is refused
    (reliability tests S01, S07, S08, S18).
    """
    bad = (
        not path
        or len(path) > 1000
        or any(c in path for c in '\\:?#%*|<>"\0\ufffd')
        or any(unicodedata.category(c)[0] == "C" for c in path)
        or path.startswith(("/", "~"))
        or any(part in {"", ".", ".."} or part != part.strip() for part in path.split("/"))
        or unicodedata.normalize("NFC", path) != path
    )
    if bad:
        raise InvalidInput(f"{path[:120]!r} is not an artifact path; write a relative one such as 'model/data.txt'.")
    return path
