"""``fairloop NOUN list`` and ``fairloop NOUN show ID``, and what people decide about alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, show_fields, show_json, show_table, when

Columns = dict[str, Callable[[dict[str, Any]], object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One kind of object: where REST lists and shows it, and the columns of its table."""

    name: str
    help: str
    path: str
    one: str
    columns: Columns
    empty: str
    filters: tuple[str, ...] = ()


def _field(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda item: item.get(name)


def _time(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda item: when(item.get(name))


def _best(item: dict[str, Any]) -> str:
    return ", ".join(f"{m['key']} {m['value']:.4g}" for m in item.get("metrics", [])[:3])


NOUNS = [
    Noun(name="loops", help="Loops.", path="/loops", one="/loops/{}", empty="No loops yet; make one with: fairloop new",
         columns={"name": _field("name"), "version": _field("version"), "author": _field("author"),
                  "created": _time("created_at"), "id": _field("id")}),
    Noun(name="cycles", help="Turns of a loop.", path="/cycles", one="/cycles/{}", filters=("loop",),
         empty="No cycles yet; start one with: fairloop run loop.py",
         columns={"loop": _field("loop"), "cycle": _field("number"), "stage": _field("stage"),
                  "trigger": lambda c: c["trigger"].get("kind"), "started": _time("started_at"), "id": _field("id")}),
    Noun(name="approvals", help="What waits for a decision, and what was decided.", path="/approvals",
         one="/approvals/{}",
         filters=("decision",), empty="Nothing was asked yet.",
         columns={"decision": _field("decision"), "role": _field("role"), "by": _field("decided_by"),
                  "reason": _field("reason"), "expires": _time("expires_at"), "id": _field("id")}),
    Noun(name="alerts", help="Failing checks on live traffic.", path="/alerts", one="/alerts/{}", filters=("state",),
         empty="No alerts.",
         columns={"state": _field("state"), "what": _field("words"), "windows": _field("windows"),
                  "opened": _time("opened_at"), "id": _field("id")}),
    Noun(name="monitors", help="What is watched.", path="/monitors", one="/monitors/{}",
         empty="Nothing is watched yet.",
         columns={"loop": _field("loop"), "every s": _field("every_s"), "window": _field("window"),
                  "checks": lambda m: len(m["checks"]), "enabled": _field("enabled"), "id": _field("id")}),
    Noun(name="endpoints", help="Where models serve.", path="/endpoints", one="/endpoints/{}",
         empty="No endpoints yet; make one with: fairloop deploy models:/NAME/VERSION",
         columns={"name": _field("name"), "state": _field("state"), "loop": _field("loop"), "port": _field("port"),
                  "created": _time("created_at"), "id": _field("id")}),
    Noun(name="models", help="Registered models.", path="/models", one="/models/{}", empty="No models yet.",
         columns={"name": _field("name"),
                  "aliases": lambda m: ", ".join(f"{a} = {v}" for a, v in sorted(m["aliases"].items())),
                  "updated": _time("updated_at"), "id": _field("id")}),
    Noun(name="datasets", help="Datasets, each in its newest version.", path="/datasets",
         one="/datasets/{}/versions/latest", empty="No datasets yet.",
         columns={"dataset": _field("dataset"), "version": _field("version"), "rows": _field("rows"),
                  "target": lambda d: d["roles"].get("target"),
                  "sensitive": lambda d: ", ".join(d["roles"].get("sensitive", [])), "id": _field("id")}),
    Noun(name="analyses", help="Questions asked about models and data.", path="/analyses", one="/analyses/{}",
         filters=("kind", "subject_id"), empty="Nothing was asked yet; ask with: fairloop analyse explain models:/NAME/VERSION",
         columns={"kind": _field("kind"), "state": _field("state"), "finding": lambda a: (a["words"] or a["error"])[:120],
                  "by": _field("author"), "created": _time("created_at"), "id": _field("id")}),
    Noun(name="runs", help="Tracked runs.", path="/runs", one="/runs/{}", filters=("filter", "order_by"),
         empty="No runs yet.",
         columns={"name": _field("name"), "status": _field("status"), "metrics": _best, "user": _field("user"),
                  "started": _time("start_at"), "id": _field("id")}),
    Noun(name="pipelines", help="Pipeline runs.", path="/pipeline-runs", one="/pipeline-runs/{}", filters=("purpose",),
         empty="No pipeline runs yet.",
         columns={"pipeline": _field("pipeline"), "purpose": _field("purpose"), "state": _field("state"),
                  "cost usd": lambda r: f"{r['cost_usd']:.4f}", "created": _time("created_at"), "id": _field("id")}),
]  # fmt: skip


def groups() -> dict[str, typer.Typer]:
    """One command group a noun."""
    found = {noun.name: _group(noun) for noun in NOUNS}
    _decisions(found["alerts"])
    _watch(found["monitors"])
    return found


def _group(noun: Noun) -> typer.Typer:
    group = typer.Typer(help=noun.help, no_args_is_help=True)
    known = ", ".join(f"{name}=..." for name in noun.filters)
    where_help = f"Narrow it down: {known}" if known else "Nothing to narrow down here."

    @group.command("list", help=f"List {noun.name}.")
    def list_(
        context: typer.Context,
        where: list[str] = typer.Option([], help=where_help),
        limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
        json_: Json = False,
    ) -> None:
        client = connect(context)
        asked = _asked(noun, where)
        page = client.http.json("GET", client.path + noun.path, params={**asked, "limit": limit})
        if json_:
            show_json(page)
            return
        items = page["items"][:limit]
        cells = [[read(item) if read(item) is not None else "" for read in noun.columns.values()] for item in items]
        show_table(list(noun.columns), cells, empty=noun.empty)

    @group.command("show", help="Show one of them.")
    def show(context: typer.Context, which: Annotated[str, typer.Argument(metavar="ID")], json_: Json = False) -> None:
        client = connect(context)
        item = client.http.json("GET", client.path + noun.one.format(quote(which, safe="")))
        if json_:
            show_json(item)
        else:
            show_fields(item)
            _more(noun, client, which)

    return group


def _asked(noun: Noun, where: list[str]) -> dict[str, str]:
    asked = {}
    for text in where:
        name, separator, value = text.partition("=")
        if not separator or name not in noun.filters:
            known = ", ".join(noun.filters) or "nothing"
            raise typer.BadParameter(f"--where {text!r}; {noun.name} can be narrowed by: {known}")
        asked[name] = value
    return asked


def _more(noun: Noun, client: Any, which: str) -> None:
    """What belongs below the fields: a cycle's timeline, a run's steps."""
    if noun.name == "cycles":
        print()
        for event in client.cycles.events(which):
            print(f"{when(_iso(event.at_ms))}  {event.kind:<17} {clean(event.text)}")
    elif noun.name == "pipelines":
        print()
        steps = [(s.key, s.state, s.used.get("wall_s"), s.error.splitlines()[-1] if s.error else "")
                 for s in client.pipelines.steps(which)]  # fmt: skip
        cells = [["" if v is None else v for v in step] for step in steps]
        show_table(["step", "state", "wall s", "error"], cells, empty="No steps.")


def _iso(at_ms: int) -> str | None:
    from fairloop.core.clock import rfc3339

    return rfc3339(at_ms)


def _watch(group: typer.Typer) -> None:
    @group.command("run", help="Judge what came since the last look, now.")
    def run(context: typer.Context, which: Annotated[str, typer.Argument(metavar="ID")], json_: Json = False) -> int:
        client = connect(context)
        done = client.monitors.judge_now(which)
        found = client.http.json("GET", f"{client.path}/alerts", params={"state": "open"})
        if json_:
            show_json(client.http.json("GET", f"{client.path}/pipeline-runs/{done.id}"))
        else:
            print(f"Watch run {done.id}: {done.state}. {clean(done.error)}")
            for alert in found["items"]:
                print(f"alert  {clean(alert['words'])}")
        return 0 if str(done.state) == "done" else 1


def _decisions(group: typer.Typer) -> None:
    def decide(context: typer.Context, alert_id: str, reason: str, json_: bool, what: str) -> None:
        client = connect(context)
        act = client.alerts.acknowledge if what == "acknowledge" else client.alerts.resolve
        done = act(alert_id, reason)
        if json_:
            show_json(client.http.json("GET", f"{client.path}/alerts/{alert_id}"))
        else:
            print(f"{done.state.capitalize()}: {clean(done.words)}")

    reason_option: str = typer.Option("", help="Why; the record keeps it.")

    @group.command("acknowledge", help="Say that you look after an alert.")
    def acknowledge(context: typer.Context, alert_id: Annotated[str, typer.Argument(metavar="ID")],
                    reason: str = reason_option, json_: Json = False) -> None:  # fmt: skip
        decide(context, alert_id, reason, json_, "acknowledge")

    @group.command("resolve", help="Say that an alert is dealt with.")
    def resolve(context: typer.Context, alert_id: Annotated[str, typer.Argument(metavar="ID")],
                reason: str = reason_option, json_: Json = False) -> None:  # fmt: skip
        decide(context, alert_id, reason, json_, "resolve")
