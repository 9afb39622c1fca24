"""The endpoint process: ``python -m fairloop.serving.endpoint FOLDER``. It outlives the server that started it."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from fairloop.serving.app import EndpointApp
from fairloop.serving.engine import Engine
from fairloop.serving.layout import Config, Folder, ProcessState, process_started

log = logging.getLogger(__name__)
_STATS_TICKS = 10  # uvicorn ticks ten times a second


def listen(config: Config) -> socket.socket:
    """A listening socket on the config's port, or a free one at the first start. Connections wait in its backlog
    while models load, so a restart delays clients instead of refusing them."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((config.host, config.port))
    listener.listen(2048)
    return listener


class Endpoint(uvicorn.Server):
    """uvicorn with the endpoint's engine: counters are saved while it runs, the spool is sealed when it ends."""

    def __init__(self, folder: Folder, engine: Engine, control_token: str) -> None:
        self._engine = engine
        self._folder = folder
        app: Any = EndpointApp(engine, control_token=control_token, stop=self.stop)
        super().__init__(uvicorn.Config(app, http="httptools", loop="uvloop", lifespan="off", access_log=False,
                                        log_level="warning", timeout_keep_alive=65, timeout_graceful_shutdown=20,
                                        server_header=False, date_header=False))  # fmt: skip

    def stop(self) -> None:
        """Finish the requests in flight, then end."""
        self._engine.draining = True
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % _STATS_TICKS == 0:
            if not self._folder.path.is_dir():
                self.stop()  # the data folder was removed: nobody can find or stop this process any more
            self._engine.write_stats()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await asyncio.to_thread(self._engine.close)
        state = self._folder.read_state()
        if state is not None and state.pid == os.getpid():
            self._folder.clear_state()


def main(arguments: list[str]) -> None:
    folder = Folder(Path(arguments[0]).resolve())
    os.chdir(folder.path)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    lock = folder.lock.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("another process serves this endpoint already")
    config = folder.read_config()
    listener = listen(config)
    token = secrets.token_urlsafe(32)
    engine = Engine(folder)
    engine.start()
    folder.write_state(ProcessState(pid=os.getpid(), started=process_started(os.getpid()) or 0, control_token=token,
                                    port=listener.getsockname()[1], endpoint_id=config.endpoint_id))  # fmt: skip
    server = Endpoint(folder, engine, token)
    server.run(sockets=[listener])
    os._exit(0)  # a model thread that hangs must not keep a drained process alive


if __name__ == "__main__":
    main(sys.argv[1:])
