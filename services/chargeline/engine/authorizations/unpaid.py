"""A visit of which nobody says who pays, and the authorizations that it passes over meanwhile.

It owns the question who pays. Whether a code needs an authorization hangs on the payer, so a dose
of a visit without IN1 takes nothing from what the patient has. That is asked of a person, once for
each payer, where an authorization of that payer covers a dose which that payer wants one for. What
the answer does, `visit_review.py` says: the review goes on as if IN1 had named the payer. It does
not choose the policy of the visit.

One sequence, worked through. AETNA grants A1 with 800 units of J9271, and wants one for J9271. A
visit without IN1 has a dose of 200: it has no number, 0 of 800 are used, and somebody is asked.
They answer `this_payer`: the line has A1, and 200 of 800 are used. IN1 comes with CIGNA: the
question is gone, and what was answered counts no more.
"""

from collections.abc import Iterable, Sequence

from chargeline.engine.authorizations.contributions import Use
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.on_file import as_of, is_of_code, unfit
from chargeline.engine.trace import Question, ask


def payers_of(on_file: Iterable[Authorization]) -> tuple[str, ...]:
    """The payers of a patient's authorizations, in capitals and sorted."""
    return tuple(sorted({entry.payer.upper() for entry in on_file if entry.payer}))


def payer_question(payer: str, found: str = "") -> Question:
    """What is asked where authorizations of a payer are passed over; `found` says which.

    It is one question whichever they are, and whichever doses they cover.
    """
    return ask(
        "authorization.no_payer",
        expected="who pays the visit (IN1-3, else IN1-2)",
        found=f"nobody says it; {found}",
        do=f"have registration send IN1, or answer whether {payer} pays; until then nothing is "
        "counted against what is passed over",
        about=payer,
        cause=payer,
    )


def passed_over(
    payer: str, uses: Iterable[Use], on_file: Sequence[Authorization]
) -> list[tuple[Authorization, Use]]:
    """Each use that an authorization of a payer covers, with the first one that does, by day."""
    over = []
    for use in sorted(uses, key=lambda use: (use.when, use.order)):
        covering = [
            entry
            for entry in as_of(on_file, use.day)
            if entry.payer.upper() == payer
            and is_of_code(entry, use.code)
            and unfit(entry, use) is None
        ]
        over += [(entry, use) for entry in covering[:1]]
    return over


def in_words(payer: str, over: Iterable[tuple[Authorization, Use]]) -> str:
    """What is passed over: `A1 of AETNA is passed over: it covers J9271 on 2026-03-02`."""
    covered: dict[str, list[str]] = {}
    for authorization, use in over:
        covered.setdefault(authorization.number, []).append(f"{use.code} on {use.day.isoformat()}")
    says = [
        f"{number} of {payer} is passed over: it covers {', '.join(dict.fromkeys(what))}"
        for number, what in covered.items()
    ]
    return "; ".join(says)
