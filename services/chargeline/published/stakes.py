"""What of a draft is at stake: edits before the claim, and the money that hangs on lines.

It owns how an edit is published, and the sum over a draft. A line is worth what the site's price
list says; where there is no list, an edit says what the published tables allow.
"""

from collections.abc import Iterable, Mapping

from chargeline.engine import ChargeLine, ClaimEdit, Draft, answer_words, claim_words
from chargeline.published.model import PublishedModel


class EditOfClaim(PublishedModel):
    """An edit before the claim: why a payer may deny lines. It asks nobody and changes no line."""

    code: claim_words.EditName
    severity: answer_words.Severity
    """blocks: no bill is made before it is settled. warns: somebody should look. notes: to know."""
    who: claim_words.Settler
    """Who can settle it."""
    expected: str
    found: str
    where: str
    do: str
    """What the person can do about it."""
    lines: list[str]
    """The ids of the lines that a payer may deny."""
    units: int
    """All units of these lines: a payer denies the line, and not what is too much of it."""
    stake_cents: int | None
    """What these lines would bring by the site's price list, else what Medicare allows for them;
    null where neither says it.
    """
    rule: str
    """The rule that says how much it matters."""
    cite: list[str]


class DenialRisk(PublishedModel):
    """What of a draft a payer may deny, over edits that block or warn; each line counts once."""

    blocks: int
    """How many edits block the bill."""
    warns: int
    lines: int
    units: int
    cents: int | None
    """What these lines would bring; null without a price list."""


def money(lines: Iterable[ChargeLine], prices: Mapping[str, int]) -> int:
    """The cents that some lines would bring; a code without a price counts nothing."""
    return sum([line.units * prices.get(line.code, 0) for line in lines])


def edit_of(
    edit: ClaimEdit, lines: Mapping[str, ChargeLine], prices: Mapping[str, int]
) -> dict[str, object]:
    """An edit as an `EditOfClaim`; `lines` are those of its encounter by their ids."""
    finding = edit.finding
    return {
        "code": edit.edit,
        "severity": edit.severity,
        "who": edit.who,
        "expected": finding.expected,
        "found": finding.found,
        "where": finding.where,
        "do": finding.do,
        "lines": edit.lines,
        "units": edit.units,
        "stake_cents": _stake(edit, lines, prices),
        "rule": edit.rule.id,
        "cite": edit.rule.cite,
    }


def _stake(
    edit: ClaimEdit, lines: Mapping[str, ChargeLine], prices: Mapping[str, int]
) -> int | None:
    if not prices:
        return edit.cents
    return money([lines[line_id] for line_id in edit.lines if line_id in lines], prices)


def risk_of(draft: Draft, prices: Mapping[str, int]) -> dict[str, object]:
    """What of a draft a payer may deny, as a `DenialRisk`."""
    counted = [edit for edit in draft.edits if edit.severity != "notes"]
    at_risk = {line_id for edit in counted for line_id in edit.lines}
    lines = [line for line in draft.lines if line.line_id in at_risk]
    return {
        "blocks": sum([edit.severity == "blocks" for edit in counted]),
        "warns": sum([edit.severity == "warns" for edit in counted]),
        "lines": len(lines),
        "units": sum([line.units for line in lines]),
        "cents": money(lines, prices) if prices else None,
    }
