"""An evidence pack of a version that went live: made by the server, checked without it."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.conftest import RunningServer
from tests.support.loops import loop, publish_people, turn

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.models import ModelVersion
from fairloop.errors import IntegrityError, NotFound
from fairloop.evidence.verify import verify_bytes


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    server.client().people.create("ada", administrator=True)
    return server.client(person="ada")


@pytest.fixture(scope="module")
def version(client: Client) -> ModelVersion:
    """A version that passed a quality gate, a person approved, and that serves."""
    from fairloop.core.cycles import Stage

    made = loop("judged", goal="Say who is good", approval=fl.Approval(role="manager", expires="1d"))
    cycle = turn(client, made, publish_people(client), until=(Stage.APPROVE,))
    [request] = client.approvals.list(cycle_id=cycle.id)
    client.approvals.decide(request.id, approve=True, reason="the numbers are good enough for a trial")
    done = client.cycles.follow(cycle.id, lambda _: None, timeout_s=120)
    assert done.stage is Stage.LIVE
    return client.models.version("judged", 1)


@pytest.fixture(scope="module")
def pack(client: Client, version: ModelVersion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = client.evidence.make(version.id, because="the yearly audit")
    return client.evidence.save(made, tmp_path_factory.mktemp("packs") / "pack.zip")


def test_what_the_pack_holds(client: Client, version: ModelVersion, pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert {"index.html", "model-card.md", "data-card.json", "annex-iv.html", "nist-ai-rmf.md", "verdicts.json",
            "approvals.json", "lineage.json", "policy.json", "audit.json", "environment.lock", "sbom.cdx.json",
            "hardware.json", "evaluations.json"} <= set(files)  # fmt: skip
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(files["sbom.cdx.json"].decode()) is None
    assert "numpy" in {c["name"] for c in json.loads(files["sbom.cdx.json"])["components"]}
    [approval] = json.loads(files["approvals.json"])
    assert (approval["decided_by"], approval["reason"]) == ("ada", "the numbers are good enough for a trial")
    assert "model.approved" in {e["action"] for e in json.loads(files["audit.json"])["entries"]}
    card = files["model-card.md"].decode()
    assert "Approved by ada" in card
    assert "Say who is good" in card
    tests = [e for e in json.loads(files["evaluations.json"]) if e["part"] == "test"]
    assert tests[0]["predictions_sha256"] in card
    for name in ("annex-iv.md", "nist-ai-rmf.md"):
        assert "supports" in files[name].decode()
        assert "complies" not in files[name].decode().replace("no statement that anything complies", "")
        assert "*Missing*" in files[name].decode()
    html = files["index.html"].decode()
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_it_verifies_with_the_file_only(client: Client, pack: Path) -> None:
    [key] = client.evidence.keys()
    checked = verify_bytes(pack.read_bytes(), key.public_key)
    assert (checked.model, checked.version, checked.made_by, checked.pinned) == ("judged", 1, "ada", True)
    assert "the yearly audit" in " ".join(checked.words)
    with pytest.raises(IntegrityError, match="the key"):
        verify_bytes(pack.read_bytes(), "00" * 32)


def test_the_command_needs_no_server(client: Client, pack: Path) -> None:
    """In an empty folder, in a process that may open no socket and load nothing heavy."""
    code = (
        "import socket, sys\n"
        "socket.socket = None\n"
        "from fairloop.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n"
        "    heavy = {'numpy', 'polars', 'pandas', 'sqlalchemy', 'litestar'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )

    def verify(file: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, "verify", str(file), *more], capture_output=True, text=True,
                              cwd=pack.parent)  # fmt: skip

    public = client.evidence.keys()[-1].public_key
    done = verify(pack, "--key", public)
    assert done.returncode == 0, done.stderr
    assert "judged v1" in done.stdout
    assert "the yearly audit" in done.stdout
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    broken = pack.parent / "broken.zip"
    broken.write_bytes(bytes(data))
    changed = verify(broken)
    assert (changed.returncode, changed.stderr) == (1, "")
    assert "NOT VALID" in changed.stdout
    assert verify(pack, "--key", "00" * 32).returncode == 1


def test_a_flipped_byte_of_a_real_pack_is_noticed(pack: Path) -> None:
    data = pack.read_bytes()
    places = [0, len(data) - 1, *random.Random(0).sample(range(len(data)), 100)]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 0x20
        with pytest.raises(IntegrityError):
            verify_bytes(bytes(changed))


def test_a_pack_is_made_when_a_version_goes_live(client: Client, version: ModelVersion, pack: Path) -> None:
    made = client.evidence.list(model_version_id=version.id).items
    assert {p.because for p in made} == {"it went live", "the yearly audit"}
    assert client.evidence.get(made[0].id) == made[0]


def test_rotating_the_key_keeps_old_packs_valid(client: Client, version: ModelVersion, pack: Path) -> None:
    [old] = client.evidence.keys()
    new = client.evidence.rotate_key()
    assert [k.id for k in list(client.evidence.keys())] == [new.id, old.id]
    assert client.evidence.keys()[1].retired_ms is not None
    assert verify_bytes(pack.read_bytes(), old.public_key).key_id == old.id
    assert client.evidence.make(version.id).key_id == new.id


def test_the_private_key_is_readable_by_the_server_only(server: RunningServer, pack: Path) -> None:
    files = sorted((server.data / "signing").iterdir())
    assert [oct(f.stat().st_mode & 0o777) for f in files] == ["0o600"] * len(files)
    assert len([f for f in files if f.suffix == ".pem"]) == 1


def test_another_project_cannot_read_a_pack(server: RunningServer, client: Client, pack: Path) -> None:
    client.projects.create("elsewhere")
    made = client.evidence.list().items[0]
    with pytest.raises(NotFound):
        server.client(project="elsewhere", person="ada").evidence.get(made.id)


def test_the_page_says_it_in_words_and_what_is_missing(server: RunningServer, client: Client, pack: Path) -> None:
    import httpx

    with httpx.Client(base_url=server.url, trust_env=False) as http:
        page = http.get("/projects/default/models/judged/1/evidence").text
        made = client.evidence.list().items[-1]
        data = http.get(f"/projects/default/models/judged/1/evidence/{made.id}").content
    assert "Approved by ada" in page
    assert "Annex IV headings" in page
    assert "Missing:" in page
    assert client.evidence.keys()[0].public_key in page
    assert verify_bytes(data).model == "judged"


def test_the_same_files_make_the_same_bytes(pack: Path) -> None:
    from fairloop.evidence.archive import opened

    data = pack.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [i.filename for i in archive.infolist()]
    assert names == sorted(names)
    assert set(opened(data).files) == set(names) - {"manifest.json", "signature.json"}
