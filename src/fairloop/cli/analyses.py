"""Ask a question about a model or data, and print the finding."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json
from fairloop.core import codec
from fairloop.errors import InvalidInput


def analyse(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="The question: explain, counterfactual and others; see the docs.")
    ],
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT", help="models:/NAME/VERSION, datasets:/NAME/VERSION, predictions:/ID, or an id."
        ),
    ],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE; JSON values are read as such.")
    ] = None,
    wait_s: Annotated[float, typer.Option("--wait", help="Wait so many seconds for the answer; 0 only asks.")] = 600,
    json_: Json = False,
) -> None:
    """Ask why: where a gap comes from, where a model errs, what would flip one answer."""
    client = connect(context)
    started = client.analyses.start(kind, subject, _params(param or []))
    if wait_s > 0:
        done = client.analyses.wait(started.id, timeout_s=wait_s)
        if not json_:
            print(clean(done.words) or "Done.")
    elif not json_:
        print(f"Asked; look with: fairloop analyses show {started.id}")
    if json_:
        show_json(client.http.json("GET", f"{client.path}/analyses/{started.id}"))
    else:
        notice(f"{kind} {started.id}")


def _params(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator:
            raise typer.BadParameter(f"--param {text!r}; write NAME=VALUE.")
        try:
            found[name] = codec.loads(value)
        except InvalidInput:  # plain text needs no quotes
            found[name] = value
    return found
