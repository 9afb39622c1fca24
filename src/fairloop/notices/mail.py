"""Notices by e-mail, through the mail server of the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fairloop.core.notices import Delivery, Notice
from fairloop.errors import InvalidInput, Unavailable
from fairloop.notices.formats import DELIVERY, EVENT
from fairloop.settings import Settings

SECURITY = ("starttls", "tls", "none")
_ADDRESS = re.compile(r"[^\s@,;<>\"()\[\]\\:]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_TIMEOUT_S = 15.0


def check_address(text: str) -> str:
    """``text`` if it is one plain e-mail address, else InvalidInput."""
    if not _ADDRESS.fullmatch(text) or not text.isprintable() or ".." in text:
        raise InvalidInput(f"{text[:80]!r} is not an e-mail address; write for example risk@example.com.")
    return text


def send(settings: Settings, to: Sequence[str], notice: Notice, delivery: Delivery, text: str) -> None:
    """One message to every address.

    Raises
    ------
    Unavailable
        The mail server does not take it; the reason names its answer's code.
    """
    import smtplib  # only where mail is sent
    import ssl
    from email.message import EmailMessage

    if settings.smtp_security not in SECURITY:
        raise InvalidInput(f"smtp_security={settings.smtp_security!r}; use one of {', '.join(SECURITY)}.")
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = notice.subject, settings.smtp_from, ", ".join(to)
    message["Message-ID"] = f"<{delivery.id}@{settings.smtp_from.rpartition('@')[2] or 'fairloop'}>"
    message[DELIVERY], message[EVENT] = delivery.id, notice.kind
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    context = ssl.create_default_context()
    try:
        with (smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_S, context=context)
              if settings.smtp_security == "tls"
              else smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_S)) as server:  # fmt: skip
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(message)
    except smtplib.SMTPResponseException as cause:
        raise Unavailable(f"The mail server answered {cause.smtp_code}.") from cause
    except (smtplib.SMTPException, OSError) as cause:
        raise Unavailable(f"The mail server did not take it: {type(cause).__name__}.") from cause
