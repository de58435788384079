"""The closed list of choices for each question, and how much hangs on the question.

It owns two tables: what a person may answer to a question of each code, and what each choice needs
as its value. It does not know what a choice does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from chargeline.engine.answer_words import AnswerChoice, LineChoice, Severity, ValueKind
from chargeline.engine.finding_codes import MEANINGS


class Offer(NamedTuple):
    """One choice of a question: what it says, and which kind of value it needs."""

    choice: AnswerChoice
    says: str
    value: ValueKind = ""


class LineOffer(NamedTuple):
    """One thing that a person may say of a charge line, and which kind of value it needs."""

    choice: LineChoice
    says: str
    value: ValueKind = ""


_OFFERS: Mapping[AnswerChoice, Offer] = {
    offer.choice: offer
    for offer in (
        Offer("confirm", "It is as charted."),
        Offer("stop", "It stopped at this time.", "time"),
        Offer("start", "It began at this time.", "time"),
        Offer("dose", "This amount was given.", "amount"),
        Offer("product", "It was this drug of the formulary.", "product"),
        Offer("route", "It went this way.", "route"),
        Offer("push", "It was pushed by hand."),
        Offer("infusion", "It was infused."),
        Offer("stopped_early", "It was stopped before the whole amount was given."),
        Offer("not_given", "It was not given."),
        Offer("not_done", "Nothing of it was done."),
        Offer("one_record", "Both records tell of one bag or syringe."),
        Offer("other_visit", "It was given under another visit."),
        Offer("this_account", "The visit belongs to this visit number."),
        Offer("other_account", "The visit belongs to the other visit number."),
        Offer("two_visits", "They are two visits, each with a note and a reason of its own."),
        Offer("required", "The protocol or the patient's condition required the second site."),
        Offer("not_required", "Nothing required the second site."),
        Offer("treatment", "The fluid was treatment, and no rinse or open vein."),
        Offer("primary", "The patient came for this administration.", "administration"),
        Offer("discarded", "This amount of the drug was discarded.", "amount"),
        Offer("none_discarded", "Nothing of the drug was discarded."),
        Offer("ndc", "This NDC stands on the vial.", "ndc"),
        Offer("on_dialysis", "The patient has end-stage renal disease and is on dialysis."),
        Offer("not_on_dialysis", "The patient has no end-stage renal disease on dialysis."),
        Offer("not_bought", "A patient, a trial or a programme supplied the drug."),
        Offer("new", "The patient is new to the group: nobody of it saw the patient."),
        Offer("established", "Somebody of the group saw the patient within the years."),
        Offer("minutes", "The practitioner spent so many minutes.", "minutes"),
        Offer("level", "This is the level.", "level"),
        Offer("lower", "The lower value holds."),
        Offer("higher", "The higher value holds."),
        Offer(
            "together",
            "They were two contacts of one practitioner: minutes count together, and of anything "
            "else the lower holds.",
        ),
        Offer("separate_note", "A practitioner's own signed note of that day is in the chart."),
        Offer("one_visit", "All the notes tell of one visit."),
        Offer(
            "same_group", "The visit's practitioner did, or one of the same group and specialty."
        ),
        Offer("other_group", "A practitioner of another group or specialty did."),
        Offer("no_visit", "There was no visit beside what else was done."),
        Offer("continuing", "The practitioner goes on caring for the patient."),
        Offer("not_continuing", "The practitioner does not."),
        Offer("takes_back", "The credit takes back this charge."),
        Offer("takes_nothing", "It does not take back this charge."),
        Offer("two_isocentres", "It was one sitting, and two isocentres were treated in it."),
        Offer("two_sessions", "There was a distinct break: they are two sessions."),
        Offer("granted", "The payer granted it."),
        Offer("denied", "The payer refused it."),
        Offer("pended", "The payer has not decided."),
        Offer("codes", "It is for these codes.", "codes"),
        Offer("units", "So much is granted.", "count"),
        Offer("this_payer", "This payer pays: it counts against the authorization.", "payer"),
        Offer("other_payer", "Another payer or the patient pays: it counts against none of them."),
        Offer("elsewhere", "They were delivered elsewhere; whole units of those here count."),
        Offer("same_course", "One course: all its sessions count together."),
        Offer("new_course", "Another course began: its sessions count by themselves."),
        Offer("said", "Of the values that were said, this one is right.", "said"),
        Offer("unknown", "Nobody can say."),
        Offer("by_hand", "A person sees to it outside chargeline."),
    )
}

_NO_RULE: tuple[AnswerChoice, ...] = ("by_hand",)
_NO_NOTE: tuple[AnswerChoice, ...] = ("separate_note", "no_visit", "by_hand")
_NO_DOSE: tuple[AnswerChoice, ...] = ("dose", "unknown", "not_given")
_CHOICES: Mapping[str, tuple[AnswerChoice, ...]] = {
    "stop.missing": ("stop", "push", "unknown", "not_given"),
    "stop.paused": ("stop", "confirm", "dose"),
    "stop.before_start": ("stop", "start", "not_given"),
    "start.missing": ("start", "not_given"),
    "time.long": ("confirm", "stop"),
    "time.short": ("confirm", "stop", "stopped_early"),
    "time.push": ("confirm", "stop", "infusion"),
    "time.to_come": ("confirm", "stop"),
    "time.one_moment": ("stop", "push", "not_given"),
    "time.outside_visit": ("confirm", "other_visit"),
    "time.twice": ("confirm", "stop", "start"),
    "correction.ambiguous": ("confirm", "not_given"),
    "correction.again": ("confirm", "dose", "not_given"),
    "correction.other_sender": ("confirm", "dose", "not_given"),
    "order.cancelled": ("confirm", "not_given"),
    "dose.measure": _NO_DOSE,
    "dose.missing": _NO_DOSE,
    "dose.no_unit": _NO_DOSE,
    "dose.unit": _NO_DOSE,
    "number.invalid": _NO_DOSE,
    "dose.ordered": ("confirm", "dose"),
    "dose.usual": ("confirm", "dose"),
    "dose.disagrees": ("confirm", "dose"),
    "dose.parts": ("confirm", "dose"),
    "dose.repeated": ("confirm", "dose"),
    "dose.other_visit": ("confirm", "other_visit"),
    "note.contradicts": ("confirm", "stop", "dose", "stopped_early", "not_given"),
    "fluid.purpose": ("confirm", "treatment"),
    "dose.twice": ("confirm", "one_record"),
    "drug.unknown": ("product", "by_hand", "not_given"),
    "drug.not_ordered": ("confirm", "product"),
    "drug.codes": ("on_dialysis", "not_on_dialysis", "by_hand"),
    "drug.no_code": ("by_hand", "product", "not_bought"),
    "ndc.contradicts": ("product", "ndc", "by_hand"),
    "ndc.several": ("ndc", "by_hand"),
    "ndc.unreadable": ("ndc", "by_hand"),
    "vial.too_few": ("confirm", "dose", "by_hand"),
    "waste.avoidable": ("confirm", "by_hand"),
    "waste.disagrees": ("discarded", "none_discarded", "confirm"),
    "waste.not_charted": ("discarded", "none_discarded", "confirm"),
    "waste.unclear": ("discarded", "none_discarded", "by_hand"),
    "initial.second_line": ("required", "not_required"),
    "initial.primary_reason": ("primary",),
    "port.alone": ("confirm", "by_hand"),
    "radiation.again": ("confirm", "by_hand"),
    "radiation.appointment": ("confirm", "not_given"),
    "radiation.beside": ("confirm", "by_hand"),
    "radiation.beyond_plan": ("confirm", "not_given", "by_hand"),
    "radiation.break": ("confirm", "not_given"),
    "radiation.charge_changed": ("confirm", "by_hand"),
    "radiation.code_ended": ("by_hand",),
    "radiation.contradicts": ("said", "by_hand"),
    "radiation.credit_alone": ("confirm", "by_hand"),
    "radiation.delivery": ("by_hand",),
    "radiation.differs": ("confirm", "by_hand"),
    "radiation.examination": ("confirm", "no_visit", "by_hand"),
    "radiation.follows": ("same_course", "new_course", "by_hand"),
    "radiation.level_three": ("confirm", "by_hand"),
    "radiation.missing": ("confirm", "elsewhere", "by_hand"),
    "radiation.no_charge": ("confirm", "by_hand"),
    "radiation.no_course": ("confirm", "by_hand"),
    "radiation.no_fraction": ("confirm", "not_given"),
    "radiation.no_report": ("confirm", "not_given"),
    "radiation.not_kept": ("confirm", "not_given"),
    "radiation.outside_visit": ("confirm", "other_visit", "not_given"),
    "radiation.number_twice": ("confirm", "not_given"),
    "radiation.one_sitting": ("confirm", "two_isocentres", "two_sessions", "by_hand"),
    "radiation.quantity": ("by_hand",),
    "radiation.reason": ("confirm", "by_hand"),
    "radiation.resumed": ("same_course", "new_course", "by_hand"),
    "radiation.too_many": ("confirm", "by_hand"),
    "radiation.two_courses": ("confirm", "by_hand"),
    "radiation.unfinished": ("confirm", "by_hand"),
    "radiation.unknown_code": ("by_hand",),
    "radiation.value": ("confirm", "by_hand"),
    "technique.no_route": ("route", "by_hand", "not_given"),
    "visit.where": ("by_hand", "no_visit"),
    "visit.other_account": ("this_account", "other_account", "two_visits", "by_hand"),
    "visit.status": ("new", "established", "by_hand"),
    "visit.minutes": ("minutes", "unknown", "by_hand"),
    "visit.word": ("level", "unknown", "by_hand"),
    "visit.disagrees": ("lower", "higher", "together", "by_hand"),
    "visit.level": ("minutes", "level", "no_visit", "by_hand"),
    "visit.several": ("one_visit", "by_hand"),
    "visit.note_missing": _NO_NOTE,
    "visit.note_unsigned": _NO_NOTE,
    "visit.note_author": _NO_NOTE,
    "visit.note_cancelled": _NO_NOTE,
    "visit.note_amended": ("confirm", "by_hand"),
    "visit.note_signer": ("confirm", "by_hand"),
    "visit.note_late": ("confirm", "by_hand"),
    "visit.performer": ("same_group", "other_group", "by_hand"),
    "visit.radiation": ("confirm", "no_visit", "by_hand"),
    "visit.risk_alone": ("confirm", "by_hand"),
    "visit.continuing": ("continuing", "not_continuing"),
    "visit.unknown_code": ("confirm", "by_hand"),
    "visit.credit": ("takes_back", "takes_nothing"),
    "visit.credit_alone": ("confirm", "by_hand"),
    "visit.charge_changed": ("confirm", "by_hand"),
    "visit.quantity": ("by_hand",),
    "visit.nurse": ("confirm", "no_visit", "by_hand"),
    "authorization.no_status": ("granted", "denied", "pended", "by_hand"),
    "authorization.no_codes": ("codes", "by_hand"),
    "authorization.no_units": ("units", "by_hand"),
    "authorization.no_payer": ("this_payer", "other_payer", "by_hand"),
    "code.none": _NO_RULE,
    "role.none": _NO_RULE,
    "role.clash": _NO_RULE,
    "rule.none": _NO_RULE,
    "rule.clash": _NO_RULE,
    "visit.forgotten": _NO_RULE,
    # StandingAnswer anew of the line, or taken back: `chargeline line`.
    "answer.outdated": (),
    # Whose visit it is, only the sender can say.
    "visit.two_patients": (),
    "visit.cancelled": ("not_done", "by_hand"),
}
# A rule asks where no code fits what was charted.
_ASKED_BY_A_RULE: tuple[AnswerChoice, ...] = ("by_hand", "not_given")
# Every other question is about a part of a message that could not be read.
_ABOUT_A_MESSAGE: tuple[AnswerChoice, ...] = ("by_hand",)


def offers_for(code: str) -> tuple[Offer, ...]:
    """The choices of a question, in the order in which they are shown.

    `code` is a code of findings, or the id of the rule that asks.
    """
    other = _ABOUT_A_MESSAGE if code in MEANINGS else _ASKED_BY_A_RULE
    return tuple([_OFFERS[choice] for choice in _CHOICES.get(code, other)])


# Both readings of a time that occurs twice bill nothing that was not given: the shorter one is
# drafted. A clock that is some minutes ahead changes nothing, because its times are bounded.
# An authorization that an order lacks is missing for what comes, and not for what was given.
# What was posted for a radiation session may still come, or be right: its lines stand as drafted.
# A credit without a charge takes back nothing that is drafted.
# A note that was changed, and risk alone, leave the level as the facts carry it.
_WARNS: frozenset[str] = frozenset(
    {"time.twice", "clock.ahead", "radiation.differs", "radiation.missing", "radiation.no_charge"}
    | {"visit.credit_alone", "visit.note_amended", "visit.risk_alone", "authorization.needed"}
)


def severity_of(code: str) -> Severity:
    """How much hangs on a question: whether the visit can be ready while it is open."""
    return "warns" if code in _WARNS else "blocks"
