"""fl.prescribe and fl.label: what better labels would do, and the task in which people make them."""

from __future__ import annotations

from typing import Any

from fairloop.core.analyses import Analysis
from fairloop.core.labeling import LabelTask
from fairloop.sdk.analyse import analyse
from fairloop.sdk.session import session


def prescribe(dataset: str, *, by: str, metric: str = "demographic_parity_difference", relabel: int | None = None,
              target: float | None = None, timeout_s: float = 900.0) -> Analysis:  # fmt: skip
    """Which rows of a dataset to label again, what to collect, and by how much a gap would fall.

    Parameters
    ----------
    dataset : str
        ``datasets:/NAME/VERSION`` or the id of a dataset version.
    by : str
        The sensitive attribute.
    metric : str
        The gap to close.
    relabel : int, optional
        So many rows; chosen by default.
    target : float, optional
        The fewest rows that bring the gap here.
    timeout_s : float
        How long to wait.

    Returns
    -------
    Analysis
        ``words`` says it; ``result["promise"]`` holds relabel, now, estimate, low and high.
    """
    told: dict[str, Any] = {"by": by, "metric": metric}
    told |= {name: value for name, value in (("relabel", relabel), ("target", target)) if value is not None}
    return analyse("prescription", dataset, timeout_s=timeout_s, **told)


def label(prescription: Analysis | str, *, question: str = "", title: str = "", positive: str = "", negative: str = "",
          people: int = 2) -> LabelTask:  # fmt: skip
    """Open a labelling task over the rows of a prescription; people answer on its page, or by CSV.

    Raises
    ------
    Refused
        The prescription asks for no rows.
    """
    which = prescription if isinstance(prescription, str) else prescription.id
    return session().labeling.open(
        which, question=question, title=title, positive=positive, negative=negative, people=people
    )
