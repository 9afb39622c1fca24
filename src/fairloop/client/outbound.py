"""The only way out: one guarded client for addresses that people typed in (webhooks, chat channels).

The name is looked up once, every address it has is vetted, and the connection goes to the vetted address, so a second
look-up cannot lead elsewhere. No redirect is followed, no proxy of the environment is used, no answer is handed back.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from fairloop.errors import InvalidInput, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
_LONGEST_URL = 2000
_ANSWER_BYTES = 65_536
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def look_up(host: str, port: int) -> list[str]:
    """Every address of a name, as this machine resolves it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as cause:
        raise InvalidInput(f"The host {host[:80]!r} cannot be resolved; check its name.") from cause
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def public(address: Address) -> bool:
    """Whether an address is on the public internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and any(address in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return public(inner)
        if int(address) < 2**32 or address.is_site_local:  # the deprecated ::a.b.c.d and fec0::/10
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The administrator's allow list: hosts, ``host:port`` and networks, compared whole and never by pattern."""

    hosts: frozenset[str]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @classmethod
    def of(cls, text: str) -> Allowed:
        """From a setting such as ``hooks.example.com:8443, 10.20.0.0/16``."""
        hosts, networks = set(), []
        for entry in (part.strip().lower() for part in text.split(",")):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if entry:
                    hosts.add(entry)
        return cls(frozenset(hosts), tuple(networks))

    def named(self, host: str, port: int) -> bool:
        return bool({host, f"{host}:{port}"} & self.hosts)

    def holds(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Target:
    """A vetted place: the address the connection goes to, and the name it is spoken to by."""

    url: SplitResult
    host: str
    port: int
    address: str


class Outbound:
    def __init__(self, allow: str = "", *, timeout_s: float = 10.0, resolve: Resolve = look_up) -> None:
        self._allowed = Allowed.of(allow)
        self._timeout_s = timeout_s
        self._resolve = resolve

    def check(self, url: str) -> Target:
        """Where a request to ``url`` would go.

        Raises
        ------
        InvalidInput
            The URL is not plain http(s), or leads to an address that is not public and not on the allow list.
        """
        parts, host, port = _split(url)
        trusted = self._allowed.named(host, port)
        addresses = self._resolve(host, port)
        if not addresses:
            raise InvalidInput(f"The host {host[:80]!r} cannot be resolved; check its name.")
        for text in addresses:
            address = ipaddress.ip_address(text)
            if not (trusted or public(address) or self._allowed.holds(address)):
                raise InvalidInput(
                    f"{host[:80]!r} leads to an address inside this machine or network, where nothing is sent. "
                    "If that is meant, an administrator adds it to the setting outbound_allow.")  # fmt: skip
        return Target(parts, host, port, addresses[0])

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send ``body``; the status of the answer, whose text is read away and dropped.

        Raises
        ------
        InvalidInput
            See :meth:`check`.
        Unavailable
            No connection, no answer in time, or a broken one.
        """
        from fairloop.client.pinned import BROKEN, cut, pinned  # HTTP and TLS: only where something is sent

        target = self.check(url)
        connection = pinned(target.url.scheme, target.host, target.port, target.address, self._timeout_s)
        alarm = threading.Timer(self._timeout_s, cut, [connection])  # an answer that drips holds nobody up
        alarm.daemon = True
        alarm.start()
        path = (target.url.path or "/") + (f"?{target.url.query}" if target.url.query else "")
        try:
            connection.request("POST", path, body=body, headers={**headers, "Connection": "close"})
            answer = connection.getresponse()
            status = answer.status
            answer.read(_ANSWER_BYTES)
        except BROKEN as cause:
            raise Unavailable(f"{target.host} did not take it: {_why(cause)}.") from cause
        finally:
            alarm.cancel()
            connection.close()
        return status


def _split(url: str) -> tuple[SplitResult, str, int]:
    """The URL's parts, its host in lower case, and its port; InvalidInput for anything unusual."""
    if len(url) > _LONGEST_URL or any(c.isspace() or not c.isprintable() for c in url) or "\\" in url:
        raise InvalidInput("The URL holds spaces, control characters or backslashes, or is too long; write it plainly.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as cause:
        raise InvalidInput(
            f"{url[:80]!r} is not a URL; write for example https://hooks.example.com/fairloop"
        ) from cause
    if parts.scheme not in {"http", "https"} or not host:
        raise InvalidInput("Only http and https URLs with a host can be used, for example https://hooks.example.com/x")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("The URL holds a user name or password; leave them away, notices are signed instead.")
    if not url.isascii():
        raise InvalidInput("The URL holds letters beyond ASCII; write the host in its xn-- form and encode the path.")
    return parts, host.rstrip(".").lower(), port or (443 if parts.scheme == "https" else 80)


def _why(cause: Exception) -> str:
    if type(cause).__name__.startswith("SSL"):
        return "its certificate is not accepted" if "CERTIFICATE_VERIFY" in str(cause) else "TLS failed"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ConnectionRefusedError):
        return "it refused the connection"
    return type(cause).__name__
