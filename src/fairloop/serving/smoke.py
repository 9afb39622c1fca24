"""The smoke test, in a process of its own: a model that crashes, hangs or exits takes nothing else with it.

``python -m fairloop.serving.smoke MODEL_FOLDER RESULT_FILE SECONDS`` writes ``{"ok", "reason", "rows", "score_ms"}``.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

from fairloop.core import codec
from fairloop.errors import FairloopError
from fairloop.serving.layout import write_atomic


def try_model(folder: Path) -> dict[str, Any]:
    """Load the model and ask it its sample rows, one by one and together, more than once."""
    from fairloop.serving.runtime import MODEL_FAULTS, load

    try:
        loaded = load(folder)
        samples = loaded.samples
        for rows in (*[[row] for row in samples], samples, samples):
            columns, n = loaded.inputs.from_records(rows)
            started = time.perf_counter()
            scores, _ = loaded.score(loaded.tried(columns))
            elapsed_ms = (time.perf_counter() - started) * 1000
            if loaded.task == "binary" and not all(0.0 <= s <= 1.0 for s in scores):
                return _failed(f"The model answered {next(s for s in scores if not 0 <= s <= 1)!r}, not a probability.")
    except FairloopError as cause:
        return _failed(cause.message)
    except ImportError as cause:
        return _failed(f"The model needs a library that is not installed here: {cause}.")
    except MODEL_FAULTS as cause:
        return _failed(f"The model fails on its own sample rows: {type(cause).__name__}: {str(cause)[:300]}.")
    return {"ok": True, "reason": "", "rows": len(samples), "score_ms": elapsed_ms / n}


def _failed(reason: str) -> dict[str, Any]:
    return {"ok": False, "reason": reason, "rows": 0, "score_ms": 0.0}


def main(arguments: list[str]) -> None:
    folder, result, seconds = arguments
    signal.alarm(int(float(seconds)) + 5)  # the kernel ends this process even if its parent is gone
    write_atomic(Path(result), codec.dumps(try_model(Path(folder))), sync=False)


if __name__ == "__main__":
    main(sys.argv[1:])
