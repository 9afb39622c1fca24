"""Put a model into service, ask it, and tell it what turned out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, notice, show_json, show_table
from fairloop.cli.rows import label_of, parse_object, read_rows, typed
from fairloop.errors import InvalidInput

if TYPE_CHECKING:
    from fairloop.client.client import Client

_BATCH = 500


def deploy(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="models:/NAME/VERSION or models:/NAME@ALIAS.")],
    endpoint: Annotated[str, typer.Option(help="Where; by default an endpoint with the model's name.")] = "",
    share: Annotated[int, typer.Option(min=0, max=100, help="Percent of the traffic.")] = 100,
    json_: Json = False,
) -> int:
    """Serve a registered model, with or without a loop, after its smoke test."""
    client = connect(context)
    name, version = _parse(client, model)
    where = endpoint or name
    notice(f"Starting {name} version {version} on {where}: load, smoke test, then traffic ...")
    deployment = client.endpoints.deploy(where, f"models:/{name}/{version}", share=share)
    told = client.endpoints.describe(where)
    failed = str(deployment.state) == "failed"
    if json_:
        show_json(next(d for d in told["deployments"] if d["id"] == deployment.id))
    elif failed:
        notice(f"{name} version {version} failed its smoke test and sees no traffic: {deployment.reason}")
    else:
        traffic = f"{deployment.share} % of the traffic"
        print(f"{name} version {version} is {deployment.state} with {traffic} at {told.get('url')}")
    return 1 if failed else 0


def _parse(client: Client, model: str) -> tuple[str, int]:
    name, separator, version = model.removeprefix("models:/").rpartition("/")
    if separator and version.isdecimal():
        return name, int(version)
    name, separator, alias = model.removeprefix("models:/").rpartition("@")
    if not separator:
        raise InvalidInput(
            f"{model!r} names no model version; write models:/NAME/VERSION, for example models:/income/1."
        )
    return name, client.models.version(name, alias).version


def predict(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    row: Annotated[
        list[str] | None, typer.Option(help="A row as JSON, for example '{\"age\": 39}'. Repeatable.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Rows: CSV, JSON, JSON lines, Parquet; - for stdin.")] = None,
    sensitive: Annotated[
        str, typer.Option(help='Sensitive values as JSON (\'{"sex": "Female"}\'), or columns of the file (sex,race).')
    ] = "",
    json_: Json = False,
) -> None:
    """Ask an endpoint."""
    if (file is None) == (not row):
        raise InvalidInput("Give rows with --row '{...}' or with --file, one of the two.")
    client = connect(context)
    rows = [parse_object(text, "--row") for text in row or []] if file is None else read_rows(file)
    if not rows:
        raise InvalidInput("There are no rows to predict.")
    told = _sensitive(sensitive, rows)
    if file is not None:
        rows = typed(rows, _columns(client, endpoint))
    answers = list(_ask(client, endpoint, rows, told))
    if json_:
        show_json(answers[0] if len(answers) == 1 else
                  {key: [v for a in answers for v in a[key]] for key in answers[0]})  # fmt: skip
        return
    lines = [line for a in answers for line in zip(a["predictions"], a["scores"], a["prediction_ids"], strict=True)]
    show_table(["prediction", "score", "prediction id"], [(p, _short(s), i) for p, s, i in lines], empty="No answer.")


def _ask(
    client: Client, endpoint: str, rows: list[dict[str, Any]], told: dict[str, list[Any]]
) -> Iterator[dict[str, Any]]:
    for start in range(0, len(rows), _BATCH):
        part = {attribute: values[start : start + _BATCH] for attribute, values in told.items()}
        yield client.predictions.predict(endpoint, rows[start : start + _BATCH], sensitive=part or None)
        if len(rows) > _BATCH:
            notice(f"{min(start + _BATCH, len(rows))} of {len(rows)} rows")


def _short(score: Any) -> str:
    return f"{score:.6g}" if isinstance(score, float) else str(score)


def _sensitive(given: str, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Attribute to one value a row; columns of the file are taken out of what the model sees."""
    if not given:
        return {}
    if given.lstrip().startswith("{"):
        found = parse_object(given, "--sensitive")
        return {name: value if isinstance(value, list) else [value] * len(rows) for name, value in found.items()}
    names = [name.strip() for name in given.split(",") if name.strip()]
    for name in names:
        if name not in rows[0]:
            raise InvalidInput(f"There is no column {name!r} among: {', '.join(rows[0])}.")
    return {name: [row.pop(name, None) for row in rows] for name in names}


def _columns(client: Client, endpoint: str) -> list[dict[str, Any]]:
    """The inputs of what serves now, so that the text of a CSV becomes numbers where the model wants them."""
    serving = [d for d in client.endpoints.deployments(endpoint) if d.share > 0]
    if not serving:
        return []
    signature = client.models.version_by_id(serving[0].model_version_id).signature
    return list(signature.get("columns") or [])


def feedback(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    prediction_id: Annotated[str, typer.Argument(metavar="[PREDICTION_ID]", help="As the endpoint answered it.")] = "",
    label: Annotated[str, typer.Option(help="What turned out, for example '>50K' or 1.")] = "",
    sensitive: Annotated[str, typer.Option(help="Sensitive values as JSON, or columns of the file.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="Many: rows with prediction_id, label, and sensitive columns.")
    ] = None,
    json_: Json = False,
) -> None:
    """Send labels and sensitive values for predictions made earlier."""
    if (file is None) == (not prediction_id):
        raise InvalidInput("Give one PREDICTION_ID with --label, or many with --file, one of the two.")
    lines = _from_file(file, sensitive) if file else [_line(prediction_id, label, sensitive)]
    client = connect(context)
    accepted = 0
    for start in range(0, len(lines), _BATCH):
        accepted += client.predictions.feedback(endpoint, lines[start : start + _BATCH])
    if json_:
        show_json({"accepted": accepted})
    else:
        print(f"{accepted} accepted; the next watch run judges with them.")


def _line(prediction_id: str, label: str, sensitive: str) -> dict[str, Any]:
    line: dict[str, Any] = {"prediction_id": prediction_id}
    if label:
        line["label"] = label_of(label)
    if sensitive:
        line["sensitive"] = parse_object(sensitive, "--sensitive")
    return line


def _from_file(file: Path, sensitive: str) -> list[dict[str, Any]]:
    rows = read_rows(file)
    if not rows or "prediction_id" not in rows[0]:
        raise InvalidInput(f"{file.name} needs a column prediction_id, and label or sensitive columns beside it.")
    told = _sensitive(sensitive, rows)
    lines = []
    for number, row in enumerate(rows):
        line: dict[str, Any] = {"prediction_id": row["prediction_id"]}
        if row.get("label") is not None:
            line["label"] = label_of(row["label"]) if isinstance(row["label"], str) else row["label"]
        values = {name: listed[number] for name, listed in told.items() if listed[number] is not None}
        if values:
            line["sensitive"] = values
        lines.append(line)
    return lines
