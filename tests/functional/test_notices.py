"""Notices arrive: by e-mail at a real mail server and by signed webhook, for approvals, alerts and expiries."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairloop.core.checks import Check, Status, Verdict
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint
from fairloop.core.monitors import Window
from fairloop.core.people import Identity, Role
from fairloop.errors import Conflict, InvalidInput, NotFound
from fairloop.server.background import Background
from fairloop.server.services import Services, build_services
from fairloop.settings import Settings
from fairloop.storage import endpoints as endpoint_rows
from support.loops import settle
from support.sinks import MailSink, WebSink, certificate, mail_sink, web_sink

ROOT = Identity(kind="person", name="root", administrator=True)
POLICY = "approval: {role: manager, expires: 2h, remind: [30m]}\n"
BIAS = Check(metric="demographic_parity_difference", at_most=0.12, by="sex")


class Place:
    """Services with their background work, a project with a manager, and both sinks."""

    def __init__(self, services: Services, mails: MailSink, web: WebSink) -> None:
        self.services, self.mails, self.web = services, mails, web
        self.project = services.projects.create("income")
        self.people = {}
        for name, role in (("ada", Role.DATA_SCIENTIST), ("max", Role.MANAGER)):
            person = services.people.create(ROOT, name, email=f"{name}@example.com")
            services.people.set_member(ROOT, self.project.id, name, role)
            self.people[name] = person.id

    def who(self, name: str) -> Identity:
        return self.services.people.identity_of(self.services.people.get(self.people[name]), verified=False)

    def channel(self, name: str, kind: str, target: str, **options: Any) -> Any:
        return self.services.channels.create(self.project.id, self.who("max"), name, kind, target, **options)

    def ask(self) -> Any:
        made = self.services.registry.create_version(self.project.id, "m", files={}, user="ada")
        return self.services.loops.ask(self.project.id, made, self.who("ada"), "please look at it")

    def at(self, seconds: float) -> None:
        """So many seconds after the beginning."""
        self.services.clock.offset_s = seconds
        self.services.signals.notify()

    def kinds(self) -> list[str]:
        return [json.loads(got.body)["kind"] for got in self.web.got]


@pytest.fixture
def sinks() -> Iterator[tuple[MailSink, WebSink]]:
    with mail_sink() as mails, web_sink() as web:
        yield mails, web


@pytest.fixture
def place(tmp_path: Path, sinks: tuple[MailSink, WebSink]) -> Iterator[Place]:
    mails, web = sinks
    services = build_services(Settings(data=tmp_path, outbound_allow=f"127.0.0.1:{web.port}", smtp_host="127.0.0.1",
                                       smtp_port=mails.port, smtp_security="none", public_url="https://fair.example/"))  # fmt: skip
    background = Background([services.driver, services.deliverer], services.signals)
    background.start()
    made = Place(services, mails, web)
    services.loops.policies.set(made.project.id, POLICY, made.who("max"), "as agreed")
    yield made
    background.stop()
    services.close()


def test_a_mail_and_a_webhook_for_approval_reminder_decision_expiry_and_alert(place: Place) -> None:
    made = place.channel("risk desk", "webhook", place.web.url)
    place.channel("mail", "email", "people, desk@example.com")
    request = place.ask()
    settle(lambda: len(place.web.got) == len(place.mails.got) == 1, 20)
    to, mail = place.mails.got[0]
    assert sorted(to) == ["desk@example.com", "max@example.com"]
    assert mail["Subject"] == "m v1 waits for approval by a manager"
    assert "https://fair.example/projects/income/models/m/1" in mail.get_content()
    got = place.web.got[0]
    assert verify(made.secret, got.headers["x-fairloop-signature"], got.body)
    told = json.loads(got.body)
    assert (told["kind"], told["about"], told["project"]) == ("approval.requested", request.id, "income")
    assert got.headers["x-fairloop-delivery"] == told["delivery"]

    place.at(5500)  # half an hour before the end
    settle(lambda: place.kinds()[1:] == ["approval.reminder"], 20)
    place.at(7300)
    settle(lambda: place.kinds()[2:] == ["approval.expired"], 20)
    assert place.services.loops.approval(place.project.id, request.id).decision == "expired"

    again = place.services.loops.ask(place.project.id, place.services.registry.version(place.project.id, "m", 1),
                                     place.who("ada"), "once more")  # fmt: skip
    place.services.loops.decide(place.project.id, again.id, place.who("max"), approve=True, reason="looks right")
    alarm(place)
    settle(lambda: place.kinds()[3:] == ["approval.requested", "approval.decided", "alert.opened"], 20)
    settle(lambda: len(place.mails.got) == 6, 20)
    assert "Groups by sex are treated too differently; the policy allows 12" in place.mails.got[5][1].get_content()
    assert len({g.headers["x-fairloop-delivery"] for g in place.web.got}) == 6
    inbox = [n.kind for n in place.services.notices.inbox(place.who("max")).items]
    assert inbox[0] == "alert.opened"
    assert place.services.notices.unread(place.who("max")) == len(inbox) == 7  # the first is the policy's own
    assert place.services.notices.read(place.who("max")) == 7
    assert place.services.notices.unread(place.who("max")) == 0


def verify(secret: str, header: str, body: bytes) -> bool:
    """As docs/notices.md tells receivers to."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    wanted = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, parts["v1"])


def alarm(place: Place) -> None:
    """A window so bad that it opens an alert at once."""
    services, project_id = place.services, place.project.id
    services.database.write(lambda c: endpoint_rows.add_endpoint(
        c, Endpoint(id="end_1", project_id=project_id, name="income", state="up")))  # fmt: skip
    services.database.write(lambda c: endpoint_rows.add_deployment(
        c, Deployment(id="dep_1", project_id=project_id, endpoint_id="end_1", model_version_id="v", share=100,
                      state=DeploymentState.LIVE, created_ms=1)))  # fmt: skip
    monitor = services.monitoring.ensure(project_id, "end_1", "income", [BIAS], 60, 500)
    for index in range(2):
        verdict = Verdict(check=BIAS, status=Status.FAIL, estimate=0.2, low=0.15, high=0.25, n=500, method="m")
        services.monitoring.record_windows(project_id, monitor.id, [Window(
            id=f"win_{index}", project_id="x", monitor_id="x", deployment_id="dep_1", start_ms=index * 10,
            end_ms=index * 10 + 9, n=500, labelled=0, verdicts=[verdict],
            detail={"index": index, "from_seq": 0, "to_seq": 1, "pending": []})])  # fmt: skip


def test_what_does_not_arrive_is_sent_again_in_order_and_under_the_same_id(place: Place) -> None:
    place.channel("flaky", "webhook", place.web.url)
    place.web.answers = [500, 503]
    request = place.ask()
    settle(lambda: len(place.web.got) == 1, 20)
    place.services.loops.decide(place.project.id, request.id, place.who("max"), approve=False, reason="not yet")
    for count, later in ((2, 40), (3, 400)):
        place.at(later)
        settle(lambda count=count: len(place.web.got) >= count, 20)
    settle(lambda: len(place.web.got) == 4, 20)
    assert place.kinds() == ["approval.requested"] * 3 + ["approval.decided"]
    assert len({g.headers["x-fairloop-delivery"] for g in place.web.got[:3]}) == 1
    page = place.services.channels.deliveries(place.project.id).items
    settle(lambda: all(d.state == "sent" for d in place.services.channels.deliveries(place.project.id).items), 20)
    assert sorted(d.attempts for d in page) == [1, 3]


def test_after_sixteen_hours_it_is_given_up_with_the_reason_and_can_be_tried_again(place: Place) -> None:
    place.channel("dead", "webhook", place.web.url)
    place.web.answers = [500] * 10
    place.ask()
    deliveries = place.services.channels.deliveries

    def given_up() -> list[Any]:
        place.at(place.services.clock.offset_s + 30_000)  # later than any pause between attempts
        return deliveries(place.project.id, state="dead").items

    dead = settle(given_up, 30)
    assert dead[0].reason == "Given up after 10 attempts: It answered 5xx instead of 2xx."
    place.services.channels.retry(place.project.id, place.who("max"), dead[0].id)
    with pytest.raises(Conflict, match="can be tried again"):
        place.services.channels.retry(place.project.id, place.who("max"), dead[0].id)


def test_a_slow_receiver_holds_up_nobody_else(place: Place) -> None:
    place.web.hold.clear()
    place.channel("slow", "webhook", place.web.url)
    place.channel("mail", "email", "desk@example.com")
    place.ask()
    settle(lambda: len(place.mails.got) == len(place.web.got) == 1, 20)
    deliveries = place.services.channels.deliveries
    assert any(d.state == "waiting" for d in deliveries(place.project.id).items)  # the slow one still holds its answer
    place.web.hold.set()
    settle(lambda: all(d.state == "sent" for d in deliveries(place.project.id).items), 20)


def test_slack_and_teams_get_their_formats_and_typed_text_stays_text(place: Place) -> None:
    place.channel("chat", "slack", place.web.url + "/T000/secret-part")
    place.channel("teams", "teams", place.web.url + "/teams")
    files = place.services.registry.create_version(place.project.id, "m", files={}, user="ada")
    place.services.loops.ask(place.project.id, files, place.who("ada"), "<!channel> *now* [win](http://evil.example)")
    settle(lambda: len(place.web.got) == 2, 20)
    bodies = {g.path: json.loads(g.body) for g in place.web.got}
    said = bodies["/hook/T000/secret-part"]["blocks"][0]["text"]["text"]
    assert "&lt;!channel&gt;" in said
    card = bodies["/hook/teams"]["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert "\\[win\\]\\(http://evil.example\\)" in card["body"][1]["text"]
    assert card["actions"][0]["url"].startswith("https://fair.example/projects/income/models/m/1")


def test_addresses_and_secrets_are_sealed_and_never_shown_again(place: Place, tmp_path: Path) -> None:
    made = place.channel("hook", "webhook", place.web.url + "/very-secret-path")
    assert made.secret.startswith("whs_")
    shown = place.services.channels.list(place.project.id)[0]
    assert shown.shown == f"http://127.0.0.1:{place.web.port}/..."
    data = b"".join(f.read_bytes() for f in tmp_path.glob("fairloop.db*"))
    assert b"very-secret-path" not in data
    assert made.secret.encode() not in data
    assert stat.S_IMODE((tmp_path / "secrets.key").stat().st_mode) == 0o600


def test_a_test_says_whether_it_arrived_and_nothing_more(place: Place) -> None:
    made = place.channel("hook", "webhook", place.web.url)
    deliverer, project_id, who = place.services.deliverer, place.project.id, place.who("max")
    assert deliverer.test(project_id, made.channel.id, who) == {"arrived": True, "words": "It answered 2xx."}
    place.web.answers = [418]
    told = deliverer.test(project_id, made.channel.id, who)
    assert told == {"arrived": False, "words": "It answered 4xx instead of 2xx."}
    assert "secret answer" not in str(told)
    with pytest.raises(NotFound):
        deliverer.test("prj_other", made.channel.id, who)


def test_what_cannot_be_a_channel_is_refused(place: Place) -> None:
    for kind, target, words in (("webhook", "http://127.0.0.1:1/x", "inside this machine"), ("email", "x", "e-mail"),
                                ("email", "a@b.c\r\nBcc: d@e.f", "e-mail"), ("fax", "1", "fax")):  # fmt: skip
        with pytest.raises(InvalidInput, match=words):
            place.channel("c", kind, target)
    with pytest.raises(InvalidInput, match="no kind of notice"):
        place.channel("c", "webhook", place.web.url, kinds=["weather"])


def test_mail_goes_over_starttls_to_a_server_whose_certificate_is_trusted(tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from fairloop.core.notices import Delivery, Notice
    from fairloop.errors import Unavailable
    from fairloop.notices.mail import send

    trusted, context = certificate(tmp_path, "127.0.0.1")
    notice = Notice(id="n", project_id="p", kind="test", subject="Hello", text="t")
    delivery = Delivery(id="dlv_1", project_id="p", notice_id="n", channel_id="c")
    with mail_sink(tls_context=context, require_starttls=True) as mails:
        settings = Settings(smtp_host="127.0.0.1", smtp_port=mails.port)
        with pytest.raises(Unavailable, match="SSLCertVerificationError"):
            send(settings, ["a@example.com"], notice, delivery, "text")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        send(settings, ["a@example.com"], notice, delivery, "text")
        assert mails.got[0][1]["Message-ID"] == "<dlv_1@localhost>"
