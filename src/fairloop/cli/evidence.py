"""Evidence packs: make, list, keys; and check one without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairloop.cli.connection import connect
from fairloop.cli.output import Json, clean, notice, show_json, show_table, when
from fairloop.errors import IntegrityError, InvalidInput

evidence = typer.Typer(help="Signed evidence packs of model versions.", no_args_is_help=True)


@evidence.command("make", help="Make the pack of a model version and save it here.")
def make(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="MODEL/VERSION", help="For example income/3, or income/production.")],
    because: Annotated[str, typer.Option(help="What it is for; signed with the rest.")] = "",
    out: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    json_: Json = False,
) -> None:
    client = connect(context)
    name, slash, version = which.removeprefix("models:/").rpartition("/")
    if not slash or not name:
        raise InvalidInput(f"{which!r} names no version; write MODEL/VERSION, for example income/3.")
    found = client.models.version(name, int(version) if version.isdecimal() else version)
    from fairloop.core.packs import file_name

    pack = client.evidence.make(found.id, because=because)
    saved = client.evidence.save(pack, out or Path(file_name(pack.model, pack.version)))
    if json_:
        show_json(client.http.json("GET", f"{client.path}/evidence/{pack.id}"))
        return
    print(
        f"{saved}: {clean(pack.model)} v{pack.version}, signed with the key {pack.key_id}, {len(pack.missing)} things missing."
    )
    notice(f"Check it anywhere with: fairloop verify {saved}")


@evidence.command("list", help="List the packs made.")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    json_: Json = False,
) -> None:
    client = connect(context)
    page = client.http.json("GET", f"{client.path}/evidence", params={"limit": limit})
    if json_:
        show_json(page)
        return
    cells = [[f"{p['model']} v{p['version']}", when(p["created_at"]), p["made_by"], p["because"], len(p["missing"]),
              p["id"]] for p in page["items"]]  # fmt: skip
    show_table(["version", "made", "by", "because", "missing", "id"], cells,
               empty="No evidence packs yet; make one with: fairloop evidence make MODEL/VERSION")  # fmt: skip


@evidence.command("keys", help="The public keys this server signs with.")
def keys(context: typer.Context, json_: Json = False) -> None:
    page = connect(context).http.json("GET", "/api/v1/signing-keys")
    if json_:
        show_json(page)
        return
    cells = [[k["id"], k["public_key"], when(k["created_at"]), when(k["retired_at"])] for k in page["items"]]
    show_table(["id", "public key", "since", "retired"], cells, empty="No keys.")


@evidence.command("rotate-key", help="Sign with a new key from now on; old packs stay valid.")
def rotate_key(context: typer.Context, json_: Json = False) -> None:
    client = connect(context)
    made = client.evidence.rotate_key()
    if json_:
        show_json(client.http.json("GET", "/api/v1/signing-keys"))
    else:
        print(f"From now on packs are signed with the key {made.id}: {made.public_key}")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence pack.")],
    key: Annotated[str, typer.Option(help="The public key it must be signed with: 64 digits, or a file.")] = "",
    json_: Json = False,
) -> int:
    """Check that nothing in an evidence pack was changed; needs the file only, no server."""
    from fairloop.evidence.verify import verify_file

    try:
        found = verify_file(file, key)
    except IntegrityError as cause:
        if json_:
            show_json({"ok": False, "reason": cause.message})
        else:
            print(f"NOT VALID  {clean(str(file))}: {clean(cause.message)}")
        return 1
    if json_:
        from fairloop.core.records import to_plain

        show_json({"ok": True, **to_plain(found)})
        return 0
    print(f"VALID  {clean(str(file))}")
    for line in found.words:
        print(f"  {clean(line)}")
    print(f"  Missing, as the pack itself says: {len(found.missing)} things; see index.html inside.")
    return 0
