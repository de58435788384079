"""`python -m tests.by_hand.questions`: how many questions a visit brings, by code and kind of feed.

It owns the table and nothing of the claim: tests/properties/test_doubt_is_not_noise.py holds that
the questions are those that the truth asks for. 5,000 visits of each style take a few minutes.
"""

from collections import Counter
from itertools import product

from chargeline import code
from chargeline.simulator import simulate
from chargeline.simulator.visits import FACILITIES

VISITS, SEED = 5000, 31
# Kind of feed -> (mess, faults).
FEEDS = {"clean": (0.0, 0.0), "mess 0.5": (0.5, 0.0), "a fault in each visit": (0.0, 1.0)}


def questions(style: str, mess: float, faults: float) -> Counter[str]:
    """The questions of all visits of a feed, by their codes."""
    feed = simulate(visits=VISITS, seed=SEED, style=style, mess=mess, faults=faults)
    run = code(b"".join(text for _style, text in feed.messages), interface=style)
    return Counter(
        question.finding.code
        for visit in run.visits
        for draft in (visit.draft, *visit.draft.encounters)
        for question in draft.questions
    )


def main() -> None:
    """Print the questions in each thousand visits: a row for each code, a column for each feed."""
    columns = list(product(FEEDS, sorted(FACILITIES)))
    counts = [questions(style, *FEEDS[name]) for name, style in columns]
    codes = sorted(set().union(*counts))
    print("| questions in 1,000 visits |", " | ".join(f"{n}, {style}" for n, style in columns), "|")
    print("|---|", "---|" * len(columns), sep="")
    for row in (*codes, "all"):
        cells = [(count.total() if row == "all" else count[row]) for count in counts]
        print(f"| `{row}` |", " | ".join(f"{cell * 1000 / VISITS:.1f}" for cell in cells), "|")


if __name__ == "__main__":
    main()
