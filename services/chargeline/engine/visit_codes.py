"""The codes of findings about visits with a practitioner, and a sentence for each.

It owns this part of the closed list; finding_codes.py has the rest and joins them.
"""

from collections.abc import Mapping
from typing import Literal

OfficeVisitCode = Literal[
    "visit.where",
    "visit.other_account",
    "visit.status",
    "visit.minutes",
    "visit.word",
    "visit.disagrees",
    "visit.level",
    "visit.several",
    "visit.note_missing",
    "visit.note_unsigned",
    "visit.note_author",
    "visit.note_cancelled",
    "visit.note_amended",
    "visit.note_signer",
    "visit.note_late",
    "visit.performer",
    "visit.radiation",
    "visit.risk_alone",
    "visit.continuing",
    "visit.nurse",
    "visit.unknown_code",
    "visit.credit",
    "visit.credit_alone",
    "visit.charge_changed",
    "visit.quantity",
    "visit.undercoded",
    "visit.overcoded",
    "visit.posted_otherwise",
]

OFFICE_VISIT_MEANINGS: Mapping[OfficeVisitCode, str] = {
    "visit.where": "A visit took place where the codes of an office or clinic do not fit.",
    "visit.other_account": "Another visit number tells of a visit that day, perhaps the same one.",
    "visit.status": "Nobody says whether the patient is new to the practitioner's group.",
    "visit.minutes": "The minutes of a visit cannot be read, or are more than anybody believes.",
    "visit.word": "A level of a visit is said in a word that the interface profile does not map.",
    "visit.disagrees": "Two reports of one day say different things of a visit.",
    "visit.level": "Nothing says the level of a visit that a practitioner signed.",
    "visit.several": "Several practitioners each signed a visit of one day.",
    "visit.note_missing": "A visit has no note of its own that day.",
    "visit.note_unsigned": "Nobody has signed the note of a visit.",
    "visit.note_author": "The author of a visit's note is not known to be a practitioner.",
    "visit.note_cancelled": "The note of a visit was taken back.",
    "visit.note_amended": "The note of a visit was changed after it was written.",
    "visit.note_signer": "Another practitioner than the author signed the note of a visit.",
    "visit.note_late": "The note of a visit was signed long after the visit, or before it.",
    "visit.performer": "Nobody says whether the visit's practitioner, or one of the same group and "
    "specialty, performed what was posted beside the visit.",
    "visit.radiation": "A visit is on a day of radiation, whose management holds the review.",
    "visit.risk_alone": "The risk of a visit is high, and its level is not.",
    "visit.continuing": "Whether care goes on is said in a word that cannot be read.",
    "visit.nurse": "A visit with a nurse was posted, and its conditions are not documented.",
    "visit.unknown_code": "A code of a visit was posted for which there is no rule.",
    "visit.credit": "A credit of another day may take back a posted charge of a visit.",
    "visit.credit_alone": "A posted credit of a visit takes back no charge.",
    "visit.charge_changed": "A charge of a visit was posted again with another code or day, and no "
    "credit is between.",
    "visit.quantity": "A posted quantity of a visit, or of what gives it a modifier, is no whole "
    "number above zero.",
    "visit.undercoded": "A lower level of a visit was posted than the documented facts carry.",
    "visit.overcoded": "A higher level of a visit was posted than the documented facts carry.",
    "visit.posted_otherwise": "Modifiers, units or an add-on of a visit were posted otherwise.",
}
