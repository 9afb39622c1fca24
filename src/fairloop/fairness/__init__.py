"""Group metrics with intervals, gaps between groups, mitigation. Pure numerics on (labels, scores, groups,
weights).

Standard library only (safe in the server process):

- ``pairs.largest_gap(rates)``, ``pairs.smallest_ratio(rates)``: from ``{group: (successes, trials)}`` of one
  or more rates.

With numpy (workers only); ``groups`` may be numpy, pandas or polars; missing group values are left out and
counted:

- ``groups.count_groups(labels or None, predicted, groups, weights=None) -> GroupTable`` (mergeable with
  ``+``), and ``groups.group_rates(labels or None, predicted, groups, weights=None, min_group=30) ->
  list[GroupRates]``.
- ``gaps.demographic_parity_difference(labels or None, predicted, groups, weights=None, *, min_group=30)``,
  ``gaps.equalized_odds_difference``, ``gaps.equal_opportunity_difference``, ``gaps.demographic_parity_ratio``
  -> ``Gap`` (an estimate, low, high, n, method with ``.groups``, ``.pair`` and ``.detail()`` for a Verdict);
  ``gaps.all_gaps`` gives all from one count. ``Gap`` numbers go straight into ``core.checks.judge``.
- ``mitigation.reweighing(labels, groups, strength=1.0, weights=None) -> weights`` and
  ``mitigation.weights_change_scores(fit, X, labels, weights=None) -> bool``.
- ``reductions.exponentiated_gradient(fit, X, labels, groups, constraint="demographic_parity", slack=0.01,
  weights=None, max_fits=20) -> Mixture(members, weights, fits, violation, converged)``: serve the mean of the
  members' scores.

``fit`` is always a callback ``fit(weight, y) -> object with scores(X)``: it trains on the same rows (whose
features are ``X``, passed through untouched) with other weights (float64, mean 1) and labels (int8 0/1).
"""
