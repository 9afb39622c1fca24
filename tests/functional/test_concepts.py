"""Neural networks through a real server: asked what they lean on, served for pictures, loaded without pickle."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
import torch

import fairloop as fl
from fairloop.cli.main import run
from fairloop.core.datasets import Roles
from fairloop.datasets.publish import publish
from fairloop.errors import StepFailed
from fairloop.evaluation.concepts import read_vectors
from fairloop.sdk.deploy import _register as register
from fairloop.tables.table import Table
from support import networks
from support.pictures import images, trained

MALE = {"name": "male", "where": {"sex": "male"}}


@pytest.fixture(scope="module")
def candidate(server: Any) -> str:
    client = server.client()
    networks.publish_notes(client)
    done = networks.read_notes.run(client=client, rows=networks.NOTES, quiet=True)
    return str(client.candidates.list(pipeline_run_id=done.id).items[0].id)


def test_a_network_is_asked_what_it_leans_on(server: Any, candidate: str, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    client = server.client()
    done = client.analyses.wait(client.analyses.start("concepts", candidate, {"concepts": [MALE]}).id, timeout_s=120)
    (found,) = done.result["concepts"]
    assert found["leans"]
    assert found["influence_low"] > 0.1
    assert done.words.startswith("The model's answer 'doctor' leans on the concept 'male': TCAV score ")
    vectors = read_vectors(client.blobs.get(done.result["vectors"]))
    assert [key[0] for key in vectors] == ["male"]

    monkeypatch.setenv("FAIRLOOP_URL", server.url)
    assert run(["analyse", "swap", candidate, "-p", "pairs=he/she", "-p", "name=sex"]) == 0
    assert "'she' in place of 'he' changes the score by -0." in capsys.readouterr().out


def test_questions_it_cannot_answer_say_why(server: Any, candidate: str) -> None:
    client = server.client()
    for kind, params, words in (
        ("concepts", {}, "Name a concept"),
        ("concepts", {"where": "sex"}, "write COLUMN=VALUE"),
        ("concepts", {"where": "colour=red"}, "'colour', which the table does not have"),
        ("concepts", {"where": "sex=male", "layers": "9"}, "no layer '9'; its layers are: 0, 1, 2, 3"),
        ("swap", {"pairs": "he"}, "write pairs such as he/she"),
    ):
        with pytest.raises(StepFailed, match=words):
            client.analyses.wait(client.analyses.start(kind, candidate, params).id)


def test_pictures_are_judged_served_and_compared(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions of a network for pictures: an endpoint answers lists of numbers, and what they lean on is compared."""
    client = server.client()
    monkeypatch.setattr("fairloop.sdk.session._session", client)
    roles = Roles(target="shape", positive="cross", sensitive=[], ignore=["stripes"])
    rows = Table(images.pictures(600, 3), roles)
    publish(client, "pictures", rows)
    older, model = (fl.Model(trained(images.pictures(600, seed, strength=strength), seed))
                    for strength, seed in ((0.5, 1), (0.95, 2)))  # fmt: skip
    for one in (older, model):
        one.describe(rows.X)
    register(older, "shapes")
    deployed = fl.deploy(model, "shapes")
    try:
        first = rows.X["image"].iloc[0]
        nested = deployed.predict([{"image": first.tolist()}])
        flat = deployed.predict([{"image": first.ravel().tolist()}])
    finally:
        client.endpoints.stop("shapes", reason="asked enough")
    assert nested["scores"] == flat["scores"] == pytest.approx([float(model.scores(rows.X.head(1))[0])], abs=1e-6)

    asked = {
        "concepts": [{"name": "stripes", "where": {"stripes": True}}],
        "data": "pictures",
        "against": "models:/shapes/1",
    }
    done = client.analyses.wait(client.analyses.start("concepts", "models:/shapes/2", asked).id, timeout_s=120)
    (drift,) = done.result["drift"]
    assert drift["moved"]
    assert drift["change"] > 0.1
    assert "Since shapes v1 the answer 'cross' leans more on the concept 'stripes'" in done.words

    page = httpx.get(f"{server.url}/projects/default/models/shapes/2/why").text
    assert "Concepts in the network" in page
    assert "Since shapes v1" in page


def test_a_network_on_pixels_and_plain_torch_agree() -> None:
    """What fl.Net answers is what the network says, through the sigmoid."""
    net = trained(images.pictures(200, 1), 1, epochs=2)
    X = Table(images.pictures(50, 2), Roles(target="shape", ignore=["stripes"])).X
    with torch.no_grad():
        expected = torch.sigmoid(net(torch.from_numpy(np.stack(X["image"].tolist())))[:, 0]).numpy()
    np.testing.assert_allclose(fl.Model(net).scores(X), expected, atol=1e-7)
