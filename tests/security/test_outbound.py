"""S21 to S23: no address inside this machine or network is reached, however it is spelled, resolved or redirected."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fairloop.client.outbound import Outbound
from fairloop.core.people import Identity
from fairloop.errors import InvalidInput, Unavailable
from fairloop.server.services import build_services
from fairloop.settings import Settings
from support.sinks import certificate, web_sink

HOSTS = [
    "127.0.0.1", "127.1", "127.0.0.1.", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "localhost",
    "LOCALHOST", "localhost.", "0.0.0.0", "0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[::ffff:169.254.169.254]", "[2002:a9fe:a9fe::]",
    "[2001:db8::1]", "[100::1]", "169.254.169.254", "0xa9fea9fe", "2852039166", "169.254.170.2", "10.0.0.1", "10.255.255.255",
    "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.1.1", "100.64.0.1", "100.127.0.1", "198.18.0.1", "192.0.2.1",
    "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "127.255.255.254",
    "127.0.0.1%00.example.com", "localtest.me", "no-such-host.invalid", "metadata.google.internal",
]  # fmt: skip
SPELLED = ["ftp://1.1.1.1/", "file:///etc/passwd", "gopher://127.0.0.1:1/", "http://", "//127.0.0.1/", "http:/127.0.0.1",
           "http://user@127.0.0.1/", "http://1.1.1.1@127.0.0.1/", "http://127.0.0.1\\@1.1.1.1/", "http://1.1.1.1 @127.0.0.1/",
           "http://127.0.0.1\t/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://127.0.0.1:99999/"]  # fmt: skip
WHO = Identity(kind="person", person_id="p", name="max")


@pytest.mark.parametrize("url", [*(f"http://{host}:PORT/" for host in HOSTS), *SPELLED])
def test_no_spelling_reaches_this_machine(url: str) -> None:
    with web_sink() as sink:
        with pytest.raises(InvalidInput):
            Outbound().post(url.replace("PORT", str(sink.port)), b"{}", {})
        assert sink.got == []


def test_a_channel_to_this_machine_is_refused_when_made_and_when_tested(tmp_path: Path) -> None:
    services = build_services(Settings(data=tmp_path))
    try:
        project = services.projects.create("p")
        with web_sink() as sink:
            for kind in ("webhook", "slack", "teams"):
                with pytest.raises(InvalidInput, match="inside this machine"):
                    services.channels.create(project.id, WHO, kind, kind, sink.url)
            allowed = build_services(Settings(data=tmp_path / "other", outbound_allow=f"127.0.0.1:{sink.port}"))
            other = allowed.projects.create("p")
            made = allowed.channels.create(other.id, WHO, "c", "webhook", sink.url)
            allowed.deliverer._outbound = Outbound()  # the administrator took the entry away
            with pytest.raises(InvalidInput, match="inside this machine"):
                allowed.deliverer.test(other.id, made.channel.id, WHO)
            allowed.close()
            assert sink.got == []
    finally:
        services.close()


def test_a_name_that_leads_elsewhere_at_the_second_look_is_followed_nowhere() -> None:
    """S22: what was vetted is what is connected to: one look-up a request, every address of it vetted."""
    with web_sink() as sink:
        asked: list[str] = []

        def rebinding(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["192.0.2.1"] if len(asked) == 1 else ["127.0.0.1"]

        guard = Outbound("192.0.2.0/24", timeout_s=0.3, resolve=rebinding)
        with pytest.raises(Unavailable):
            guard.post(f"http://rebind.example:{sink.port}/", b"{}", {})  # goes to 192.0.2.1, where nobody is
        assert asked == ["rebind.example"]
        with pytest.raises(InvalidInput):
            guard.post(f"http://rebind.example:{sink.port}/", b"{}", {})
        mixed = Outbound(resolve=lambda host, port: ["1.1.1.1", "127.0.0.1"])
        with pytest.raises(InvalidInput):
            mixed.post(f"http://mixed.example:{sink.port}/", b"{}", {})
        assert sink.got == []


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with web_sink() as inner, web_sink() as outer:
        outer.location = f"http://127.0.0.1:{inner.port}/latest/meta-data"
        for status in (301, 302, 303, 307, 308):
            outer.answers = [status]
            assert Outbound(f"127.0.0.1:{outer.port}").post(outer.url, b"{}", {}) == status
        assert inner.got == []
        assert len(outer.got) == 5


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with web_sink() as proxy, web_sink() as sink:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert Outbound("127.0.0.1").post(sink.url, b"{}", {}) == 200
        assert (len(sink.got), len(proxy.got)) == (1, 0)


def test_the_allow_list_compares_whole_hosts_and_ports() -> None:
    guard = Outbound("hooks.example:8443, good.example", resolve=lambda host, port: ["10.0.0.1"])
    assert guard.check("http://good.example/").address == "10.0.0.1"
    assert guard.check("http://hooks.example:8443/").address == "10.0.0.1"
    for url in ("http://hooks.example/", "http://hooks.example:84430/", "http://evil-good.example/",
                "http://good.example.evil.test/", "http://xhooks.example:8443/"):  # fmt: skip
        with pytest.raises(InvalidInput):
            guard.check(url)


def test_an_answer_that_never_ends_holds_nobody_up() -> None:
    with web_sink() as sink:
        sink.hold.clear()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            Outbound("127.0.0.1", timeout_s=0.3).post(sink.url, b"{}", {})
        assert time.monotonic() - began < 10
        sink.hold.set()


def test_over_tls_the_certificate_is_checked_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted, context = certificate(tmp_path, "hooks.example")
    with web_sink(context) as sink:
        guard = Outbound("hooks.example, other.example", resolve=lambda host, port: ["127.0.0.1"])
        with pytest.raises(Unavailable, match="certificate is not accepted"):
            guard.post(f"https://hooks.example:{sink.port}/hook", b"{}", {})
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert guard.post(f"https://hooks.example:{sink.port}/hook", b"{}", {}) == 200
        with pytest.raises(Unavailable, match="certificate is not accepted"):
            guard.post(f"https://other.example:{sink.port}/hook", b"{}", {})
        assert [g.path for g in sink.got] == ["/hook"]
