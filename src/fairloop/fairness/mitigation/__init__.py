"""Mitigations before (weights, rows, labels, features), during (reductions, a penalty inside LightGBM, an adversary) and
after training (thresholds and scores). The names most used stand here; LightGBM and torch load with their own modules."""

from __future__ import annotations

from fairloop.fairness.mitigation.before import massaging as massaging
from fairloop.fairness.mitigation.before import preferential_sampling as preferential_sampling
from fairloop.fairness.mitigation.before import resampling as resampling
from fairloop.fairness.mitigation.before import reweighing as reweighing
from fairloop.fairness.mitigation.trainers import Fit as Fit
from fairloop.fairness.mitigation.trainers import Scorer as Scorer
from fairloop.fairness.mitigation.trainers import weights_change_scores as weights_change_scores
