"""Start the server: settings -> services -> app -> uvicorn."""

from __future__ import annotations

import uvicorn

from fairloop.server.app import create_app
from fairloop.server.services import build_services
from fairloop.settings import Settings


def serve(settings: Settings) -> None:
    """Run the server until it is told to stop."""
    app = create_app(build_services(settings))
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False, timeout_graceful_shutdown=10)
