"""Visits with a practitioner: what is asked, what an answer does, what a line says of itself."""

import pytest

from chargeline.engine import contributions_of, explain
from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.office_visits import reason_in_short
from chargeline.rulebook.cases import question_codes, withheld_reasons
from tests.engine.short import FACILITY, GUIDE, PHYSICIAN
from tests.engine.visits import (
    ESTABLISHED,
    INFUSED,
    NEW,
    NOTE,
    answered,
    codes,
    drafted,
    line_of,
    visit,
)

MINUTES = "visit_minutes 32 min"
WITHOUT_NOTE = visit(ESTABLISHED, MINUTES, given=[INFUSED])


def test_a_visit_without_its_note_is_not_firm() -> None:
    """The line is provisional by the code of the question, and the infusion is firm."""
    draft = drafted(WITHOUT_NOTE)
    assert line_of(draft, "99214").provisional == "visit.note_missing"
    assert line_of(draft, "96413").provisional == ""


def test_the_question_lists_what_the_note_must_hold() -> None:
    """Own note, signed, of that day, with history, assessment and plan beyond vital signs."""
    (question,) = drafted(WITHOUT_NOTE).encounters[0].questions
    said = question.finding.expected
    parts = ("practitioner's own note", "signed", "2026-03-02", "history, assessment and plan")
    assert [part for part in (*parts, "vital signs", "fit for treatment") if part not in said] == []


ANSWERS: dict[str, tuple[tuple[str, ...], str, AnswerChoice, str, list[str]]] = {
    "a note is in the chart": ((ESTABLISHED, MINUTES), "visit.note_missing", "separate_note", "",
                               ["96413", "99214-25"]),
    "no visit": ((ESTABLISHED, MINUTES), "visit.note_missing", "no_visit", "", ["96413"]),
    "by hand": ((ESTABLISHED, MINUTES), "visit.note_missing", "by_hand", "", ["96413"]),
    "new": ((NOTE, MINUTES), "visit.status", "new", "", ["96413", "99203-25"]),
    "established": ((NOTE, MINUTES), "visit.status", "established", "", ["96413", "99214-25"]),
    "minutes": ((NOTE, ESTABLISHED, "visit_minutes 900 min"), "visit.minutes", "minutes", "40",
                ["96413", "99215-25"]),
    "level of a word": ((NOTE, ESTABLISHED, "problems high", "risk SEVERE"), "visit.word", "level",
                        "high", ["96413", "99215-25"]),
    "the higher of two": ((NOTE, ESTABLISHED, "visit_minutes 25 min of=R1",
                           "visit_minutes 45 min of=R2"), "visit.disagrees", "higher", "",
                          ["96413", "99215-25"]),
    "the lower of two": ((NOTE, ESTABLISHED, "problems low", "risk low of=R1", "risk high of=R2"),
                         "visit.disagrees", "lower", "", ["96413", "99213-25"]),
    "two contacts": (
        (NOTE, ESTABLISHED, "visit_minutes 25 min of=R1", "visit_minutes 15 min of=R2"),
        "visit.disagrees", "together", "", ["96413", "99215-25"]),
    "two contacts, one of them told twice": (
        (NOTE, ESTABLISHED, "visit_minutes 14 min of=R1", "visit_minutes 15 min of=R2",
         "visit_minutes 15 min of=R2", "visit_minutes 10 min of=R2"),
        "visit.disagrees", "together", "", ["96413", "99213-25"]),
    "a late signature with an attestation": (
        ("note visit practitioner signed 10:10 signed=d40", ESTABLISHED, MINUTES),
        "visit.note_late", "confirm", "", ["96413", "99214-25"]),
    "minutes of a note alone": ((NOTE, ESTABLISHED), "visit.level", "minutes", "31",
                                ["96413", "99214-25"]),
    "level of a note alone": ((NOTE, ESTABLISHED), "visit.level", "level", "low",
                              ["96413", "99213-25"]),
    "one visit of two": ((NOTE, "note visit practitioner signed 11:00 by=D2", ESTABLISHED,
                          MINUTES), "visit.several", "one_visit", "", ["96413", "99214-25"]),
    "a second visit by hand, and the first stays": (
        (NOTE, "note visit practitioner signed 11:00 by=D2", ESTABLISHED, MINUTES),
        "visit.several", "by_hand", "", ["96413", "99214-25"]),
    "two equal contacts": (
        (NOTE, ESTABLISHED, "visit_minutes 20 min of=R1", "visit_minutes 20 min of=R2"),
        "visit.disagrees", "together", "", ["96413", "99215-25"]),
    "one contact that two reports tell": (
        (NOTE, ESTABLISHED, "visit_minutes 20 min of=R1", "visit_minutes 20 min of=R2"),
        "visit.disagrees", "lower", "", ["96413", "99213-25"]),
    "a posted consultation is seen to by itself": (
        (NOTE, ESTABLISHED, MINUTES, "posted 99244"), "visit.unknown_code", "confirm", "",
        ["96413", "99214-25"]),
    "a posted consultation by hand": (
        (NOTE, ESTABLISHED, MINUTES, "posted 99244"), "visit.unknown_code", "by_hand", "",
        ["96413"]),
    "the level holds": (("note visit practitioner signed edit 10:10", ESTABLISHED, MINUTES),
                        "visit.note_amended", "confirm", "", ["96413", "99214-25"]),
    "the one who signed it shares it": (
        ("note visit practitioner signed 10:10 signer=D2", ESTABLISHED, MINUTES),
        "visit.note_signer", "confirm", "", ["96413", "99214-25"]),
    "about more than the radiation": (
        (NOTE, ESTABLISHED, MINUTES, "fraction 3 of=S1"), "visit.radiation", "confirm", "",
        ["96413", "99214-25"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("care", "code", "choice", "value", "expected"), ANSWERS.values(), ids=ANSWERS
)
def test_an_answer_settles_its_question(
    care: tuple[str, ...], code: str, choice: AnswerChoice, value: str, expected: list[str]
) -> None:
    """After the answer the question is gone, and the visit is billed as the answer says."""
    after = answered(visit(*care, given=[INFUSED]), code, choice, value)
    draft = drafted(after)
    assert codes(after) == expected
    assert code not in question_codes(draft)
    assert [line.code for line in draft.lines if line.provisional and line.code < "A"] == []


@pytest.mark.parametrize(
    ("said", "code"),
    [("visit_minutes 900 min", "visit.minutes"), ("visit_minutes 4 min", "visit.level")],
)
def test_minutes_that_nobody_believes_are_asked_about_again(said: str, code: str) -> None:
    """A slip of the keyboard shall not become hours of prolonged time; said twice it holds."""
    asked = visit(NOTE, ESTABLISHED, said, given=[INFUSED])
    slipped = answered(asked, code, "minutes", "1440")
    assert codes(slipped) == ["96413"] and "visit.minutes" in question_codes(drafted(slipped))
    mended = answered(slipped, "visit.minutes", "minutes", "45")
    assert codes(mended) == ["96413", "99215-25"]
    other = answered(slipped, "visit.minutes", "minutes", "1400")
    assert codes(other) == ["96413"] and "visit.minutes" in question_codes(drafted(other))
    again = answered(slipped, "visit.minutes", "minutes", "1440")
    assert codes(again)[-1].startswith("G2212")
    assert "visit.minutes" not in question_codes(drafted(again))


def test_continuing_care_is_reported_after_a_person_says_so() -> None:
    """A word that nobody mapped reports nothing; the answer does."""
    asked = visit(NOTE, ESTABLISHED, MINUTES, "continuing_care PERHAPS")
    assert codes(asked) == ["99214"]
    assert codes(answered(asked, "visit.continuing", "continuing")) == ["99214", "G2211"]
    assert codes(answered(asked, "visit.continuing", "not_continuing")) == ["99214"]


UNSETTLED = {
    "signed by another": ("note visit practitioner signed 10:10 signer=D2", "visit.note_signer"),
    "signed late": ("note visit practitioner signed 10:10 signed=d9", "visit.note_late"),
    "a day of radiation": (f"{NOTE}\nfraction 3 of=S1", "visit.radiation"),
}


@pytest.mark.parametrize(("care", "code"), UNSETTLED.values(), ids=UNSETTLED)
def test_a_visit_that_may_be_no_separate_one_is_not_firm(care: str, code: str) -> None:
    """The line is drafted, and waits for a person."""
    draft = drafted(visit(*care.splitlines(), ESTABLISHED, MINUTES))
    assert [line.provisional for line in draft.lines if line.code.startswith("99214")] == [code]


POSTED_OTHERWISE = {
    "no 25": (["posted 99214"], ["expected 99214-25 x1", "found 99214 x1"]),
    "twice": (["posted 99214-25 x2"], ["expected 99214-25 x1", "found 99214-25 x2"]),
    "an add-on": (["posted 99214-25", "posted G2211"], ["expected no G2211", "found G2211"]),
    "as it is": (["posted 99214-25"], []),
    "a resident": (["posted 99214-25-GC"], ["found 99214-25-GC x1", "does not carry GC"]),
    "another reason": (["posted 99214-24"], ["found 99214-24 x1", "99214-25 x1", "carry 24"]),
    "the decision for surgery": (["posted 99214-57"], ["found 99214-57 x1", "does not carry 57"]),
    "an add-on alone": (["posted G2211"], ["expected no G2211", "found G2211"]),
}


@pytest.mark.parametrize(("posted", "said"), POSTED_OTHERWISE.values(), ids=POSTED_OTHERWISE)
def test_what_was_posted_otherwise_is_told(posted: list[str], said: list[str]) -> None:
    """Modifiers, units and add-ons, each with what the facts carry and what was posted."""
    draft = drafted(visit(NOTE, ESTABLISHED, MINUTES, *posted, given=[INFUSED]))
    edits = [
        entry.finding
        for encounter in draft.encounters
        for entry in encounter.edits
        if entry.finding.code == "visit.posted_otherwise"
    ]
    told = [f"expected {e.expected}; found {e.found}; {e.do}" for e in edits]
    assert len(told) == (1 if said else 0)
    assert [part for part in said if part not in told[0]] == []


def test_an_add_on_that_the_facts_carry_and_nobody_posted_is_told() -> None:
    """Continuing care is drafted, and the record system posted the visit alone."""
    draft = drafted(visit(NOTE, ESTABLISHED, MINUTES, "continuing_care yes", "posted 99214"))
    told = [e.finding.found for e in draft.encounters[0].edits if e.finding.code[:7] == "visit.p"]
    assert told == ["no G2211 posted"]


def test_a_nurses_visit_is_reported_after_a_person_confirms_it() -> None:
    """99211 alone, with a plan and a practitioner in the suite."""
    assert codes(answered(visit("posted 99211"), "visit.nurse", "confirm")) == ["99211"]


def test_an_answer_to_other_minutes_holds_no_longer() -> None:
    """The minutes are charted anew: the answer was to 900 minutes and not to 800."""
    old = visit(NOTE, ESTABLISHED, "visit_minutes 900 min")
    answers = answered(old, "visit.minutes", "minutes", "40").answers
    anew = visit(NOTE, ESTABLISHED, "visit_minutes 800 min")._replace(answers=answers)
    assert "visit.minutes" in question_codes(drafted(anew))


def test_what_no_visit_was_is_withheld_and_says_so() -> None:
    """Nothing ends in silence."""
    after = answered(WITHOUT_NOTE, "visit.note_missing", "no_visit")
    assert withheld_reasons(drafted(after)) == ["answer.no_visit"]


def test_an_answer_stands_in_the_trace_of_the_line() -> None:
    """Who said what, and why."""
    after = answered(WITHOUT_NOTE, "visit.note_missing", "separate_note")
    assert "answered: separate_note; by: ZN1" in explain(line_of(drafted(after), "99214"))


def test_both_bases_stand_in_the_trace() -> None:
    """The one that counts and the other one, with what was documented of each."""
    care = (NOTE, ESTABLISHED, "visit_minutes 42 min", "problems low", "data low", "risk moderate")
    text = explain(line_of(drafted(visit(*care)), "99215"))
    assert "chosen by: time; other basis: decision making makes low" in text
    assert "problems: low; data: low; risk: moderate; level: low" in text
    assert "claim: professional" in text


def test_a_page_says_in_one_sentence_what_the_level_rests_on() -> None:
    """Whose claim it is, the level, what chose it, and what the other basis makes."""
    care = (NOTE, ESTABLISHED, "visit_minutes 42 min", "problems low", "risk low")
    line = line_of(drafted(visit(*care)), "99215")
    assert reason_in_short(line) == (
        "For the professional claim; high by time; decision making makes low."
    )


def test_where_policies_differ_the_line_says_so() -> None:
    """A hospital's claim has G0463 where the practitioner's has 99214."""
    draft = drafted(visit(NOTE, ESTABLISHED, MINUTES, given=[INFUSED]))
    told = {each.policy: each for each in line_of(draft, "99214").other_policies}
    assert told[FACILITY].says == ("G0463-25 x1",)
    assert told[FACILITY].rule == "facility.visit.clinic"
    assert GUIDE not in told


def test_a_line_keeps_its_number_when_its_level_changes() -> None:
    """Two minutes more are another code on the same line."""
    before = line_of(drafted(visit(NOTE, ESTABLISHED, "visit_minutes 29 min")), "99213")
    after = line_of(drafted(visit(NOTE, ESTABLISHED, "visit_minutes 31 min")), "99214")
    assert before.line_id == after.line_id


@pytest.mark.parametrize("policy", [GUIDE, FACILITY, PHYSICIAN])
def test_a_signed_note_says_who_saw_the_patient(policy: str) -> None:
    """The patient's record has the day and who signed, whatever is billed of it."""
    timeline = visit("note visit practitioner signed 10:10 by=D7", MINUTES)
    facts = contributions_of(timeline, drafted(timeline, policy=policy))
    (fact,) = [each for each in facts if each.slot.kind == "seen"]
    assert (fact.slot.kind, fact.slot.about, fact.value) == ("seen", "facility|2026-03-02", "D7")


def test_a_day_of_the_same_account_counts_as_seen() -> None:
    """On 9 March the patient is established by the visit of 2 March under the same number."""
    timeline = visit(
        NOTE, NEW, MINUTES, "note visit practitioner signed 10:10 d8", "visit_minutes 40 min d8"
    )
    assert codes(timeline) == ["99203", "99215"]


def test_an_unsigned_note_has_seen_nobody() -> None:
    """What nobody signed adds nothing to the record."""
    timeline = visit("note visit practitioner unsigned 10:10", MINUTES)
    kinds = [fact.slot.kind for fact in contributions_of(timeline, drafted(timeline))]
    assert kinds == ["office_visit"]


def test_a_visit_without_such_facts_is_drafted_as_before() -> None:
    """The family returns at once: neither lines nor questions nor facts."""
    draft = drafted(visit("weight 71.5 kg", given=[INFUSED]))
    assert {line.family for line in draft.lines} == {"infusions", "drugs"}
    assert question_codes(draft) == []


def test_a_question_about_new_or_established_names_what_the_record_knows() -> None:
    """Registration reads whether anybody of the group is on record."""
    record = ["seen facility|2025-06-01 2025-06-01T09:00 D7"]
    draft = drafted(visit(NOTE, NEW, MINUTES), record)
    (question,) = draft.encounters[0].questions
    assert question.finding.found == (
        "new is said, and a record that the group saw the patient before"
    )


FOUND = {
    "two words": ((NEW + " of=R1", ESTABLISHED + " of=R2"), "visit.status",
                  "established and new are said"),
    "a word that nobody mapped": (("patient_status TRANSFER",), "visit.status", "TRANSFER is said"),
    "a posted code": ((NEW, "posted 99214"), "visit.status",
                      "new is said, 99214 posted for a patient who is established"),
    "nothing": ((), "visit.status", "nobody says it"),
    "another practitioner": ((ESTABLISHED, "posted 99213 by=D2"), "visit.several",
                             "1 who signed a note, and 99213 posted for D2"),
    "critical care": ((ESTABLISHED, "posted 99291"), "visit.unknown_code", "99291 posted"),
}  # fmt: skip


@pytest.mark.parametrize(("care", "code", "found"), FOUND.values(), ids=FOUND)
def test_a_question_names_what_was_found(care: tuple[str, ...], code: str, found: str) -> None:
    """The words that were said, and the codes that were posted."""
    questions = drafted(visit(f"{NOTE} by=D1", MINUTES, *care)).encounters[0].questions
    told = [question.finding.found for question in questions if question.finding.code == code]
    assert [text.startswith(found) for text in told] == [True]


def test_a_second_visit_by_hand_is_withheld_and_the_first_one_firm() -> None:
    """Both are told: the line of the first, and that a person codes the second."""
    two = visit(f"{NOTE} by=D1", ESTABLISHED, MINUTES, "posted 99214 by=D1", "posted 99213 by=D2")
    draft = drafted(answered(two, "visit.several", "by_hand"))
    assert [(line.code, line.provisional) for line in draft.lines] == [("99214", "")]
    assert withheld_reasons(draft) == ["answer.by_hand"]
    codes_of_edits = [edit.finding.code for edit in draft.encounters[0].edits]
    assert [code for code in codes_of_edits if code.startswith("visit.")] == []


@pytest.mark.parametrize("choice", ["confirm", "by_hand"])
def test_a_posted_code_alone_ends_as_a_person_says(choice: AnswerChoice) -> None:
    """Nothing is drafted of it, and the draft says who sees to it."""
    draft = drafted(answered(visit("posted 99244"), "visit.unknown_code", choice))
    assert withheld_reasons(draft) == [f"answer.{choice}"]
    assert (draft.lines, question_codes(draft)) == ((), [])


def test_a_stay_names_what_was_posted_and_remembers_who_saw_the_patient() -> None:
    """The question has the posted code, and a later visit finds an established patient."""
    stay = visit(f"{NOTE} by=D1", MINUTES, "posted 99233")
    context = stay.context._replace(classes=((None, "inpatient"),))
    draft = drafted(stay._replace(context=context))
    (question,) = draft.encounters[0].questions
    assert question.finding.found == "a patient of the class inpatient, and 99233 posted"
    kinds = {entry.slot.kind for entry in contributions_of(stay._replace(context=context), draft)}
    assert "seen" in kinds


CANCELLED = {
    "a visit": ([NOTE, MINUTES], [], "1 day with a practitioner's visit"),
    "sessions": (["fraction 1 of=S1", "fraction 2 d2 of=S2"], [], "2 days of radiation"),
    "an infusion and a charge": (
        ["posted 99214"], [INFUSED], "1 administration, 1 posted charge"),
}  # fmt: skip


@pytest.mark.parametrize(("care", "given", "found"), CANCELLED.values(), ids=CANCELLED)
@pytest.mark.parametrize("choice", ["not_done", "by_hand"])
def test_a_cancelled_visit_says_what_was_done_under_it(
    care: list[str], given: list[str], found: str, choice: AnswerChoice
) -> None:
    """What was told is counted, and a person may say that it was not done or is billed by hand."""
    told = visit(*care, given=given)
    cancelled = told._replace(context=told.context._replace(cancelled=True))
    (question,) = drafted(cancelled).questions
    assert (question.finding.code, question.finding.found) == ("visit.cancelled", found)
    after = drafted(answered(cancelled, "visit.cancelled", choice))
    assert (after.questions, after.lines) == ((), ())
    reasons = {entry.reason for part in after.encounters for entry in part.withheld}
    assert reasons == {f"answer.{choice}"}


def test_a_page_says_why_continuing_care_is_billed_and_that_payers_vary() -> None:
    """Not the minutes of the visit beside it."""
    line = line_of(drafted(visit(NOTE, ESTABLISHED, MINUTES, "continuing_care yes")), "G2211")
    assert reason_in_short(line) == (
        "For the professional claim; care goes on; Continuing care is reported beside a visit "
        "without modifier 25; commercial payers vary."
    )


def test_a_page_says_how_much_later_a_note_was_signed() -> None:
    """Seven days are within the rule, which stands in the trace; the same day says nothing."""
    late = visit(f"{NOTE} signed=d8", ESTABLISHED, MINUTES)
    line = line_of(drafted(late), "99214")
    assert reason_in_short(line).endswith("moderate by time; signed 7 days after the visit.")
    assert "visit.signed" in explain(line)
    on_the_day = line_of(drafted(visit(f"{NOTE} signed=d1", ESTABLISHED, MINUTES)), "99214")
    assert "signed" not in reason_in_short(on_the_day)
