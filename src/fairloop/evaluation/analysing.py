"""The step that answers an analysis, and what the functions that answer receive. It runs in a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairloop.core import codec
from fairloop.core.analyses import MAX_RESULT_BYTES, Analysis
from fairloop.core.cycles import Cycle
from fairloop.core.models import Candidate, ModelVersion
from fairloop.core.pipelines import StepRun
from fairloop.errors import InvalidInput
from fairloop.pipelines import functions, values
from fairloop.pipelines.context import Context, current
from fairloop.registry.model import Model
from fairloop.tables.table import Table

PARTS = ("train", "validation", "test")
_INPUTS = {"validation": "valid", "test": "test"}


def run(analysis_id: str, function: dict[str, str], given: Any = None) -> dict[str, Any]:
    """Answer one analysis: call its kind's function and hand in what it returns."""
    context = current()
    analysis: Analysis = context.client.analyses.get(analysis_id)
    params = analysis.params if given is None else analysis.params | {"given": given}
    answer: Callable[[Context, Subject, dict[str, Any]], dict[str, Any]] = functions.load(
        function, context.client.blobs
    )
    result = dict(answer(context, Subject(context, analysis.subject_kind, analysis.subject_id), params))
    words = str(result.pop("words", ""))
    text = codec.dumps(result)
    if len(text) > MAX_RESULT_BYTES // 2:  # REST writes it with escapes
        result = {"blob": context.client.blobs.put(text.encode())}
    context.client.analyses.finish(analysis_id, result=result, words=words)
    print(words)  # noqa: T201  # the step's log
    return {"analysis_id": analysis_id}


@dataclass(slots=True)
class Subject:
    """What an analysis is about, with the model and the rows behind it; each is fetched when asked for."""

    context: Context
    kind: str
    id: str

    # ------------------------------------------------------------------ records
    def version(self) -> ModelVersion | None:
        client = self.context.client
        if self.kind == "model_version":
            return client.models.version_by_id(self.id)
        if self.kind == "cycle" and (found := self.cycle()) is not None and found.model_version_id:
            return client.models.version_by_id(found.model_version_id)
        return None

    def candidate(self) -> Candidate | None:
        """The judged candidate behind the subject; None for a version registered without one, or for data."""
        candidate_id = self.id if self.kind == "candidate" else None
        if self.kind == "cycle":
            candidate_id = self.context.client.cycles.get(self.id).chosen_candidate_id
        elif self.kind == "model_version":
            candidate_id = self.context.client.models.version_by_id(self.id).candidate_id
        return None if candidate_id is None else self.context.client.candidates.get(candidate_id)

    def cycle(self) -> Cycle | None:
        """The cycle the subject belongs to."""
        if self.kind == "cycle":
            return self.context.client.cycles.get(self.id)
        cycle_id = None
        if self.kind == "model_version":
            cycle_id = self.context.client.models.version_by_id(self.id).cycle_id
        elif (candidate := self.candidate()) is not None:
            cycle_id = candidate.cycle_id
        return None if cycle_id is None else self.context.client.cycles.get(cycle_id)

    # ------------------------------------------------------------------ the model
    def model(self) -> Model:
        """The fitted model, as an endpoint would load it."""
        if self.kind == "model_version":
            with tempfile.TemporaryDirectory() as folder:
                return Model.load(self.context.client.models.download(self.id, Path(folder)))
        candidate = self.candidate()
        if candidate is None:
            raise InvalidInput(f"A {self.kind.replace('_', ' ')} without a chosen candidate has no model to look at.")
        stored = {"kind": "model", "sha256": candidate.model_sha256}
        found: Model = values.load(stored, self.context.client.blobs)
        return found

    # ------------------------------------------------------------------ the rows
    def table(self, part: str = "validation", data: str = "") -> Table:
        """The rows of a part that trained or judged the model, or of the dataset version ``data``.

        ``data`` is a dataset version's id, ``NAME`` (the newest version) or ``NAME/VERSION``.

        Raises
        ------
        InvalidInput
            The subject has no stored parts; name a dataset version.
        """
        if not data and self.kind == "dataset_version":
            data = self.id
        if data:
            return self._dataset(data)
        if part not in PARTS:
            raise InvalidInput(f"part={part!r}; it is one of {', '.join(PARTS)}.")
        candidate = self.candidate()
        if candidate is None:
            raise InvalidInput("This model was not judged by a pipeline, so no rows are known for it; "
                               "name a dataset version: data='NAME/VERSION'.")  # fmt: skip
        stored = self._train_rows(candidate) if part == "train" else self._judging_rows(candidate, _INPUTS[part])
        if stored is None:
            raise InvalidInput(
                f"The {part} part of this candidate is not kept; name a dataset version: data='NAME/VERSION'."
            )
        found: Table = values.load(stored, self.context.client.blobs)
        return found

    def _dataset(self, data: str) -> Table:
        client = self.context.client
        if data.startswith("dsv_"):
            version = client.datasets.get(data)
        else:
            name, _, number = data.removeprefix("datasets:/").rpartition("/")
            if name and number.isdigit():
                version = client.datasets.find(name, int(number))
            else:
                version = client.datasets.find(data.removeprefix("datasets:/"))
        return Table.from_parquet(client.blobs.get(version.sha256), version.roles)

    def steps(self, candidate: Candidate) -> list[StepRun]:
        """The steps that made and judged ``candidate``, then those of the cycle's training run."""
        client = self.context.client
        found = client.pipelines.steps(candidate.pipeline_run_id)
        own = "stp_" + candidate.id.partition("_")[2]
        found.sort(key=lambda step: step.id != own)
        if candidate.cycle_id is not None:
            trained = client.cycles.get(candidate.cycle_id).pipeline_run_ids.get("train")
            if trained is not None and trained != candidate.pipeline_run_id:
                found += client.pipelines.steps(trained)
        return found

    def _judging_rows(self, candidate: Candidate, name: str) -> dict[str, Any] | None:
        for step in self.steps(candidate):
            form: Any = step.inputs.get(name)
            if _is_table(form):
                return dict(form)
        return None

    def _train_rows(self, candidate: Candidate) -> dict[str, Any] | None:
        """The table the trainer was called with: an argument of the step that made the model."""
        for step in self.steps(candidate):
            given = step.inputs.get("arguments", {}).get("dict") if "trainer" in step.inputs else None
            if given is None and any(o.get("kind") == "model" for o in step.outputs):
                given = step.inputs
            tables = [form for form in (given or {}).values() if _is_table(form)]
            if tables:
                largest: dict[str, Any] = max(tables, key=lambda form: int(form.get("rows", 0)))
                return largest
        return None


def _is_table(form: Any) -> bool:
    return isinstance(form, dict) and form.get("kind") == "table"
