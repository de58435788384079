"""The questions about a visit, each in words that say who can settle it.

It owns these texts, and decides nothing.
"""

from collections.abc import Sequence
from datetime import date

from chargeline.engine.care import PostedCharge
from chargeline.engine.events import Source
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.office_visits.facts import Disagreement, Unusable
from chargeline.engine.office_visits.notes import DayNotes
from chargeline.engine.posted_charges import (
    CHANGED_DO,
    CHANGED_EXPECTED,
    CreditApart,
    changed_in_words,
)
from chargeline.engine.quantities import plain
from chargeline.engine.trace import Question, ask
from chargeline.engine.visit_words import SeenFact


def about(day: date) -> str:
    """What the lines and questions of a visit are about: `visit 2026-03-02`."""
    return f"visit {day.isoformat()}"


_NOTE_CODES: dict[str, FindingCode] = {
    "none": "visit.note_missing",
    "unsigned": "visit.note_unsigned",
    "author": "visit.note_author",
    "cancelled": "visit.note_cancelled",
}
_WHO_SIGNS = {
    "none": "the practitioner writes and signs the note, or says that there was no visit",
    "unsigned": "the practitioner signs the note",
    "author": "whoever knows the author says whether it is a practitioner; a nurse's note is none",
    "cancelled": "the practitioner writes the note anew, or says that there was no visit",
}
_BESIDE_DRUGS = (
    "; beside drugs it holds history, assessment and plan, beyond vital signs and fit for treatment"
)


def note_question(
    day: date, notes: DayNotes, documented: str, sources: Sequence[Source], *, has_drugs: bool
) -> Question:
    """Asks for the practitioner's own signed note; `documented` says what there is instead."""
    return ask(
        _NOTE_CODES[notes.standing],
        expected=f"a practitioner's own note of the visit, signed, of {day.isoformat()}"
        + _BESIDE_DRUGS * has_drugs,
        found=f"{notes.found}, and {documented}" if documented else notes.found,
        do=f"{_WHO_SIGNS[notes.standing]}; until then the visit is not firm",
        drug=about(day),
        sources=notes.sources or tuple(sources),
    )


def amended_question(day: date, notes: DayNotes) -> Question:
    """Asks whether the level still holds after a note was changed."""
    return ask(
        "visit.note_amended",
        expected="a note that was signed and left as it is",
        found=notes.found,
        do="a coder reads the note and says whether the level still holds; the author signs what "
        "is not signed",
        drug=about(day),
        sources=notes.sources,
    )


def signer_question(day: date, notes: DayNotes) -> Question:
    """Asks whose visit a note is that another person than its author signed."""
    return ask(
        "visit.note_signer",
        expected="a note of the visit that its author signed",
        found="one that another person signed",
        do="a coder says whose visit it is: of one who learns it needs the teaching practitioner's "
        "own part, and one that two shared is billed under one of them",
        drug=about(day),
        sources=notes.sources,
    )


def signature_question(day: date, notes: DayNotes, within: int) -> Question:
    """Asks what stands behind a note that was signed long after its visit, or before it."""
    after = notes.signed_after or 0
    return ask(
        "visit.note_late",
        expected=f"a note that was signed on the day of the visit or within {within} days after it",
        found=f"one that was signed {after} days after it"
        if after >= 0
        else f"one that was signed {-after} days before it",
        do="the practitioner attests the note, because a late signature proves none; a coder says "
        "when that is done",
        drug=about(day),
        sources=notes.sources,
    )


def radiation_question(day: date, sources: Sequence[Source]) -> Question:
    """Asks whether a visit on a day of radiation was about more than the treatment."""
    return ask(
        "visit.radiation",
        expected="a visit about something else than the review of the radiation treatment",
        found="a visit on a day of radiation, and the weekly management holds that review",
        do="the practitioner says what it was about; until then the visit is not firm",
        drug=about(day),
        sources=tuple(sources),
    )


def several_question(
    day: date, authors: Sequence[str], visits: Sequence[PostedCharge], sources: Sequence[Source]
) -> Question:
    """Asks whether notes or postings of several practitioners are one visit."""
    signed = [f"{len(authors)} who signed a note"] if authors else []
    posted = [
        f"{charge.code} posted for {charge.performer}" for charge in visits if charge.performer
    ]
    return ask(
        "visit.several",
        expected="one practitioner who signed the visit",
        found=", and ".join([*signed, *dict.fromkeys(posted)]),
        do="a coder says whether it is one visit; a second one is coded by hand (with 27 on a "
        "hospital's claim), and the first stays as it is drafted",
        drug=about(day),
        sources=tuple(sources),
    )


def performer_question(
    day: date, posted: Sequence[str], practitioners: Sequence[str], sources: Sequence[Source]
) -> Question:
    """Asks whether one of the visit's group and specialty performed what was posted beside it;
    `posted` says of each charge for whom.
    """
    by = " and ".join(practitioners) or "nobody who is named"
    return ask(
        "visit.performer",
        expected="what was posted beside the visit performed by the visit's practitioner, or by "
        "one of the same group and specialty",
        found=f"{', '.join(dict.fromkeys(posted))} (FT1-20), and the visit is by {by}",
        do="a coder says whose it was: modifier 25 is for one practitioner, or one group and "
        "specialty; until then the visit has none, and is not firm",
        drug=about(day),
        sources=tuple(sources),
    )


def unknown_code_question(day: date, charges: Sequence[PostedCharge]) -> Question:
    """Asks what becomes of posted codes for which no rule of visits stands."""
    return ask(
        "visit.unknown_code",
        expected="posted codes of visits to an office or clinic, for which rules stand",
        found=f"{' and '.join(dict.fromkeys([charge.code for charge in charges]))} posted",
        do="a coder codes the visit by hand, with the codes of that service; or confirms that the "
        "posted code is seen to by itself, and that what else is drafted of the day stands",
        drug=about(day),
        sources=tuple([charge.source for charge in charges]),
    )


def credit_question(apart: CreditApart, charge: PostedCharge) -> Question:
    """Asks whether a credit of another day takes back a charge."""
    credit, day = apart.credit, charge.day
    return ask(
        "visit.credit",
        expected=f"a credit of {credit.code} with the number of its charge (FT1-2) or its day "
        "(FT1-4)",
        found=f"one x{apart.units} of {credit.day.isoformat()}, and a charge of {day.isoformat()}",
        do="charge entry says whether the credit takes back this charge; till then the charge "
        "stands, and the visit is not firm; have credits sent with the number or the day of what "
        "they take back",
        drug=about(day),
        sources=(credit.source, charge.source),
    )


def changed_question(day: date, charge: PostedCharge) -> Question:
    """Asks whether a charge corrects those that were posted before it under its number."""
    return ask(
        "visit.charge_changed",
        expected=CHANGED_EXPECTED,
        found=changed_in_words(charge),
        do=CHANGED_DO,
        drug=about(day),
        sources=(charge.source,),
    )


def quantity_question(day: date, charge: PostedCharge) -> Question:
    """Asks how many units of a charge are meant."""
    return ask(
        "visit.quantity",
        expected="a whole number of units above zero in FT1-10",
        found=f"{charge.code} x{plain(charge.units)} on {day.isoformat()}",
        do="charge entry posts whole units, and takes back with a credit (CD in FT1-6); until then "
        "the charge stands as one",
        drug=about(day),
        sources=(charge.source,),
    )


def credit_alone_question(day: date, credit: PostedCharge) -> Question:
    """Asks what a credit takes back for which the visit has no charge."""
    left, odd = "for which no charge of it is left", "which is no whole number above zero"
    why = left if credit.is_whole else odd
    return ask(
        "visit.credit_alone",
        expected=f"a charge of {credit.code} that the credit takes back",
        found=f"a credit of {credit.code} x{credit.units} on {day.isoformat()}, {why}",
        do="charge entry says which charge is meant: one of another visit, or from before the feed "
        "began, needs no more; the credit changes nothing that is drafted here",
        drug=about(day),
        sources=(credit.source,),
    )


def minutes_question(day: date, found: str, sources: Sequence[Source]) -> Question:
    """Asks for the practitioner's minutes."""
    return ask(
        "visit.minutes",
        expected="the practitioner's own whole minutes of the day",
        found=found,
        do="the practitioner says how many minutes it was; until then time makes no level",
        drug=about(day),
        sources=tuple(sources),
    )


def minutes_again_question(
    day: date, minutes: int, most: int, sources: Sequence[Source]
) -> Question:
    """Asks once more about minutes that a person answered, and that nobody believes."""
    found = f"{minutes} minutes by an answer, and more than {most} are doubted"
    question = minutes_question(day, found, sources)
    do = (
        "the practitioner says how many minutes it was, or the same number again; until then time "
        "makes no level"
    )
    return question._replace(finding=question.finding._replace(do=do), about=f"{minutes} minutes")


def word_question(day: date, part: Unusable) -> Question:
    """Asks which level a word is that the interface profile does not map."""
    return ask(
        "visit.word",
        expected=f"a level of {part.about}: straightforward, low, moderate or high",
        found=part.found,
        do="who keeps the interface adds the word to [values] of the profile, or a coder reads the "
        "note and says the level; until then it counts for nothing",
        drug=about(day),
        sources=part.sources,
    )


def disagreement_question(day: date, parts: Sequence[Disagreement]) -> Question:
    """Asks which of several values of one visit holds, or whether there were two visits."""
    values = "; ".join([f"{part.about} {part.lower} and {part.higher}" for part in parts])
    return ask(
        "visit.disagrees",
        expected="one value of each for one visit",
        found=values.replace("_", " "),
        do="the practitioner says which holds, or that they were two contacts of one visit, whose "
        "minutes count together; a second visit of the day is coded by hand; until then the lower "
        "one counts",
        drug=about(day),
        sources=tuple([source for part in parts for source in part.sources]),
    )


_SEEN = {
    "practitioner": "a record that the practitioner saw the patient before",
    "group": "a record that the group saw the patient before",
    "nobody": "no record of an earlier visit, which proves nothing",
}


def status_question(day: date, seen: SeenFact, said: str, sources: Sequence[Source]) -> Question:
    """Asks whether the patient is new."""
    return ask(
        "visit.status",
        expected="whether the patient is new to the practitioner's group and specialty",
        found=f"{said}, and {_SEEN[seen]}",
        do="registration looks for a visit of the last years; until then the visit has no code",
        drug=about(day),
        sources=tuple(sources),
    )


def level_question(day: date, found: str, sources: Sequence[Source]) -> Question:
    """Asks for the level of a visit that only a note tells of."""
    return ask(
        "visit.level",
        expected="the practitioner's minutes, or two of problems, data and risk",
        found=found,
        do="a coder reads the note and says minutes or level; until then the visit has no code",
        drug=about(day),
        sources=tuple(sources),
    )


def risk_question(day: date, level: str, sources: Sequence[Source]) -> Question:
    """Tells that treatment with high risk does not by itself make the highest level."""
    return ask(
        "visit.risk_alone",
        expected="problems or data that are high as well, where active treatment is to be high",
        found=f"high risk, and two of three make {level}",
        do="the practitioner documents what else was high, or the level stays",
        drug=about(day),
        sources=tuple(sources),
    )


def continuing_question(day: date, sources: Sequence[Source]) -> Question:
    """Asks whether the practitioner goes on caring for the patient."""
    return ask(
        "visit.continuing",
        expected="yes or no: the practitioner is the focal point of the patient's care",
        found="a word that nobody mapped, or both",
        do="the practitioner says it; until then continuing care is not reported",
        drug=about(day),
        sources=tuple(sources),
    )


def nurse_question(day: date, charge: PostedCharge) -> Question:
    """Asks whether a visit with a nurse meets what its code needs."""
    return ask(
        "visit.nurse",
        expected="a practitioner's plan that the nurse followed, and a practitioner in the suite",
        found=f"{charge.code} posted, and no practitioner's note",
        do="a coder says whether both hold; until then nothing is billed of it",
        drug=about(day),
        sources=(charge.source,),
    )


def account_question(
    day: date, other: str, practitioners: Sequence[str], sources: Sequence[Source]
) -> Question:
    """Asks which of two visit numbers holds the visit of a practitioner."""
    by = f"by {' and '.join(practitioners)}" if practitioners else "by nobody who is named"
    return ask(
        "visit.other_account",
        expected=f"one visit of a practitioner on {day.isoformat()}, under one visit number",
        found=f"a visit {by} under the visit number {other} as well",
        do="registration says which number holds it; two contacts for one reason are one visit, "
        "and two visits have each a note and a reason of its own; until then the other number "
        "has it",
        drug=about(day),
        sources=tuple(sources),
    )


def role_question(day: date, patient: str, level: str) -> Question:
    """Asks for the rule that no policy has."""
    return ask(
        "role.none",
        expected="one rule for the role of the visit",
        found=f"none, or several, for {patient} and {level} level",
        do="correct the rules of visit.role",
        drug=about(day),
    )


def where_question(
    day: date, patient_class: str, posted: Sequence[PostedCharge], sources: Sequence[Source]
) -> Question:
    """Asks a person to code a visit that is none of an office or clinic."""
    codes = " and ".join(dict.fromkeys([charge.code for charge in posted]))
    return ask(
        "visit.where",
        expected="a visit to an office or a clinic",
        found=f"a patient of the class {patient_class}{f', and {codes} posted' if codes else ''}",
        do="a coder codes the visit by hand, with the codes of that place",
        drug=about(day),
        sources=tuple(sources),
    )
