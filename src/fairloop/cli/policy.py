"""The policy: asked here or in a CI job, shown, changed, confirmed; and decisions handed to others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.loading import POLICY_FILE, find_loop, policy_in
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when
from fairloop.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from fairloop.client.client import Client
    from fairloop.core.decisions import Judged, PolicyVersion
    from fairloop.core.policy import Facts, Policy

group = typer.Typer(help="The project's policy: what every loop must have, and who must say yes.", no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="Why; the record keeps it.", prompt="Reason")]
Number = Annotated[int, typer.Argument(metavar="VERSION", help="The version that waits.")]


@group.command("check")
def check(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="loop.py, a file of facts (.json), a cycle, or models:/NAME/VERSION.")
    ] = "loop.py",
    policy: Annotated[Path | None, typer.Option(help="Ask this file, not the project's policy.")] = None,
    loop: Annotated[str, typer.Option(help="Which loop, when the file defines several.")] = "",
    save: Annotated[Path | None, typer.Option(help="Write the facts to a file that can be checked elsewhere.")] = None,
    json_: Json = False,
) -> int:
    """Ask the policy: exit 0 when it allows it, 1 when not. loop.py and facts need no server."""
    from fairloop.core.records import to_wire

    judged = _judged(context, what, policy, loop)
    if save is not None:
        save.write_text(json.dumps(to_wire(judged.facts), indent=2, sort_keys=True) + "\n", "utf-8")
    if json_:
        show_json(to_wire(judged))
    else:
        print("allowed" if judged.verdict.allowed else "not allowed")
        for reason in judged.verdict.reasons:
            print(f"  no     {clean(reason)}")
        for need in judged.verdict.needs:
            print(f"  needs  {clean(need)}")
    return 0 if judged.verdict.allowed else 1


def _judged(context: typer.Context, what: str, file: Path | None, loop: str) -> Judged:
    from fairloop.core.decisions import Judged as Answer
    from fairloop.core.policy import evaluate

    if what.endswith(".py"):
        found, facts = _of_loop(Path(what), loop, file)
    elif what.endswith(".json"):
        facts = _facts(Path(what))
        found = policy_in(file or Path(what).resolve().with_name(POLICY_FILE))
    else:
        asked = _asked(connect(context), what)
        found, facts = policy_in(file) if file is not None else asked.policy, asked.facts
    return Answer(policy=found, facts=facts, verdict=evaluate(found, facts))


def _of_loop(path: Path, name: str, file: Path | None) -> tuple[Policy, Facts]:
    from fairloop.core.loops import definition_facts
    from fairloop.core.policy import NO_POLICY, combined

    definition = find_loop(path, name).definition
    own = definition.policy
    if file is None:
        return own or NO_POLICY, definition_facts(definition)
    asked = policy_in(file)
    return combined(asked, own) if own is not None and own != asked else asked, definition_facts(definition)


def _facts(path: Path) -> Facts:
    from fairloop.core import codec
    from fairloop.core.policy import Facts
    from fairloop.core.records import from_wire

    try:
        return from_wire(Facts, codec.loads(path.read_bytes()))
    except OSError as cause:
        raise NotFound(
            f"There is no readable file {str(path)!r}; write one with: fairloop policy check CYCLE --save"
        ) from cause


def _asked(client: Client, what: str) -> Judged:
    if what.startswith("cyc_"):
        return client.policy.of_cycle(what)
    if what.startswith("models:/"):
        return client.policy.of_version(_version_id(client, what))
    raise InvalidInput(f"{what!r} is neither a loop.py, a .json file, a cycle (cyc_...) nor models:/NAME/VERSION.")


def _version_id(client: Client, what: str) -> str:
    name, _, number = what.removeprefix("models:/").rpartition("/")
    if not name or not number.isdecimal():
        raise InvalidInput(f"{what!r} names no model version; write models:/NAME/VERSION.")
    return client.models.version(name, int(number)).id


@group.command("show")
def show(context: typer.Context, version: Annotated[int, typer.Option(help="An older version, with its change.")] = 0,
         json_: Json = False) -> None:  # fmt: skip
    """The policy in force, as YAML."""
    client = connect(context)
    if version:
        found = client.http.json("GET", f"{client.path}/policy/versions/{version}")
        if json_:
            show_json(found)
        else:
            print(found["difference"])
        return
    state = client.http.json("GET", f"{client.path}/policy")
    if json_:
        show_json(state)
        return
    if state["active"] is None:
        notice("No policy yet: each loop's own gates and approval hold. Set one with: fairloop policy set policy.yaml")
    else:
        print(state["active"]["text"].rstrip())
    if state["proposed"] is not None:
        waiting = state["proposed"]
        notice(f"Version {waiting['version']} by {clean(waiting['author'])} waits for a second person: "
               f"fairloop policy confirm {waiting['version']}")  # fmt: skip


@group.command("set")
def set_(context: typer.Context, reason: Reason,
         file: Annotated[Path, typer.Argument(help="The policy as YAML.")] = Path(POLICY_FILE),
         json_: Json = False) -> None:  # fmt: skip
    """Make a file the project's policy; under a two-person policy a second person confirms it."""
    policy_in(file)
    made = connect(context).policy.set(file.read_text("utf-8"), reason)
    _tell(made, json_)


@group.command("versions")
def versions(context: typer.Context, json_: Json = False) -> None:
    """Every version there was."""
    client = connect(context)
    page = client.http.json("GET", f"{client.path}/policy/versions")
    if json_:
        show_json(page)
        return
    cells = [
        (v["version"], v["state"], v["author"], v["decided_by"], when(v["created_at"]), v["reason"])
        for v in page["items"]
    ]
    show_table(["version", "state", "by", "confirmed by", "when", "why"], cells, empty="No policy yet.")


@group.command("confirm")
def confirm(context: typer.Context, version: Number, reason: Reason, json_: Json = False) -> None:
    """Confirm a proposed version, as a second person."""
    _tell(connect(context).policy.decide(version, confirm=True, reason=reason), json_)


@group.command("refuse")
def refuse(context: typer.Context, version: Number, reason: Reason, json_: Json = False) -> None:
    """Refuse a proposed version."""
    _tell(connect(context).policy.decide(version, confirm=False, reason=reason), json_)


def _tell(made: PolicyVersion, json_: bool) -> None:
    from fairloop.core.records import to_wire

    if json_:
        show_json(to_wire(made))
        return
    words = {"active": "is in force", "proposed": "waits for a second person: fairloop policy confirm",
             "refused": "was refused"}.get(made.state, made.state)  # fmt: skip
    print(f"Version {made.version} {words}{f' {made.version}' if made.state == 'proposed' else ''}.")


@group.command("ask")
def ask(context: typer.Context, what: Annotated[str, typer.Argument(metavar="models:/NAME/VERSION")], reason: Reason,
        json_: Json = False) -> None:  # fmt: skip
    """Ask people to approve a version that no loop made."""
    client = connect(context)
    request = client.approvals.ask(_version_id(client, what), reason)
    if json_:
        show_json(client.http.json("GET", f"{client.path}/approvals/{request.id}"))
    else:
        print(f"Asked {' or '.join(request.roles)}. They decide with: fairloop approve {request.id}")


@group.command("delegate")
def delegate(context: typer.Context, to: Annotated[str, typer.Argument(metavar="PERSON")],
             until: Annotated[str, typer.Option(help="A date, for example 2026-12-24.")], reason: Reason,
             json_: Json = False) -> None:  # fmt: skip
    """Hand your decisions to another member until a date."""
    from fairloop.core.records import to_wire

    made = connect(context).delegations.create(to, until, reason)
    if json_:
        show_json(to_wire(made))
    else:
        print(f"{clean(made.taker)} decides for {clean(made.giver)} from now on ({made.id}).")


@group.command("delegations")
def delegations(context: typer.Context, end: Annotated[str, typer.Option(metavar="ID", help="End this one.")] = "",
                json_: Json = False) -> None:  # fmt: skip
    """Who decides for whom; --end takes decisions back."""
    client = connect(context)
    if end:
        client.delegations.end(end)
    page = client.http.json("GET", f"{client.path}/delegations")
    if json_:
        show_json(page)
        return
    cells = [
        (d["giver"], d["taker"], when(d["until_at"]), when(d["ended_at"]), d["reason"], d["id"]) for d in page["items"]
    ]
    show_table(["from", "to", "until", "ended", "why", "id"], cells, empty="Nobody handed decisions over.")
