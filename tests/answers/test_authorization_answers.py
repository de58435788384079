"""What a payer's message did not say of an authorization, a person says: as if it had said it."""

from datetime import timedelta
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.drafting.answering import (
    AnswerError,
    DraftedVisit,
    Speaker,
    answer_to,
    questions_of_visit,
    taken_back,
)
from chargeline.engine import ALL_CODES, Formulary
from chargeline.engine.answers.values import code_list_of, count_of
from chargeline.published.answers import GivenAnswer
from tests.answers.given import EVENING, run_after
from tests.drafting.test_authorizations import PAYER, dose, head, order

ALL_OF_IT = {"state": "RF1|A", "codes": "PR1|1||J2860", "units": "800"}


def told(sent: str = "202610010900", number: int = 1, **said: str) -> str:
    """An answer of the payer on A77; what is given as "" it does not say."""
    part = {**ALL_OF_IT, **said}
    segments = [part["state"] or "RF1|", *PAYER.strip("\r").split("\r"), part["codes"]]
    aut = f"AUT|PLAN|UHC|UHC|20261001|20270331|A77|||{part['units']}"
    body = "".join([f"{segment}\r" for segment in [*segments, aut] if segment])
    return head("RPA^I08", sent, f"A{number}{sent}") + body


def dosed(*days: str) -> list[str]:
    """A visit with a dose of 80 units on each day: V1, V2 ..."""
    visits = [(f"V{n}", day) for n, day in enumerate(days, start=1)]
    return [part(*visit).decode() for visit in visits for part in (order, dose)]


def lines(run: Run) -> dict[str, str]:
    """By visit the number of its drug line, else the first edit that says why it has none."""
    said = {}
    for visit in run.visits:
        for line in visit.draft.lines:
            if line.code == "J2860":
                edits = [e.edit for e in visit.draft.edits if e.edit.startswith("authorization.")]
                said[visit.draft.key.visit] = line.authorization or edits[0]
    return said


def open_of(run: Run) -> list[str]:
    """The open questions about the authorization itself."""
    return [q.finding.code for v in run.visits for q in v.draft.questions if is_told(v.draft.key)]


def is_told(key: object) -> bool:
    return "AUTH." in str(key)


def said_to(
    run: Run, code: str, choice: str, value: str = "", *, minutes: int = 0, place: int = 0
) -> GivenAnswer:
    """A person's answer to a question of the authorization, by the way that the command goes."""
    visits = [
        DraftedVisit(v.timeline, v.draft, v.history) for v in run.visits if is_told(v.draft.key)
    ]
    (visit,) = visits
    asked = [q for q in questions_of_visit(visit) if q.question.finding.code == code][place]
    speaker = Speaker("ZC1", EVENING + timedelta(minutes=minutes), "the payer's letter")
    return answer_to(visit, asked, Formulary(()), choice, value=value, speaker=speaker)


TWO = ("20261005", "20261026")
UNCLEAR = {"V1": "authorization.unclear", "V2": "authorization.unclear"}


@pytest.mark.parametrize(
    ("lacks", "code", "choice", "value", "after"),
    [
        ({"state": ""}, "no_status", "granted", "", {"V1": "A77", "V2": "A77"}),
        ({"state": ""}, "no_status", "denied", "", dict.fromkeys(UNCLEAR, "authorization.denied")),
        (
            {"state": ""},
            "no_status",
            "pended",
            "",
            dict.fromkeys(UNCLEAR, "authorization.undecided"),
        ),
        ({"state": ""}, "no_status", "by_hand", "", UNCLEAR),
        ({"state": "RF1|NA"}, "no_status", "granted", "", {"V1": "A77", "V2": "A77"}),
        ({"codes": ""}, "no_codes", "codes", "J2860 J9271", {"V1": "A77", "V2": "A77"}),
        ({"codes": ""}, "no_codes", "codes", "*", {"V1": "A77", "V2": "A77"}),
        (
            {"codes": ""},
            "no_codes",
            "codes",
            "J9271",
            dict.fromkeys(UNCLEAR, "authorization.missing"),
        ),
        ({"units": "many"}, "no_units", "units", "160", {"V1": "A77", "V2": "A77"}),
        ({"units": "many"}, "no_units", "units", "2 visits", {"V1": "A77", "V2": "A77"}),
        (
            {"units": "many"},
            "no_units",
            "units",
            "100 units",
            {"V1": "A77", "V2": "authorization.units"},
        ),
        ({"units": "-1"}, "no_units", "units", "0", dict.fromkeys(UNCLEAR, "authorization.units")),
    ],
)
def test_what_a_person_says_counts_as_if_the_message_had_said_it(
    tmp_path: Path, lacks: dict[str, str], code: str, choice: str, value: str, after: dict[str, str]
) -> None:
    """Two visits of the patient, none of which the question is about, hear of it."""
    feed = [*dosed(*TWO), told(**lacks)]
    before = run_after(tmp_path, feed)
    assert (lines(before), open_of(before)) == (UNCLEAR, [f"authorization.{code}"])
    run = run_after(tmp_path, feed, said_to(before, f"authorization.{code}", choice, value))
    assert (lines(run), open_of(run)) == (after, [])


def test_an_answer_that_is_taken_back_leaves_the_question_open(tmp_path: Path) -> None:
    """Granted, then withdrawn, then denied: the last word counts."""
    feed = [*dosed(*TWO), told(state="")]
    granted = said_to(run_after(tmp_path, feed), "authorization.no_status", "granted")
    back = taken_back(granted, Speaker("ZC1", EVENING + timedelta(minutes=1), "wrong letter"))
    run = run_after(tmp_path, feed, granted, back)
    assert (lines(run), open_of(run)) == (UNCLEAR, ["authorization.no_status"])
    denied = said_to(run, "authorization.no_status", "denied", minutes=2)
    run = run_after(tmp_path, feed, granted, back, denied)
    assert set(lines(run).values()) == {"authorization.denied"}


@pytest.mark.parametrize("turn", [1, -1])
def test_a_later_message_counts_from_its_own_day(tmp_path: Path, turn: int) -> None:
    """Silent on 1 October and answered `granted`; refused by a message of 20 October."""
    silent = [*dosed(*TWO), told(state="")]
    granted = said_to(run_after(tmp_path, silent), "authorization.no_status", "granted")
    feed = [*silent, told("202610200900", state="RF1|R")][::turn]
    assert lines(run_after(tmp_path, feed, granted)) == {"V1": "A77", "V2": "authorization.denied"}
    assert lines(run_after(tmp_path, feed)) == {
        "V1": "authorization.denied",
        "V2": "authorization.denied",
    }


def test_a_message_that_adds_nothing_to_it_does_not_ask_again(tmp_path: Path) -> None:
    """Registration tells of days on 3 October: the answer about the message of 1 October holds."""
    feed = [*dosed(*TWO), told(state="")]
    granted = said_to(run_after(tmp_path, feed), "authorization.no_status", "granted")
    days = head("REF^I13", "202610030900", "D1") + PAYER + "IN3|1|A77|||||||20261001|20270331\r"
    run = run_after(tmp_path, [*feed, days + "RF1||||||A77\r"], granted)
    assert (lines(run), open_of(run)) == ({"V1": "A77", "V2": "A77"}, [])


def test_what_was_granted_before_stays_where_a_silent_message_is_answered(tmp_path: Path) -> None:
    """Approved on 1 October, silent on 20 October and said to be a refusal: V1 keeps its number."""
    feed = [*dosed(*TWO), told(), told("202610200900", state="", units="")]
    before = run_after(tmp_path, feed)
    assert lines(before) == {"V1": "A77", "V2": "authorization.unclear"}
    denied = said_to(before, "authorization.no_status", "denied")
    assert lines(run_after(tmp_path, feed, denied)) == {"V1": "A77", "V2": "authorization.denied"}


def test_two_parts_of_a_number_are_answered_apart(tmp_path: Path) -> None:
    """Both were told without a decision: one is granted, then the other, in any order."""
    feed = [*dosed(*TWO), told(state=""), told("202610020900", codes="PR1|1||J9271", state="")]
    before = run_after(tmp_path, feed)
    code = "authorization.no_status"
    assert open_of(before) == [code, code]
    first = said_to(before, code, "denied", place=1)
    run = run_after(tmp_path, feed, first)
    assert (lines(run), open_of(run)) == (UNCLEAR, [code])
    second = said_to(run, code, "granted", minutes=1)
    run = run_after(tmp_path, feed, first, second)
    assert (lines(run), open_of(run)) == ({"V1": "A77", "V2": "A77"}, [])
    (standing,) = [v.draft.said for v in run.visits if is_told(v.draft.key)]
    assert [entry.holds for entry in standing] == [True, True]


def test_a_refusal_needs_no_codes_and_no_units(tmp_path: Path) -> None:
    """Nothing is told: after `denied`, nobody asks for which codes and how much."""
    feed = [*dosed("20261005"), told(state="", codes="", units="x")]
    before = run_after(tmp_path, feed)
    asked = ["authorization.no_status", "authorization.no_codes", "authorization.no_units"]
    assert open_of(before) == asked
    run = run_after(tmp_path, feed, said_to(before, asked[0], "denied"))
    assert (lines(run), open_of(run)) == ({"V1": "authorization.denied"}, [])


@pytest.mark.parametrize(
    ("lacks", "code", "choice", "value", "expected"),
    [
        ({"codes": ""}, "no_codes", "codes", "", "HCPCS or CPT codes"),
        ({"codes": ""}, "no_codes", "codes", "J28", "HCPCS or CPT codes"),
        ({"codes": ""}, "no_codes", "codes", "J2860 *", "HCPCS or CPT codes"),
        ({"units": "x"}, "no_units", "units", "", "a whole number from 0 on"),
        ({"units": "x"}, "no_units", "units", "-5", "a whole number from 0 on"),
        ({"units": "x"}, "no_units", "units", "800 mg", "a whole number from 0 on"),
        ({"state": ""}, "no_status", "granted", "800", "no value"),
        ({"state": ""}, "no_status", "codes", "J2860", "one of granted, denied, pended, by_hand"),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    tmp_path: Path, lacks: dict[str, str], code: str, choice: str, value: str, expected: str
) -> None:
    """What was expected is said, and nothing is kept; in a file it counts as not said."""
    feed = [*dosed(*TWO), told(**lacks)]
    before = run_after(tmp_path, feed)
    with pytest.raises(AnswerError) as refused:
        said_to(before, f"authorization.{code}", choice, value)
    assert expected in str(refused.value)
    by_hand = said_to(before, f"authorization.{code}", "by_hand")
    written = by_hand.model_copy(update={"choice": choice, "value": value})
    run = run_after(tmp_path, feed, written)
    assert (lines(run), open_of(run)) == (UNCLEAR, [f"authorization.{code}"])


def test_codes_and_counts_are_read_as_people_write_them() -> None:
    """Small letters, commas and blanks; a number alone, or with what it counts."""
    assert code_list_of(" j2860, J9271;77385 0042T j2860") == ("J2860", "J9271", "77385", "0042T")
    assert code_list_of("*") == (ALL_CODES,)
    assert count_of("12 Visits") == (12, "visits")
    assert count_of("800") == (800, "")
    assert count_of("1.5") is None


def test_two_words_of_one_time_of_which_one_is_unknown_grant_nothing(tmp_path: Path) -> None:
    """Approved, and at the same second a word that nobody knows: a person is asked."""
    feed = [*dosed(*TWO), told(), told(number=2, state="RF1|FOO")]
    before = run_after(tmp_path, feed)
    assert (lines(before), open_of(before)) == (UNCLEAR, ["authorization.no_status"])
    run = run_after(tmp_path, feed, said_to(before, "authorization.no_status", "granted"))
    assert (lines(run), open_of(run)) == ({"V1": "A77", "V2": "A77"}, [])


def test_a_refusal_with_no_units_leaves_the_units_before_it(tmp_path: Path) -> None:
    """800 granted on 1 October, refused with AUT-9 of 0 on 20 October: V1 had its 800."""
    feed = [*dosed(*TWO), told(), told("202610200900", state="RF1|R", units="0")]
    assert lines(run_after(tmp_path, feed)) == {"V1": "A77", "V2": "authorization.denied"}
