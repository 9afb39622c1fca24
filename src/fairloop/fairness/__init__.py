"""Group metrics with intervals, gaps between groups, mitigation. Pure numerics on (labels, scores, groups,
weights).

Standard library only (safe in the server process):

- ``pairs``: the extreme pair of groups from numbers with bounds (``largest_difference``, ``smallest_ratio``,
  ``largest_value``; ``largest_gap`` from ``{group: (successes, trials)}``).
- ``impossibility.trade_offs(rows, base_rates)``: what base rates forbid, in words.

With numpy (workers only); ``groups`` may be numpy, pandas or polars; missing group values are left out and
counted. Every gap is a ``gaps.Gap`` (an estimate, low, high, n, method with ``.groups``, ``.pair``, ``.words`` and
``.detail()`` for a Verdict), whose numbers go straight into ``core.checks.judge``:

- ``group_metrics.Comparison(sample, by).gap(name)``: any metric of ``core.checks.GROUP_METRICS`` for any kind of
  target; what gates and watches call. ``grouping.crossed`` makes intersections.
- ``gaps``: two answers, each metric callable with (labels or None, predicted, groups, weights); ``gaps.all_gaps``
  gives all from one count. ``groups.count_groups`` makes tables that add up over parts of a log.
- ``multiclass_gaps``, ``regression_gaps``, ``score_gaps`` (calibration, ranking), ``individual`` (entropies,
  consistency), ``pretraining`` (the data alone).
- ``mitigation.reweighing(labels, groups, strength=1.0, weights=None) -> weights`` and
  ``mitigation.weights_change_scores(fit, X, labels, weights=None) -> bool``.
- ``mitigation.reductions.exponentiated_gradient(fit, X, labels, groups, constraint="demographic_parity", slack=0.01,
  weights=None, max_fits=20) -> Mixture(members, weights, fits, violation, converged)``: serve the mean of the
  members' scores.

``fit`` is always a callback ``fit(weight, y) -> object with scores(X)``: it trains on the same rows (whose
features are ``X``, passed through untouched) with other weights (float64, mean 1) and labels (int8 0/1).
"""
