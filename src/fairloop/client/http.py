"""The only HTTP caller: one guarded connection to one server, errors turned back into Fairloop's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from fairloop import errors
from fairloop.core import codec

BY_CODE = {kind.code: kind for kind in vars(errors).values()
           if isinstance(kind, type) and issubclass(kind, errors.FairloopError)}  # fmt: skip


class Http:
    """Requests to one server, in one project, as one person or token.

    Raises the same errors the services raise; Unreachable when no server answers. Safe to use from several threads.
    """

    def __init__(
        self, url: str, *, token: str | None = None, person: str | None = None, timeout_s: float = 60.0
    ) -> None:
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if person:
            headers["X-Fairloop-Person"] = person
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s, trust_env=False,
                                    follow_redirects=False)  # fmt: skip

    def request(self, method: str, path: str, *, json: Any = None, content: bytes | Iterator[bytes] | None = None,
                params: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> httpx.Response:  # fmt: skip
        sent = dict(headers or {})
        if json is not None:
            content, sent["Content-Type"] = codec.dumps(json).encode(), "application/json"
        given = {k: v for k, v in (params or {}).items() if v is not None}
        try:
            answer = self._client.request(method, path, content=content, params=given or None, headers=sent)
        except httpx.TransportError as cause:
            raise errors.Unreachable(
                f"No Fairloop server answers at {self.url}; start one with: fairloop up."
            ) from cause
        if answer.is_error:
            raise _error_of(answer)
        return answer

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON value; None for an empty answer."""
        answer = self.request(method, path, **options)
        return codec.loads(answer.content) if answer.content else None

    def stream(self, path: str, *, params: dict[str, Any] | None = None) -> Iterator[bytes]:
        """The answer's bytes as they come; a truncated answer raises instead of ending early."""
        try:
            with self._client.stream("GET", path, params=params) as answer:
                if answer.is_error:
                    answer.read()
                    raise _error_of(answer)
                yield from answer.iter_bytes()
        except httpx.TransportError as cause:
            raise errors.Unreachable(f"The connection to {self.url} broke; try again.") from cause

    def speak_as_page(self) -> None:
        """From now on changes rest on a login cookie, so each request says that it does not come from another site."""
        self._client.headers["Origin"] = self.url

    def close(self) -> None:
        self._client.close()


def _error_of(answer: httpx.Response) -> errors.FairloopError:
    try:
        told = codec.loads(answer.content)
        kind, message = BY_CODE.get(told["code"], errors.FairloopError), str(told["detail"])
    except (errors.InvalidInput, KeyError, TypeError):
        kind, message = errors.Unavailable, f"The server answered {answer.status_code} without a reason it can name."
    return kind(message)
