"""Pure numerics shared by fairness/ and drift/.

Standard library only (safe in the server process):

- ``estimate.Estimate``: estimate, low, high, n, method; what every function here answers.
- ``intervals``: ``wilson``, ``newcombe_difference``, ``normal_quantile``, ``normal_cdf``, ``range_quantile``.
- ``corrections``: ``holm``, ``benjamini_hochberg``: adjusted p-values.
- ``sequential``: ``proportion_difference``, ``mean_difference``, ``selection_gap``, ``proportion``,
  ``decide``: intervals from cumulative counts that stay valid whenever looked at; for canaries.

With numpy and scipy (workers only); every metric takes (labels, scores or predicted, weights=None) and gives an
``Estimate``. The dicts ``BY_...`` map the names of ``core.checks`` to them:

- ``quality``: answers and scores of two classes (``BY_ANSWER``); ``binary_quality`` is what every candidate is judged by.
- ``calibration`` and ``curves``: calibration error and curve, precision against recall, lift (``BY_SCORE`` has all of
  scores).
- ``multiclass``: several classes, overall, averaged and one by one (``BY_CLASS``, ``BY_CLASS_SCORES``).
- ``regression``: predicted numbers (``BY_VALUE``); ``regression_quality``.
"""
