"""Forms of the pages: read as plain text fields, done by the services, answered with a redirect and one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from fairloop.errors import (
    Conflict,
    FairloopError,
    InvalidInput,
    NotANumber,
    Refused,
    TooManyRequests,
    Unavailable,
)
from fairloop.server.pages.shell import flash

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
SHOWN_ON_THE_PAGE = (InvalidInput, Conflict, Refused, Unavailable, TooManyRequests)
"""Errors that the form's page can show; others (not found, not allowed) answer as themselves."""


def act(back: str, do: Callable[[], Any], done: str | Callable[[Any], str]) -> Redirect:
    """Do it, then go back to a page that says so, or says in one sentence why not."""
    answer = Redirect(back, status_code=303)
    try:
        result = do()
    except SHOWN_ON_THE_PAGE as cause:
        flash(answer, cause.message, bad=True)
    except ValueError as cause:
        flash(answer, f"That value cannot be used: {cause}.", bad=True)
    else:
        flash(answer, done(result) if callable(done) else done)
    return answer


def told(cause: FairloopError, back: str) -> Redirect:
    answer = Redirect(back, status_code=303)
    flash(answer, cause.message, bad=True)
    return answer


def optional_number(text: str) -> float | None:
    """A number typed into a field that may stay empty."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError as cause:
        raise NotANumber(f"{text[:40]!r} is not a number; write for example 50.") from cause


def local_path(text: str) -> str:
    """A place on this server to go back to; anything else becomes the home page (no open redirect)."""
    good = text.startswith("/") and not text.startswith(("//", "/\\")) and "\\" not in text and "\n" not in text
    return text if good else "/"
