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
from tests.golden.sessions import fraction
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


# ------------------------------------------------------------------ found by a second trial


FRACTION = fraction(1, "202603020900", technique="3D", planned="4")
DEVICE = row("77334")


def devices(run: Run) -> int:
    """How many treatment devices of the course are drafted, each as a line of its own."""
    lines = [line for line in run.visits[0].draft.lines if line.code == "77334"]
    assert len({line.line_id for line in lines}) == len(lines)
    return sum(line.units for line in lines)


def of_course(folder: Path, *messages: bytes) -> Run:
    """After a fraction, in its visit."""
    folder.mkdir(exist_ok=True)
    return run_after(folder, [data.decode() for data in (FRACTION, *messages)], policy="guide-2026")


def test_two_charges_of_one_code_under_one_number_of_a_message_both_stand(tmp_path: Path) -> None:
    """The number is of neither; a credit of one takes back one."""
    both = posted("1801", DEVICE, DEVICE)
    assert devices(of_course(tmp_path / "both", both)) == 2
    credit = posted("1802", row("77334", kind="CD"))
    assert devices(of_course(tmp_path / "one", both, credit)) == 1
    second = posted("1803", row("77334", kind="CD"), row("J9045", number="T09"))
    assert devices(of_course(tmp_path / "none", both, credit, second)) == 0


@pytest.mark.parametrize("number", ["T01", "T02", ""])
def test_a_credit_takes_back_nothing_that_was_sent_after_it(tmp_path: Path, number: str) -> None:
    """The charge stands, and the credit is told to be without one."""
    credit = posted("1801", row("77334", kind="CD", number=number))
    after = of_course(tmp_path, credit, posted("1802", row("77334")))
    assert devices(after) == 1 and ("V1", "radiation.credit_alone") in asked_of(after)


def test_a_credit_before_a_charge_in_one_message_is_of_another_one(tmp_path: Path) -> None:
    """What it takes back was posted before the feed began."""
    after = of_course(tmp_path, posted("1801", row("77334", kind="CD"), DEVICE))
    assert devices(after) == 1 and ("V1", "radiation.credit_alone") in asked_of(after)
    reverse = of_course(tmp_path, posted("1801", DEVICE, row("77334", kind="CD")))
    assert devices(reverse) == 0


def test_a_charge_without_a_number_that_comes_again_after_a_credit_stands(tmp_path: Path) -> None:
    """The very same rows without FT1-2: what is sent last is posted anew."""
    charge, credit = row("77334", number=""), row("77334", kind="CD", number="")
    sent = [posted("1801", charge), posted("1802", credit), posted("1803", charge)]
    assert devices(of_course(tmp_path, *sent)) == 1
    assert devices(of_course(tmp_path, *reversed(sent))) == 1
    assert devices(of_course(tmp_path, *sent, posted("1804", credit))) == 0


def test_a_charge_under_its_number_after_a_credit_of_another_number_stands(tmp_path: Path) -> None:
    """The credit came before it."""
    again = [AGAIN[0], posted("1302", row("99215", kind="CD", number="T02")), AGAIN[2]]
    after = run(tmp_path, *again)
    assert findings(after) == ["visit.overcoded"]
    assert asked_of(after) == [("V1", "visit.credit_alone")]


def test_a_credit_under_a_shared_number_names_no_charge(tmp_path: Path) -> None:
    """Of two days the nearest one is asked about."""
    sent = [
        posted("1301", CHARGE, row("99215", day="03")),
        posted("1302", row("99215", day="05", kind="CD")),
    ]
    after = run(tmp_path, *sent)
    assert ("V1", "visit.credit") in asked_of(after)


def test_several_credits_of_one_charge_are_asked_about(tmp_path: Path) -> None:
    """Of two units one is credited, and one again: both, or the same one."""
    sent = [
        posted("1801", row("77334", units="2")),
        posted("1802", row("77334", kind="CD")),
        posted("1803", row("77334", kind="CD"), row("J9045", number="T09")),
    ]
    after = of_course(tmp_path, *sent)
    assert told(after, "radiation.charge_changed") == (
        "77334 x2 on 2026-03-02, and 2 credits of its number that differ"
    )


@pytest.mark.parametrize("units", ["-1", "0", "1.5"])
def test_a_procedure_of_no_whole_units_makes_no_visit_firm(tmp_path: Path, units: str) -> None:
    """Whether the visit has modifier 25 hangs on it."""
    after = run(tmp_path / "charge", posted("1301", row("96372", units=units)))
    assert asked_of(after) == [("V1", "visit.quantity")]
    assert [line.provisional for line in after.visits[0].draft.lines] == ["visit.quantity"]
    odd = row("96372", kind="CD", units=units)
    credited = run(tmp_path / "credit", posted("1301", row("96372")), posted("1302", odd))
    assert asked_of(credited) == [("V1", "visit.credit_alone")]


def test_a_changed_procedure_leaves_the_visit_open(tmp_path: Path) -> None:
    """It was posted for the day of the visit, and then for another one."""
    sent = [posted("1301", row("96372")), posted("1302", row("96413"))]
    after = run(tmp_path, *sent)
    assert [line.provisional for line in after.visits[0].draft.lines] == ["visit.charge_changed"]


def test_a_changed_charge_of_a_course_is_asked_about_once(tmp_path: Path) -> None:
    """By the course alone, where there is no visit."""
    after = of_course(tmp_path, posted("1801", row("77407")), posted("1802", DEVICE))
    codes = [code for _visit, code in asked_of(after)]
    assert "radiation.charge_changed" in codes and "visit.charge_changed" not in codes


def test_modifiers_behind_a_code_are_read(tmp_path: Path) -> None:
    """`99215-25` in FT1-25 is 99215 with modifier 25."""
    assert findings(run(tmp_path, posted("1301", row("99215-25")))) == ["visit.overcoded"]
