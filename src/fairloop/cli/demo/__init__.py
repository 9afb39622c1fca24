"""``fairloop demo``: the loop, turned three times on real census data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Annotated

import psutil
import typer

from fairloop.client.discover import find, find_or_start

HOME = Path(".demo")
DATA = ".fairloop"
"""As in any working folder, so that the command line finds the demo's server from there."""


def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End the server when the story is told.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write the story's numbers as JSON.")] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="Where the demo keeps its data.")] = None,
) -> None:
    """Turn the loop three times on real census data, then leave the page open."""
    from fairloop.cli.demo.story import PROJECT, Story

    began = time.monotonic()
    place = (folder or HOME / time.strftime("%Y%m%d-%H%M%S")).resolve()
    _forget_ended_ones()
    place.mkdir(parents=True, exist_ok=True)
    os.environ["FAIRLOOP_PORT"] = str(_free_port(8700))
    print("Fairloop demo. Census data: UCI Adult (Becker and Kohavi, 1996), CC BY 4.0.", flush=True)
    found = find_or_start(place / DATA, idle_exit_s=0)
    print(f"   the server is up at {found.url} ({time.monotonic() - began:.1f} s); its folder is {place}", flush=True)
    story = Story(url=found.url, folder=place, say=lambda line: print(line, flush=True))
    try:
        story.tell()
        if report is not None:
            story.told["seconds"] = round(time.monotonic() - began, 1)
            story.told["data"] = str(place / DATA)
            story.told["url"] = found.url
            report.write_text(json.dumps(story.told, indent=1, sort_keys=True) + "\n", "utf-8")
    finally:
        if leave:
            story.stop_endpoints()
            os.kill(found.pid, signal.SIGTERM)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"\nTold in {minutes} min {seconds:02d} s.", end=" ")
    if leave:
        print("The server has ended.")
    else:
        print(
            f"The server goes on (process {found.pid}). Approve or refuse cycle 3 here:\n\n   {found.url}/projects/{PROJECT}\n"
        )


def _free_port(first: int) -> int:
    """The first port from ``first`` on that nobody uses."""
    for port in range(first, first + 200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    return 0


def _forget_ended_ones() -> None:
    """Remove the folders of earlier demos whose server has ended, and end the endpoints that outlived it."""
    for old in sorted(HOME.glob(f"*/{DATA}")):
        if find(old) is None:
            for process in psutil.process_iter(["cmdline"]):
                if any(str(old.resolve()) in part for part in process.info["cmdline"] or []):
                    process.terminate()
            shutil.rmtree(old.parent, ignore_errors=True)
