"""All settings, read once from file and environment into one frozen object."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from fairloop.errors import InvalidInput

ENVIRONMENT_PREFIX = "FAIRLOOP_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One server's configuration.

    Each field can be set in ``fairloop.toml`` in the data folder, or as ``FAIRLOOP_<FIELD>`` in the environment
    (which wins); command-line options win over both.
    """

    data: Path = Path(".fairloop")
    """Folder for the database, artifacts, logs and endpoints."""
    database: str = ""
    """SQL URL; empty means ``sqlite:///<data>/fairloop.db``."""
    host: str = "127.0.0.1"
    port: int = 8700
    auth: bool = False
    """Secured mode: passwords or tokens for everything. Off: local mode, loopback only."""
    allowed_hosts: str = ""
    """Extra Host header values (comma separated, with port) the secured server answers to."""
    tls: bool = False
    """The server is reached through https (a proxy ends it): cookies are marked Secure."""
    idle_exit_s: float = 0.0
    """End the server after so many seconds without a request, a running step or a live endpoint; 0 never."""
    lease_s: float = 30.0
    """How long a worker's claim on a step lives without a sign of life."""
    run_lease_s: float = 86_400.0
    """The same for a tracking run logged by a client that sends no heartbeat."""
    workers: int = 0
    """Most steps running at once on this machine; 0 means the number of cores."""
    worker_idle_s: float = 60.0
    """A warm worker without work ends after so long."""
    worker_memory_bytes: int = 4 * 2**30
    """A warm worker above this resident size is replaced after its step."""
    worker_steps: int = 500
    """A warm worker is replaced after so many steps."""
    max_body_bytes: int = 8 * 2**20
    max_upload_bytes: int = 8 * 2**30
    monitor_tick_s: float = 60.0
    """How often schedules are looked at for something due (they are also woken by writes)."""
    price_book: Path | None = None
    """TOML file with prices per core-hour and so on; empty means the dated sample that ships."""
    public_url: str = ""
    """Where people reach this server; links in notices begin with it. Empty means ``http://<host>:<port>``."""
    outbound_allow: str = ""
    """Hosts, ``host:port`` and networks (comma separated) that webhooks may reach although they are not public."""
    smtp_host: str = ""
    """The mail server for notices; empty means none is sent."""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_from: str = "fairloop@localhost"
    smtp_security: str = "starttls"
    """``starttls``, ``tls`` (from the first byte) or ``none``."""

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data.resolve() / 'fairloop.db'}"


def _convert(name: str, text: str) -> object:
    kind = {f.name: str(f.type) for f in fields(Settings)}[name]
    try:
        if kind == "bool":
            if text.lower() not in {"1", "true", "yes", "on", "0", "false", "no", "off", ""}:
                raise ValueError(text)
            return text.lower() in {"1", "true", "yes", "on"}
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        return Path(text) if kind.startswith("Path") else text
    except ValueError as cause:
        raise InvalidInput(f"Setting {name}={text!r} is not a valid {kind}; correct it or remove it.") from cause


def load_settings(**options: object) -> Settings:
    """Settings from defaults, ``<data>/fairloop.toml``, the environment and ``options``, the last winning.

    Options that are ``None`` count as not given.

    Raises
    ------
    InvalidInput
        A setting does not exist or its value cannot be read; the message names it.
    """
    known = {f.name for f in fields(Settings)}
    given = {k: v for k, v in options.items() if v is not None}
    environment: dict[str, object] = {
        name: _convert(name, os.environ[ENVIRONMENT_PREFIX + name.upper()])
        for name in sorted(known)
        if ENVIRONMENT_PREFIX + name.upper() in os.environ
    }
    data = Path(str(given.get("data") or environment.get("data") or Settings().data))
    file, from_file = data / "fairloop.toml", {}
    if file.is_file():
        try:
            from_file = tomllib.loads(file.read_text("utf-8"))
        except tomllib.TOMLDecodeError as cause:
            raise InvalidInput(f"{file} is not valid TOML: {cause}. Correct that line.") from cause
    values = {**{k: _convert(k, str(v)) if k in known else v for k, v in from_file.items()}, **environment, **given}
    if unknown := sorted(set(values) - known):
        raise InvalidInput(f"Unknown setting {unknown[0]!r}; known are: {', '.join(sorted(known))}.")
    return replace(Settings(), **{**values, "data": data})  # type: ignore[arg-type]  # fields checked above
