"""Who bought a drug, by the words of a row: a patient, a trial, a programme, or the 340B programme.

This module owns the search for these words in prose, and what a negation beside them does: "not
340B eligible" says that the drug was not bought under 340B, and "no, white bagged" is not read at
all but told, because a person must say which it was. The words stand in the interface profile.
"""

import re
from collections.abc import Iterator

from chargeline.engine import Finding
from chargeline.hl7.charted import LONGEST_NOTE, ChartedRow
from chargeline.hl7.segments import field

_SENTENCE = re.compile(r"[^.;\n\r]+")
# "not", and small words at most, right before the words of the profile.
_NOT_BEFORE = re.compile(
    r"\b(?:not|non|never|no|isn't|wasn't)"
    r"(?:[\s-]{1,3}(?:an?|the|from|under|purchased|bought|via|through|on|in|of))*[\s-]{0,3}$",
    re.IGNORECASE,
)
_NOT_AFTER = re.compile(
    r"[\s:=-]{0,4}(?:(?:is|was|were) )?"
    r"(?:ineligible|not eligible|not applicable|not used|denied|declined|none|no|n|n/a|false)\b",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(
    r"\b(?:not|non|never|no|without|denied|declined|ineligible|unless|if|pending|maybe)\b|\?",
    re.IGNORECASE,
)


def says_of_supply(charted: ChartedRow, pattern: re.Pattern[str] | None) -> bool:
    """Whether RXA-9, a note, an observation or a Z segment has one of the words of a pattern.

    Words with a negation right beside them say nothing. Words in a sentence that negates or doubts
    something are told as a side finding, and say nothing until a person has settled it.
    """
    if pattern is None:
        return False
    said = False
    for place, text in _texts(charted):
        for sentence in _SENTENCE.findall(text[:LONGEST_NOTE]):
            match = pattern.search(sentence)
            if match is None or _is_negated(sentence, match):
                continue
            if _DOUBTFUL.search(sentence[: match.start()] + " " + sentence[match.end() :]):
                charted.side_findings.append(_unclear(match[0], place))
            else:
                said = True
    return said


def _is_negated(sentence: str, match: re.Match[str]) -> bool:
    before = _NOT_BEFORE.search(sentence[: match.start()])
    return before is not None or _NOT_AFTER.match(sentence[match.end() :]) is not None


def _texts(charted: ChartedRow) -> Iterator[tuple[str, str]]:
    """Each place in which the words may stand, with its text."""
    address, administration = charted.address, charted.administration
    yield from charted.notes()
    for number, row in enumerate(administration.observations, 1):
        yield f"{address}/OBX[{number}]-5", field(row, 5)
    for row in administration.others:
        for number, text in enumerate(row[1:], 1):
            if text:
                yield f"{address}/{row[0]}-{number}", text


def _unclear(words: str, place: str) -> Finding:
    """What is told of words in a sentence that negates or doubts; the words are the profile's."""
    return Finding(
        "supply.unclear",
        expected="words that say plainly who bought the drug",
        found=f'"{words.lower()}" in a sentence that negates or doubts something',
        where=place,
        do="say who bought the drug; until then it counts as bought by the site",
    )
