"""Found by trial: a charge that was posted, credited and posted again under one number was lost.

The credit took back the last charge too, in silence, though it was sent before it. And where one
message had several charges under one number, all but the last were lost.
"""

from itertools import permutations
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.engine import asked_in
from chargeline.published.answers import GivenAnswer
from tests.answers.given import answer, asked_of, run_after
from tests.golden.messages import message, segment
from tests.golden.stories_visits import note, report

SAID = report(("VISIT-MINUTES", "35", "min"), ("PATIENT-STATUS", "ESTABLISHED", ""))


def row(
    code: str, *, kind: str = "CG", number: str = "T01", units: str = "1", day: str = "02"
) -> str:
    """An FT1 of March."""
    return segment("FT1", {1: "1", 2: number, 4: f"202603{day}", 6: kind, 10: units, 25: code})


def posted(sent: str, *rows: str) -> bytes:
    """A DFT that was sent at a time of 3 March."""
    return message("DFT^P03", *rows, sent=sent)


def run(folder: Path, *messages: bytes, answers: tuple[GivenAnswer, ...] = ()) -> Run:
    folder.mkdir(exist_ok=True)
    texts = [data.decode() for data in (SAID, note("AU"), *messages)]
    return run_after(folder, texts, *answers, policy="guide-2026")


def standing(run: Run) -> list[tuple[str, str]]:
    """The posted charges and credits that are left: kind and code."""
    (visit,) = run.visits
    days = visit.timeline.days
    return [(charge.kind, charge.code) for day in days for charge in day.care.posted]


def findings(run: Run) -> list[str]:
    edits = run.visits[0].draft.edits
    return [edit.edit for edit in edits if edit.edit in ("visit.overcoded", "visit.undercoded")]


def told(run: Run, code: str) -> str:
    """What the one question of a code found."""
    asked = asked_in(run.visits[0].draft, {})
    (finding,) = [entry.question.finding for entry in asked if entry.question.finding.code == code]
    return finding.found


CHARGE, CREDIT = row("99215"), row("99215", kind="CD")
AGAIN = [posted("1301", CHARGE), posted("1302", CREDIT), posted("1303", CHARGE)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_charge_after_a_credit_is_posted_anew(tmp_path: Path, order: tuple[int, ...]) -> None:
    """In whatever order the three arrive; a further credit takes it back."""
    after = run(tmp_path / "again", *[AGAIN[n] for n in order])
    assert standing(after) == [("charge", "99215")]
    assert findings(after) == ["visit.overcoded"] and asked_of(after) == []
    credited = run(tmp_path / "credited", *[AGAIN[n] for n in order], posted("1304", CREDIT))
    assert findings(credited) == [] and asked_of(credited) == []


def test_a_charge_after_a_credit_may_have_another_code(tmp_path: Path) -> None:
    """What was credited is no credit without a charge."""
    after = run(tmp_path, *AGAIN[:2], posted("1303", row("99214")))
    assert standing(after) == [("charge", "99214")]
    assert asked_of(after) == [] and findings(after) == []


CORRECTED = [posted("1301", CHARGE), posted("1302", row("99214"))]


def test_a_charge_that_is_sent_again_without_a_credit_is_asked_about(tmp_path: Path) -> None:
    """Till somebody says, the last one counts alone, and its credit takes it back."""
    before = run(tmp_path / "corrected", *CORRECTED)
    assert standing(before) == [("charge", "99214")]
    assert asked_of(before) == [("V1", "visit.charge_changed")]
    assert told(before, "visit.charge_changed") == (
        "99215 on 2026-03-02, then 99214 on 2026-03-02, and no credit between"
    )
    confirmed = answer(before, "visit.charge_changed", "confirm")
    assert asked_of(run(tmp_path / "confirmed", *CORRECTED, answers=(confirmed,))) == []
    credited = run(tmp_path / "credited", *CORRECTED, posted("1303", row("99214", kind="CD")))
    assert findings(credited) == []


def test_a_charge_that_is_sent_again_as_it_was_asks_nothing(tmp_path: Path) -> None:
    """Other units or modifiers of one code and day are a correction."""
    after = run(tmp_path, posted("1301", row("99214", units="2")), posted("1302", row("99214")))
    assert standing(after) == [("charge", "99214")] and asked_of(after) == []


def test_what_no_visit_hangs_on_asks_nothing(tmp_path: Path) -> None:
    """A drug that was corrected to another code is compared with nothing."""
    sent = [posted("1301", row("J9045")), posted("1302", row("J9271"))]
    assert asked_of(run(tmp_path, *sent)) == []


def test_a_course_under_one_number_of_a_charge_is_told(tmp_path: Path) -> None:
    """A sender puts the course into FT1-2: six posted fractions count as the last one."""
    days = ["02", "03", "04", "05", "06", "09"]
    sent = [posted(f"13{day}", row("77412", day=day)) for day in days]
    after = run(tmp_path, *sent)
    assert told(after, "radiation.charge_changed") == (
        "77412 on 2026-03-02, then 77412 on 2026-03-03, then 77412 on 2026-03-04, then 2 more, "
        "then 77412 on 2026-03-09, and no credit between"
    )


def test_a_part_that_was_credited_does_not_make_a_charge_new(tmp_path: Path) -> None:
    """Three units, one of them credited, and the charge told again: two are left."""
    three = row("99215", units="3")
    after = run(tmp_path, posted("1301", three), *AGAIN[1:2], posted("1303", three))
    assert standing(after) == [("charge", "99215"), ("credit", "99215")]


@pytest.mark.parametrize("credit", [row("99213", kind="CD"), row("99215", kind="CD", units="1.5")])
def test_a_credit_of_something_else_does_not_make_a_charge_new(tmp_path: Path, credit: str) -> None:
    """Of another code, or of no whole units: the charge is corrected, and the credit is told."""
    after = run(tmp_path, AGAIN[0], posted("1302", credit), AGAIN[2])
    assert sorted(kind for kind, _code in standing(after)) == ["charge", "credit"]
    assert asked_of(after) == [("V1", "visit.credit_alone")]
    assert findings(after) == ["visit.overcoded"]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("units", ["1.0", "1.00", "1.000", "+1", "01", "001"])
def test_a_credit_and_a_charge_of_one_second_replace_a_charge(
    tmp_path: Path, reverse: bool, units: str
) -> None:
    """As two messages, whichever goes first: the charge is the new one."""
    apart = [posted("1302", CREDIT), posted("1302", row("99215", units=units))]
    sent = [AGAIN[0], *(reversed(apart) if reverse else apart)]
    assert standing(run(tmp_path, *sent)) == [("charge", "99215")]


@pytest.mark.parametrize("code", ["99214", "99215"])
def test_one_message_takes_back_and_posts_anew(tmp_path: Path, code: str) -> None:
    """With the same code or another one."""
    together = posted("1302", CREDIT, row(code))
    assert standing(run(tmp_path, AGAIN[0], together)) == [("charge", code)]


def test_one_message_may_post_a_code_of_two_days_under_one_number(tmp_path: Path) -> None:
    """As a batch of a week does: neither is lost."""
    after = run(tmp_path, posted("1302", CHARGE, row("99215", day="03")))
    assert standing(after) == [("charge", "99215")] * 2


def test_a_charge_without_a_number_that_comes_again_counts_once(tmp_path: Path) -> None:
    """The same message with another time (MSH-7)."""
    bare = row("99215", number="")
    after = run(tmp_path, posted("1301", bare), posted("1303", bare))
    assert standing(after) == [("charge", "99215")]


def test_a_number_that_several_charges_of_a_message_share_is_none_of_a_charge(
    tmp_path: Path,
) -> None:
    """Some systems put the number of the visit or of a batch into FT1-2: no charge is lost."""
    both = posted("1301", CHARGE, row("96372"))
    after = run(tmp_path / "both", both)
    assert sorted(standing(after)) == [("charge", "96372"), ("charge", "99215")]
    told_again = run(tmp_path / "again", both, posted("1302", row("96372")))
    assert sorted(standing(told_again)) == [("charge", "96372"), ("charge", "99215")]
    credited = run(tmp_path / "credited", both, posted("1302", CREDIT))
    assert findings(credited) == [] and asked_of(credited) == []
    (line,) = credited.visits[0].draft.lines
    assert (line.code, line.modifiers) == ("99214", ("25",))
