"""Is the server up?"""

from __future__ import annotations

from fairloop import __version__


async def health() -> dict[str, str]:
    """Is the server up, and which version is it?"""
    return {"status": "ok", "version": __version__}
