"""From one prediction back to everything that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairloop.core.cycles import Cycle
from fairloop.core.datasets import DatasetVersion
from fairloop.core.records import to_wire
from fairloop.datasets.service import Datasets
from fairloop.errors import NotFound
from fairloop.evaluation.service import Evaluations
from fairloop.loops.service import Loops
from fairloop.monitoring.service import Monitoring
from fairloop.pipelines.service import Pipelines
from fairloop.registry.service import Registry
from fairloop.serving.service import Serving


@dataclass(slots=True)
class Lineage:
    loops: Loops
    registry: Registry
    serving: Serving
    monitoring: Monitoring
    pipelines: Pipelines
    evaluations: Evaluations
    datasets: Datasets

    def of_prediction(self, project_id: str, prediction_id: str) -> dict[str, Any]:
        """Model version, approval, gates, step runs, dataset versions, commit, and the alert that started the cycle.

        NotFound when this project's endpoints never gave the id out (ids carry a signature).
        """
        deployment = self.serving.deployment_of_prediction(project_id, prediction_id)
        version = self.registry.version_by_id(project_id, deployment.model_version_id)
        found: dict[str, Any] = {"prediction_id": prediction_id, "deployment": to_wire(deployment),
                                 "model_version": to_wire(version), "cycle": None, "approval": None, "gates": [],
                                 "step_runs": [], "dataset_versions": [], "commit": None, "alert": None}  # fmt: skip
        cycle = self.loops.cycle_of_version(version.id)
        if cycle is not None:
            found.update(self.of_cycle(cycle))
        return found

    def of_cycle(self, cycle: Cycle) -> dict[str, Any]:
        """The same for a cycle and its chosen candidate."""
        project_id = cycle.project_id
        _, _, capture = self.loops.definition(cycle)
        approvals = self.loops.approvals(project_id, cycle_id=cycle.id)
        gates = [e for e in self.loops.events(project_id, cycle.id) if e.kind == "gate"]
        steps = [step for run_id in cycle.pipeline_run_ids.values() for step in self._steps(project_id, run_id)]
        alert_id = cycle.trigger.get("alert_id")
        return {
            "cycle": to_wire(cycle),
            "approval": to_wire(approvals[0]) if approvals else None,
            "gates": gates[-1].data.get("verdicts", []) if gates else [],
            "step_runs": to_wire(steps),
            "dataset_versions": to_wire(self._with_parents(project_id, cycle.dataset_version_id)),
            "commit": capture.git,
            "alert": to_wire(self.monitoring.alert(project_id, alert_id)) if alert_id else None,
        }

    def _with_parents(self, project_id: str, version_id: str) -> list[DatasetVersion]:
        """The dataset version and every one it was made from, nearest first."""
        found: dict[str, DatasetVersion] = {}
        waiting = [version_id]
        while waiting:
            version = self.datasets.get(project_id, waiting.pop(0))
            found[version.id] = version
            waiting += [parent for parent in version.parents if parent not in found]
        return list(found.values())

    def _steps(self, project_id: str, run_id: str) -> list[Any]:
        try:
            return self.pipelines.steps(project_id, run_id)
        except NotFound:  # noted before its start, and the server died in between
            return []
