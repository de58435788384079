"""The closed words of visits with a practitioner: how a level is chosen, and what stands beside it.

It owns these lists, one sentence for each word, as words.py owns those of the pharmacy feed. Levels
and the patient's status are words of the feed and stand in care_words.py.
"""

from typing import Literal

SeenFact = Literal[
    "practitioner",  # the practitioner of the visit saw the patient within the years of the rule
    "group",  # another practitioner of the group did
    "nobody",  # the patient's record has no such visit, which proves nothing
]

StatusAs = Literal[
    "new",  # nobody of the group saw the patient
    "established",  # somebody did
    "question",  # a person must say which
]

BasisAs = Literal[
    "higher",  # the higher of time and decision making
    "time",  # the practitioner's minutes alone
    "decision",  # decision making alone
]

BasisFact = Literal[
    "by_time",  # the level rests on the practitioner's minutes
    "by_decision",  # it rests on decision making
    "by_posting",  # it is the one that the record system posted, and nothing else documents it
]

BesideFact = Literal[
    "drugs",  # drugs are given on the day
    "procedure",  # a procedure of a practitioner was posted on the day
    "radiation",  # a fraction of a radiation course is delivered on the day
    "preventive",  # a preventive service or a vaccination was posted on the day
    "nothing",  # none of these
]

PerformedAs = Literal[
    "beside",  # the visit stands beside it, whoever performed it
    "question",  # a person says whether one of the group and specialty performed it
]

PostedBeside = Literal[
    "drugs",  # the code gives drugs
    "procedure",  # it is a procedure of a practitioner
    "radiation",  # it delivers radiation, or manages a week of it
    "neither",  # a visit stands beside it as if it were alone
]

VisitClaim = Literal[
    "professional",  # the claim of the practitioner
    "facility",  # the claim of the hospital
]

NoteAs = Literal[
    "required",  # the visit is not firm without a practitioner's own signed note of the day
    "not_required",  # it is firm without one
]

RadiationAs = Literal[
    "question",  # a person says whether the visit was about more than the treatment
    "separate",  # it is taken to be separate
]

NurseAs = Literal[
    "report",  # reported as posted
    "withheld",  # not reported
    "question",  # a person says whether it is reported
]

ContinuingAs = Literal[
    "report",  # reported beside the visit
    "withheld",  # not reported
]

TellingFact = Literal[
    "again",  # every note, report and posting of one visit number stands under the other one too
    "more",  # it has one of its own
]

PractitionerFact = Literal[
    "one",  # two visit numbers, or a visit and what was posted beside it, name one practitioner
    "another",  # each names another one
    "unsaid",  # one of them names none, or several
]

NotedFact = Literal[
    "both",  # a practitioner's own signed note stands under each of two visit numbers
    "lacking",  # one of them has none
]

ElsewhereAs = Literal[
    "once",  # it is one visit that was told twice; the first visit number has it
    "question",  # a person says which visit number holds it
    "separate",  # they are two visits
]

WhereAs = Literal[
    "draft",  # the codes of an office or clinic fit
    "question",  # other codes hold there, and a person codes the visit
    "withheld",  # none of a visit's codes is billed there
]
