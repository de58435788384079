"""Edits about what a claim must say of its lines: a diagnosis, and codes that exist on the day.

It owns what is missing or no longer valid. It does not know how many units are too many.
"""

from collections.abc import Iterator, Mapping, Sequence

from chargeline.engine.edits.tables_asked import TablesAsked
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import ChargeLine, Noted, note

_WHY_NOT: Mapping[str, str] = {
    "not_yet": "is valid from a later day",
    "ended": "ended before that day",
    "unlisted": "is not in the quarter's list",
}


def diagnosis_missing(lines: Sequence[ChargeLine], context: VisitContext) -> Iterator[Noted]:
    """A claim without a diagnosis: no payer can say that a line was necessary."""
    if context.diagnoses:
        return
    yield note(
        "diagnosis.missing",
        lines,
        expected="at least one diagnosis of the visit",
        found="none",
        where="DG1-3",
        do="send the diagnoses (DG1) of the visit, or add them before the claim",
    )


def code_not_valid(lines: Sequence[ChargeLine], asked: TablesAsked) -> Iterator[Noted]:
    """A HCPCS code that may not be billed on its day."""
    for line in lines:
        if line.code[:1].isdigit():
            continue  # the list has no CPT codes
        validity = asked.known(asked.tables.valid(line.code, line.service_date))
        if validity is None or validity == "valid":
            continue
        yield note(
            "code.not_valid",
            (line,),
            expected=f"a code that is valid on {line.service_date.isoformat()}",
            found=f"{line.code}, which {_WHY_NOT[validity]}",
            do="correct the row of the formulary for that day, and draft the visit again",
        )
