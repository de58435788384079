"""The codes of findings about prior authorization, and a sentence for each.

It owns these codes; finding_codes.py holds all codes, these among them.
"""

from collections.abc import Mapping
from typing import Literal

AuthorizationCode = Literal[
    "authorization.missing",
    "authorization.undecided",
    "authorization.unclear",
    "authorization.not_begun",
    "authorization.expired",
    "authorization.denied",
    "authorization.appealed",
    "authorization.other_payer",
    "authorization.diagnosis",
    "authorization.units",
    "authorization.site",
    "authorization.provider",
    "authorization.overlap",
    "authorization.ends_before_it_begins",
    "authorization.told_twice",
    "authorization.only_number",
    "authorization.other_number",
    "authorization.running_out",
    "authorization.ending",
    "authorization.next_dose",
    "authorization.needed",
    "authorization.no_status",
    "authorization.no_codes",
    "authorization.no_units",
    "authorization.no_payer",
    "authorization.no_number",
    "authorization.row",
    "rules.authorization",
]

AUTHORIZATION_MEANINGS: Mapping[AuthorizationCode, str] = {
    "authorization.missing": "A line needs an authorization of the payer, and none is on file.",
    "authorization.undecided": "The payer was asked for the authorization, and has not decided.",
    "authorization.unclear": "The payer's answer does not say what was decided, for which "
    "codes, or how much.",
    "authorization.not_begun": "The authorization starts after the day of service.",
    "authorization.expired": "The day of service lies after the last day of the authorization, or "
    "after it was cancelled.",
    "authorization.denied": "The payer refused the authorization.",
    "authorization.appealed": "The payer refused the authorization, and has not decided on the "
    "objection.",
    "authorization.other_payer": "The authorization is of another payer than the visit's.",
    "authorization.diagnosis": "The authorization is for other diagnoses than the visit's.",
    "authorization.units": "Less is left of the authorization than the line needs.",
    "authorization.site": "The authorization is for another place than the visit's, or nobody says "
    "where the patient is treated.",
    "authorization.provider": "The authorization is for another practitioner than the visit's, or "
    "nobody says who treats the patient.",
    "authorization.overlap": "Several authorizations cover a line, and nobody says which counts.",
    "authorization.ends_before_it_begins": "An authorization ends before it begins: it covers no "
    "day.",
    "authorization.told_twice": "Messages of one time say two things of an authorization.",
    "authorization.only_number": "Of an authorization nothing is known but its number, or its "
    "number and days.",
    "authorization.other_number": "The visit names another authorization than the one that covers "
    "a line.",
    "authorization.running_out": "Most of an authorization's units are used.",
    "authorization.ending": "The last day of an authorization is near.",
    "authorization.next_dose": "An authorization has no room for the next planned dose.",
    "authorization.needed": "An order needs an authorization before the first dose, and none "
    "covers it.",
    "authorization.no_status": "An answer of a payer does not say what was decided, or in a word "
    "that the interface profile does not know.",
    "authorization.no_codes": "An answer of a payer does not say for which codes it is.",
    "authorization.no_units": "The units of an authorization cannot be read, are below 0, or count "
    "what the interface profile does not know.",
    "authorization.no_payer": "Nobody says who pays the visit, so an authorization that covers a "
    "dose is passed over.",
    "authorization.no_number": "A message about an authorization has no number for it.",
    "authorization.row": "A row of a list of authorizations cannot be used.",
    "rules.authorization": "A row of the table of codes that need an authorization is wrong.",
}
