"""The path of a URL as the client sent it: the framework's own value has lost doubled slashes."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from litestar import Request

from fairloop.errors import InvalidInput


def sent_path(request: Request[Any, Any, Any], after: str) -> str:
    """What stands behind ``after`` in the URL, percent-decoded exactly once."""
    raw: bytes = request.scope["raw_path"]
    try:
        return unquote_to_bytes(raw.partition(b"?")[0]).decode("utf-8").partition(after)[2]
    except UnicodeDecodeError as cause:
        raise InvalidInput("The path in the URL is not UTF-8 text; percent-encode it as such.") from cause
