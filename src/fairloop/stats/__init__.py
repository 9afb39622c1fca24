"""Pure numerics shared by fairness/ and drift/.

Standard library only (safe in the server process):

- ``estimate.Estimate``: estimate, low, high, n, method; what every function here answers.
- ``intervals``: ``wilson``, ``newcombe_difference``, ``normal_quantile``, ``normal_cdf``, ``range_quantile``.
- ``corrections``: ``holm``, ``benjamini_hochberg``: adjusted p-values.
- ``sequential``: ``proportion_difference``, ``mean_difference``, ``selection_gap``, ``proportion``,
  ``decide``: intervals from cumulative counts that stay valid whenever looked at; for canaries.

With numpy and scipy (workers only):

- ``quality``: ``roc_auc``, ``accuracy``, ``balanced_accuracy``, ``precision``, ``recall``, ``f1``,
  ``average_precision``, ``log_loss``, ``brier_score``, all ``(labels, scores or predicted, weights=None)``;
  ``binary_quality`` gives them all by their metric names from (labels, scores, weights, threshold).
- ``regression``: ``mean_absolute_error``, ``root_mean_squared_error``, ``r2``, and ``regression_quality``.
"""
