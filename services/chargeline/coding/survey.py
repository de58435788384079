"""A week of messages, counted for whoever writes an interface profile.

It owns the run over the files and the two ways to show it: a page and one JSON object. What is
counted, and what may be shown of it, is decided in hl7/survey.py.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypedDict

from chargeline.engine import DrugAmount, Finding, Formulary, Given, printable
from chargeline.files import FeedFile
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.framing import split_messages
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.hl7.survey import Survey

_LONGEST_NAME = 60


class Surveyed(TypedDict):
    """What a survey comes to; every number is a count of messages, segments or fields."""

    interface: str
    messages: dict[str, int]
    set_aside: dict[str, int]
    words: list[dict[str, object]]
    valued: list[dict[str, object]]
    unread_observations: dict[str, int]
    unread_z_fields: dict[str, int]
    unknown_drugs: dict[str, int]


def survey_of(files: Iterable[FeedFile], profile: Profile, formulary: Formulary) -> Surveyed:
    """Count the messages of some files. A message that cannot be read is counted by its reason."""
    survey = Survey(profile)
    set_aside: Counter[str] = Counter()
    days: Counter[date] = Counter()
    for file in files:
        for frame in split_messages(file.data):
            finding = frame.problem.finding if frame.problem else _count(frame.data, survey, days)
            if finding is not None:
                set_aside[
                    f"{finding.code} at {finding.where}" if finding.where else finding.code
                ] += 1
    return Surveyed(
        interface=profile.name,
        messages=dict(survey.messages.most_common()),
        set_aside=dict(set_aside.most_common()),
        words=[word._asdict() for word in survey.words()],
        valued=[share._asdict() for share in survey.shares()],
        unread_observations=dict(survey.observations.most_common()),
        unread_z_fields=dict(survey.z_fields.most_common()),
        unknown_drugs=_unknown(survey.drugs, formulary, max(days)) if days else {},
    )


def _count(data: bytes, survey: Survey, days: Counter[date]) -> Finding | None:
    """Count one message; returns why it is set aside as a whole, None if it is used."""
    try:
        message = read_message(data)
    except Hl7Error as error:
        return error.finding
    survey.add(message)
    reading = read_events(message, survey.profile)
    if reading.message.sent is not None:
        days[reading.message.sent.date()] += 1
    return reading.set_aside.finding if reading.set_aside is not None else None


def _unknown(drugs: Counter[DrugAmount], formulary: Formulary, day: date) -> dict[str, int]:
    """The drugs that no row of the formulary names on the last day of the feed, with counts."""
    unknown: Counter[str] = Counter()
    for drug, count in drugs.items():
        given = Given(amount=drug.amount, unit=drug.unit)
        match = formulary.find(drug.codes, drug.text, day, given)
        if match.drug is None:
            name = " ".join(["/".join(drug.codes), drug.text])[:_LONGEST_NAME].strip()
            near = f" (not quite {' or '.join(match.nearest)})" if match.nearest else ""
            unknown[name + near] += count
    return dict(unknown.most_common())


def survey_as_json(surveyed: Surveyed) -> str:
    """The survey as one JSON object in one line."""
    return json.dumps(surveyed, ensure_ascii=False)


def survey_page(surveyed: Surveyed) -> Iterator[str]:
    """The lines of the page: words by address, then what is filled, and what nobody reads."""
    yield f"interface {surveyed['interface']}"
    yield from _counted("messages", surveyed["messages"])
    yield from _counted("set aside as a whole", surveyed["set_aside"])
    address = ""
    for word in surveyed["words"]:
        if word["address"] != address:
            address = str(word["address"])
            yield f"{address}"
        text = printable(str(word["word"])) or "(texts in fewer than three visits)"
        yield f"  {word['times']:>8}  {text:<34}  {word['meaning'] or '?'}"
    yield "valued fields"
    for share in surveyed["valued"]:
        yield f"  {share['address']:<8}  {share['valued']} of {share['segments']}"
    yield from _counted("observations that nobody reads (OBX-3)", surveyed["unread_observations"])
    yield from _counted("Z fields that nobody reads", surveyed["unread_z_fields"])
    yield from _counted("drugs that the formulary does not know", surveyed["unknown_drugs"])


def _counted(title: str, counts: dict[str, int]) -> Iterator[str]:
    if counts:
        yield title
    for text, count in counts.items():
        yield f"  {count:>8}  {printable(text)}"
