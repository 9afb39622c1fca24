"""Every command by name. Commands load what they need when they run, so that help and errors come at once."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from fairloop import __version__
from fairloop.cli import (
    analyses,
    approvals,
    audit,
    credentials,
    doctor,
    endpoints,
    evidence,
    labels,
    loops,
    members,
    notices,
    nouns,
    policy,
    server,
    status,
    voices,
)
from fairloop.cli.connection import Connection


class Commands(TyperGroup):
    """Help lists commands as a loop is lived, not by the alphabet; the demo, which needs more, loads when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.commands, "demo"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name == "demo":
            from fairloop.cli.demo import demo

            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command("demo")(demo)
            return typer.main.get_command(alone)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="fairloop", cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="One loop from data to production and back, fair by gate.",
)  # fmt: skip


@app.callback()
def options(
    context: typer.Context,
    url: Annotated[str, typer.Option(help="The server. Default: that of this folder.", envvar="FAIRLOOP_URL")] = "",
    project: Annotated[str, typer.Option(help="The project.", envvar="FAIRLOOP_PROJECT")] = "",
    person: Annotated[str, typer.Option(help="Whom to act as (local mode).", envvar="FAIRLOOP_PERSON")] = "",
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(f"fairloop {__version__}")
        raise typer.Exit
    context.obj = Connection(url=url, project=project, person=person)


app.command("up")(server.up)
app.command("new")(loops.new)
app.command("run")(loops.run)
app.command("status")(status.status)
app.command("analyse")(analyses.analyse)
app.command("approve")(approvals.approve)
app.command("refuse")(approvals.refuse)
app.command("cancel")(loops.cancel)
app.command("deploy")(endpoints.deploy)
app.command("predict")(endpoints.predict)
app.command("feedback")(endpoints.feedback)
app.command("login")(credentials.login)
app.command("doctor")(doctor.doctor)
app.add_typer(evidence.evidence, name="evidence")
app.command("verify")(evidence.verify)
app.add_typer(credentials.tokens, name="token")
app.add_typer(audit.group, name="audit")
app.add_typer(labels.group, name="label")
app.add_typer(members.group, name="members")
app.add_typer(voices.comments, name="comments")
app.add_typer(voices.appeals, name="appeals")
app.add_typer(policy.group, name="policy")
app.add_typer(notices.group, name="notices")
for name, group in nouns.groups().items():
    app.add_typer(group, name=name)
