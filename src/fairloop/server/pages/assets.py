"""Styles, scripts and pictures: served from an index made at the start, never from a path of the client's."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from litestar import Request, Response
from litestar.datastructures import State

from fairloop.errors import NotFound

FOLDER = Path(__file__).parent.parent / "static"
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".mjs": "text/javascript",
    ".txt": "text/plain",
    ".png": "image/png",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=1)
def index() -> dict[str, Path]:
    """Every file that may be asked for, by its URL path; what is not in here does not exist."""
    return {
        file.relative_to(FOLDER).as_posix(): file
        for file in sorted(FOLDER.rglob("*"))
        if file.is_file() and file.suffix in TYPES
    }


@lru_cache(maxsize=1)
def base() -> str:
    """``/static/<hash of all files>``: a new release has new URLs, so browsers may keep files for ever."""
    digest = hashlib.sha256()
    for name, file in index().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return f"/static/{digest.hexdigest()[:12]}"


@lru_cache(maxsize=64)
def _packed(name: str) -> bytes:
    return gzip.compress(index()[name].read_bytes(), compresslevel=6, mtime=0)


def static_file(request: Request[None, None, State], version: str, path: str) -> Response[bytes]:
    """One file of the pages' styles and scripts."""
    name = path.lstrip("/")
    file = index().get(name)
    if file is None:
        raise NotFound("No such file.")
    fresh = base().endswith("/" + version)
    headers = {"Cache-Control": _FOR_EVER if fresh else "no-cache", "Vary": "Accept-Encoding"}
    kind = TYPES[file.suffix]
    if "gzip" in request.headers.get("accept-encoding", "") and file.suffix != ".png":
        return Response(_packed(name), media_type=kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.read_bytes(), media_type=kind, headers=headers)
