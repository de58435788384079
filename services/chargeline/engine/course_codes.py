"""The codes of findings about courses of radiation, and a sentence for each.

It owns this part of the closed list; finding_codes.py has the rest and joins them.
"""

from collections.abc import Mapping
from typing import Literal

CourseCode = Literal[
    "radiation.again",
    "radiation.appointment",
    "radiation.beside",
    "radiation.beyond_plan",
    "radiation.break",
    "radiation.code_ended",
    "radiation.credit_alone",
    "radiation.delivery",
    "radiation.differs",
    "radiation.examination",
    "radiation.level_three",
    "radiation.missing",
    "radiation.no_charge",
    "radiation.no_course",
    "radiation.no_fraction",
    "radiation.no_report",
    "radiation.not_kept",
    "radiation.outside_visit",
    "radiation.number_twice",
    "radiation.one_sitting",
    "radiation.quantity",
    "radiation.reason",
    "radiation.resumed",
    "radiation.too_many",
    "radiation.two_courses",
    "radiation.unfinished",
    "radiation.unknown_code",
    "radiation.value",
]

COURSE_MEANINGS: Mapping[CourseCode, str] = {
    "radiation.again": "A service of planning is posted more often than a course has it.",
    "radiation.appointment": "Nothing says what became of a booked radiation session.",
    "radiation.beside": "A service of planning is posted beside one that may contain it.",
    "radiation.beyond_plan": "A radiation course has more sessions than are planned.",
    "radiation.break": "Two radiation sessions of a day have no distinct break between them.",
    "radiation.code_ended": "A code of radiation was posted that does not hold on its day.",
    "radiation.credit_alone": "A posted credit of radiation takes back no charge.",
    "radiation.delivery": "Nothing says how a radiation session was delivered.",
    "radiation.differs": "A posted charge of radiation and what the sessions give differ.",
    "radiation.examination": "No signed note tells of an examination for a unit of management.",
    "radiation.level_three": "No signed note documents the third level of a radiation session.",
    "radiation.missing": "Fractions of a radiation course before this one are not here.",
    "radiation.no_charge": "A radiation session has no posted charge; others of the course have.",
    "radiation.no_course": "A radiation session has no number of a course.",
    "radiation.no_fraction": "A radiation delivery is posted, and no report tells its session.",
    "radiation.no_report": "A radiation session was completed in the schedule and not reported.",
    "radiation.not_kept": "A radiation session is told whose appointment was not kept.",
    "radiation.outside_visit": "A radiation session lies on a day outside its visit.",
    "radiation.number_twice": "Two sessions of a radiation course have one number.",
    "radiation.one_sitting": "Two radiation courses have no distinct break between their sessions.",
    "radiation.quantity": "A posted quantity of radiation is no whole number above zero.",
    "radiation.reason": "A service of planning needs a reason, and no signed note gives it.",
    "radiation.resumed": "The number of a radiation course comes again after a long silence.",
    "radiation.too_many": "A radiation course has more fractions than its kind of treatment has.",
    "radiation.two_courses": "One number of a radiation course has two plans or two kinds of beam.",
    "radiation.unfinished": "A stereotactic course ended before its planned number of sessions.",
    "radiation.unknown_code": "A code of radiation was posted for which there is no rule.",
    "radiation.value": "A fact of radiation is said in two ways, or in none that anybody can read.",
}
