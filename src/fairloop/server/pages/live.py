"""Parts of a page that renew themselves: rendered alone, answered with 204 while nothing changed, so nothing jumps."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from litestar import Response

from fairloop.server.pages.explain import explained
from fairloop.server.pages.shell import Asked, Html, frame, render

_SEEN = "x-fairloop-seen"
_TIME_WORDS = re.compile(r"(<time[^>]*>)[^<]*")
"""``3 min ago`` changes by itself, and the browser counts it on: no news."""


def part(request: Asked, template: str, **view: Any) -> str:
    """The part as it stands in its page, with the mark that later requests send back."""
    text = render(request, template, **frame(request), **view)
    return text.replace("@seen@", hashlib.sha256(_TIME_WORDS.sub(r"\1", text).encode()).hexdigest()[:16], 1)


def renewed(request: Asked, template: str, **view: Any) -> Html:
    """The part again, or 204 when it is as the browser has it."""
    text = part(request, template, **view)
    seen = request.headers.get(_SEEN, "")
    if seen and f'"{seen}"' in text[:2000]:
        return Response("", status_code=204, media_type="text/html")
    return Response(explained(text), media_type="text/html", headers={"Cache-Control": "no-store"})
