"""Comments that are friendly or hurtful, made up by a seeded script. Two dialects say the same in other words.

python examples/comments/data.py comments.csv
"""

import csv
import random
import sys
from pathlib import Path

FRIENDLY = ["kind", "helpful", "lovely", "brilliant", "thoughtful", "welcome", "honest", "warm"]
HURTFUL = ["stupid", "worthless", "awful", "pathetic", "disgusting", "useless", "ugly", "hateful"]
NEUTRAL = ["meeting", "weather", "train", "report", "garden", "dinner", "music", "street", "coffee", "letter"]
OPENINGS = {
    "coastal": ["I reckon that", "Honestly speaking,", "To be fair,", "It seems that"],
    "inland": ["Y'all know", "Ain't no doubt", "Lemme say", "Folks round here say"],
}
TEASING = ["wicked", "sick", "nasty"]
"""In the inland dialect these words are praise; a model that never learned it hears an insult."""


def comment(chance: random.Random) -> tuple[str, str, str]:
    """One (text, dialect, label)."""
    dialect = "inland" if chance.random() < 0.35 else "coastal"
    hurtful = chance.random() < 0.4
    words = [chance.choice(OPENINGS[dialect]), "your", chance.choice(NEUTRAL), "talk was"]
    words.append(chance.choice(HURTFUL if hurtful else FRIENDLY))
    if dialect == "inland" and not hurtful and chance.random() < 0.5:
        words += ["and", chance.choice(TEASING)]
    if dialect == "coastal" and hurtful and chance.random() < 0.5:
        words += ["and", chance.choice(TEASING)]
    words += ["about the", chance.choice(NEUTRAL), "and the", chance.choice(NEUTRAL)]
    if chance.random() < 0.08:
        hurtful = not hurtful  # people disagree about what hurts
    return " ".join(words) + ".", dialect, "hurtful" if hurtful else "friendly"


def write(path: Path, rows: int = 6000, seed: int = 7) -> Path:
    """A CSV file of ``rows`` comments; the same seed gives the same bytes."""
    chance = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["comment", "dialect", "label"])
        table.writerows(comment(chance) for _ in range(rows))
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1] if len(sys.argv) > 1 else "comments.csv")))
