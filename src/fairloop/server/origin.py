"""Is this request meant for us? Host against an exact list, Origin and Sec-Fetch-Site against other web sites.

Applies to every method and every path, before any route is looked up. The User-Agent plays no part: any page can send
any.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD"})
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The Host values this server answers to, and the Origin values its own pages have."""

    hosts: frozenset[str]
    origins: frozenset[str]


def allowed(settings: Settings) -> Allowed:
    names = [*LOOPBACK]
    if settings.auth and settings.host not in {*LOOPBACK, "::1", "0.0.0.0", "::"}:  # noqa: S104  # only compared
        names.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
    hosts = {f"{name}:{settings.port}" for name in names}
    if settings.port == 80:
        hosts |= set(names)
    hosts |= {h.strip().lower() for h in settings.allowed_hosts.split(",") if h.strip()}
    schemes = ("https", "http") if settings.tls else ("http",)
    own = {f"{scheme}://{host}" for scheme in schemes for host in hosts}
    return Allowed(frozenset(hosts), frozenset(own))


def refusal(method: str, headers: list[tuple[bytes, bytes]], expected: Allowed, cookie: str) -> str:
    """Why the request is refused, in words; empty when it is not.

    ``cookie`` is the name of the session cookie, empty in local mode: a request that changes something on the strength
    of a cookie must prove that it comes from our own pages.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    hosts = found.get(b"host", [])
    if len(hosts) != 1 or hosts[0].decode("latin-1").lower() not in expected.hosts:
        return "This Host is not served here; use the address the server printed, or add it to allowed_hosts."
    origins = found.get(b"origin", [])
    if origins:
        if len(origins) > 1 or origins[0].decode("latin-1").lower() not in expected.origins:
            return "Requests from other web sites are refused."
        return ""
    site = b",".join(found.get(b"sec-fetch-site", []))
    if site in {b"", b"same-origin", b"none"}:
        by_cookie = cookie and any(cookie.encode() in value for value in found.get(b"cookie", []))
        if by_cookie and not site and method not in SAFE_METHODS and b"authorization" not in found:
            return "A change asked for with a login cookie must come from our own pages (no Origin was sent)."
        return ""
    following_a_link = (
        method in SAFE_METHODS
        and found.get(b"sec-fetch-mode") == [b"navigate"]
        and found.get(b"sec-fetch-dest") == [b"document"]
    )
    return "" if following_a_link else "Requests from other web sites are refused."
