"""Which inputs of a model tell a sensitive attribute: columns, and the words of texts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from fairloop.fairness.explain.proxies import proxies
from fairloop.stats.corrections import holm

TELLS = 0.65
"""A column that tells the attribute apart in fewer of 100 pairs is not worth naming."""
MOST_ROWS = 6000
MOST_WORDS = 400
SHOWN = 5
_MARKS = 0.05


def stand_ins(drivers: list[dict[str, Any]], X: pd.DataFrame, groups: pd.DataFrame,
              scores: npt.NDArray[Any]) -> list[dict[str, Any]]:  # fmt: skip
    """The drivers, each with ``tells``: attribute to how well the column alone tells it (0.5 a coin, 1 certainly), and
    for a column of text ``words``: attribute to the words that mark a group and raise or lower the model's score.

    Only what survives Holm's correction over all columns (or words) is named.
    """
    part = slice(0, MOST_ROWS)
    rows, known, answers = X.iloc[part], groups.iloc[part], scores[part] if scores.ndim == 1 else None
    texts = [name for name in rows if _is_text(rows[name])]
    plain = {str(name): rows[name] for name in rows if name not in texts and _is_plain(rows[name])}
    found: dict[str, dict[str, Any]] = {str(name): {} for name in rows}
    for attribute in known:
        for proxy in proxies(plain, known[attribute]) if plain else []:
            if proxy.found and (proxy.strength.estimate or 0) >= TELLS:
                found[proxy.column].setdefault("tells", {})[str(attribute)] = proxy.strength.estimate
        for name in texts:
            if answers is not None and (words := marking_words(rows[name], known[attribute], answers)):
                found[str(name)].setdefault("words", {})[str(attribute)] = words
    return [{**driver, **found.get(str(driver["column"]), {})} for driver in drivers]


def _is_text(column: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype)


def _is_plain(column: pd.Series) -> bool:
    kinds = pd.api.types
    return isinstance(column.dtype, pd.CategoricalDtype) or bool(kinds.is_numeric_dtype(column.dtype))


def marking_words(texts: pd.Series, groups: pd.Series, scores: npt.NDArray[Any]) -> list[str]:
    """Words far more frequent in one group's texts, that come with another score.

    A word counts when its share of texts differs by 0.05 or more between the groups (two-proportion z-test, Holm over
    all words looked at), and texts that hold it score at least 0.05 apart from those that do not, on average.
    """
    known = groups.notna().to_numpy()
    names = sorted(groups[known].astype(str).unique())
    bags = [set(str(text).lower().split()) for text in texts[known]]
    member = groups[known].astype(str).to_numpy()
    score = np.asarray(scores)[known]
    if len(names) < 2:
        return []
    counted = Counter(word for bag in bags for word in bag)
    words = [word for word, count in counted.most_common(MOST_WORDS) if 10 <= count <= len(bags) - 10]
    tried = [_mark(word, bags, member, score, names) for word in words]
    kept = [p <= 0.05 for p in holm([p for p, _, _ in tried])] if tried else []
    found = [(gap * moved, word) for word, (_, gap, moved), ok in zip(words, tried, kept, strict=True)
             if ok and gap >= _MARKS and moved >= _MARKS]  # fmt: skip
    return [word for _, word in sorted(found, reverse=True)[:SHOWN]]


def _mark(word: str, bags: list[set[str]], member: npt.NDArray[Any], score: npt.NDArray[Any],
          names: list[str]) -> tuple[float, float, float]:  # fmt: skip
    """(p of a chance difference, gap of the word's share between the extreme groups, how far scores lie apart)."""
    has = np.array([word in bag for bag in bags])
    shares = [(float(has[member == name].mean()), name) for name in names if (member == name).sum() >= 30]
    if len(shares) < 2:
        return 1.0, 0.0, 0.0
    (high, most), (low, least) = max(shares), min(shares)
    inside, outside = member == most, member == least
    p = _p_value(int(has[inside].sum()), int(inside.sum()), int(has[outside].sum()), int(outside.sum()))
    with_it, without = score[has], score[~has]
    moved = float(with_it.mean() - without.mean()) if len(with_it) and len(without) else 0.0
    return p, high - low, abs(moved)


def _p_value(a: int, n: int, b: int, m: int) -> float:
    pooled = (a + b) / (n + m)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(2 * norm.sf(abs(a / n - b / m) / spread)) if spread > 0 else 1.0
