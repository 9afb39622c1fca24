"""The scandal suite for real: each biased example is refused by a server's gates, and the refusal names the cause."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.conftest import RunningServer
from tests.support.scandals import FOLDER, NAMES

from fairloop.cli.loading import find_loop
from fairloop.client.client import Client
from fairloop.core.cycles import Stage

CAUSES = {
    "toxicity": ["false positive rate differs by dialect", "stand in for dialect"],
    "face": ["false positive rate differs by tone", "'dark'"],
    "recruiter": ["share selected differs by sex", "the column 'years_since_graduation' stands in for sex"],
    "translation": ["severe answers rest on weak evidence", "must go to a person"],
    "doctor": ["leans on the concept 'male'", "The words alone move the answer"],
}


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    return server.client()


@pytest.mark.parametrize("name", NAMES)
def test_a_scandal_is_refused_and_its_cause_named(client: Client, tmp_path: Path, name: str) -> None:
    file = Path(shutil.copy(FOLDER / f"{name}.py", tmp_path))  # as somebody who has nothing but the file
    cycle = find_loop(file).run(client, on_event=lambda _: None)
    assert cycle.stage is Stage.REFUSED, cycle.words
    for words in CAUSES[name]:
        assert words in cycle.words
