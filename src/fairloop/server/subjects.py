"""What can be talked about: an object of a project by kind and id, its title and its page."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.datasets.service import Datasets
from fairloop.errors import NotFound
from fairloop.loops.service import Loops
from fairloop.monitoring.service import Monitoring
from fairloop.registry.service import Registry
from fairloop.tracking.service import Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """``path`` are the parts of its page's URL below the project, ``anchor`` the place on that page."""

    kind: str
    id: str
    title: str
    path: tuple[str, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    loops: Loops
    registry: Registry
    tracking: Tracking
    datasets: Datasets
    monitoring: Monitoring

    def find(self, project_id: str, kind: str, subject_id: str) -> Subject:
        """The object; NotFound when this project holds none of that kind and id."""
        known = {"cycle": self._cycle, "model": self._model, "model_version": self._version, "run": self._run,
                 "dataset_version": self._data, "alert": self._alert}  # fmt: skip
        if kind not in known:
            raise NotFound("No such object, or you may not see it.")
        title, path, anchor = known[kind](project_id, subject_id)
        return Subject(kind=kind, id=subject_id, title=title, path=tuple(path), anchor=anchor)

    def exists(self, project_id: str, kind: str, subject_id: str) -> None:
        self.find(project_id, kind, subject_id)

    def _cycle(self, project_id: str, id_: str) -> tuple[str, list[str], str]:
        cycle = self.loops.cycle(project_id, id_)
        return f"Cycle {cycle.number} of {cycle.loop}", ["cycles", cycle.id], ""

    def _model(self, project_id: str, id_: str) -> tuple[str, list[str], str]:
        found = next((m for m in self.registry.models(project_id) if m.id == id_), None)
        if found is None:
            raise NotFound("No such model, or you may not see it.")
        return found.name, ["models", found.name], ""

    def _version(self, project_id: str, id_: str) -> tuple[str, list[str], str]:
        version = self.registry.version_by_id(project_id, id_)
        return f"{version.model} v{version.version}", ["models", version.model, str(version.version)], ""

    def _run(self, project_id: str, id_: str) -> tuple[str, list[str], str]:
        run = self.tracking.get(project_id, id_)
        return f"Run {run.name or run.id[:8]}", ["runs", run.id], ""

    def _data(self, project_id: str, id_: str) -> tuple[str, list[str], str]:
        version = self.datasets.get(project_id, id_)
        return f"{version.dataset} v{version.version}", ["data", version.dataset, str(version.version)], ""

    def _alert(self, project_id: str, id_: str) -> tuple[str, list[str], str]:
        return f"Alert: {self.monitoring.alert(project_id, id_).words}", ["alerts"], id_
