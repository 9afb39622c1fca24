"""Drift: small mergeable profiles of columns, and tests whose thresholds know how many rows were seen.
Workers only.

- ``profile.profile_reference(frame, columns=None, kinds=None) -> dict[column, dict]``: bins on the
  reference's quantiles, frequent categories, text features. JSON-able; store it with the candidate.
- ``profile.profile_scores(scores)``: the same for a model's held-out scores, under the column name
  ``"score"``.
- ``profile.profile_window(frame, reference)``: counts of a window in the reference's bins; ``profile.merge(a,
  b)`` adds two.
- ``judge.judge_drift(reference_profiles, window_profiles, alpha=0.05, min_effect=0.02, min_rows=50) ->
  dict``: keys ``status`` ("pass", "fail", "insufficient_evidence"), ``estimate`` (largest effect), ``n``,
  ``method``, ``p_value``, ``drifted`` (columns), ``severe`` and ``columns`` (per column p-values, effect,
  distances, bins to draw). Plain JSON values. Prediction drift is the same call on profiles of scores.
- ``distances``: ``psi``, ``jensen_shannon``, ``kolmogorov_smirnov``, ``wasserstein``, ``chi_squared`` of two
  profiles.

One window alarms falsely in up to ``alpha`` of windows. For an Alert ask that the *same column* is in
``drifted`` of two windows in a row (false in about alpha^2 / columns of windows: 0.02 % of them with 14
columns), or that ``severe`` is set (adjusted p-value <= alpha / 100: 0.05 % of windows).

``frame`` is a polars or pandas frame, or a mapping of column to values.
"""
