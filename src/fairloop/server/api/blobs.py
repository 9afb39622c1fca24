"""Bytes by hash: how steps and clients move tables, models and snapshots."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from typing import Any

from litestar import Request
from litestar.response import Stream

from fairloop.core.people import Project
from fairloop.server.services import Services

_CHUNK = 1 << 20


async def spooled(request: Request[Any, Any, Any]) -> Any:
    """The request's body in a temporary file: uploads never stand in memory whole."""
    spool = tempfile.SpooledTemporaryFile(max_size=4 * _CHUNK)  # noqa: SIM115  # closed by its reader
    async for chunk in request.stream():
        spool.write(chunk)
    spool.seek(0)
    return spool


def chunks_of(spool: Any) -> Iterator[bytes]:
    with spool:
        while chunk := spool.read(_CHUNK):
            yield chunk


async def put_blob(
    request: Request[Any, Any, Any], services: Services, project: Project, sha256: str
) -> dict[str, Any]:
    """Store bytes under their sha256; refused when they hash to something else."""
    spool = await spooled(request)
    found, size = await asyncio.to_thread(services.files.put_blob, project.id, chunks_of(spool), expected=sha256)
    return {"sha256": found, "size_bytes": size}


def get_blob(services: Services, project: Project, sha256: str) -> Stream:
    """The bytes with this sha256, verified while they are read."""
    body = services.files.stream_blob(project.id, sha256)
    headers = {"Content-Length": str(services.files.store.size(sha256)), "Content-Disposition": "attachment",
               "ETag": f'"{sha256}"', "Content-Security-Policy": "sandbox; default-src 'none'"}  # fmt: skip
    return Stream(body, media_type="application/octet-stream", headers=headers)
