"""What a payer's answer had to say and did not: the question, and the version that a person fills.

It owns these questions, and how what a person says takes its place in the message that lacks it: as
if the message had said it. So what was told before and after counts as it always does, and other
visits of the patient hear of it by the record. It does not know how an answer is written.

One sequence, worked through. An approval comes on 1 October, and on 1 November an answer without a
status: from then on nothing is covered, and somebody is asked. On 5 November a person says
`denied`. A dose of 15 October keeps its number, one of 3 November is refused. The question is about
the message of 1 November, so one of 10 November that tells only of days asks nothing anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from chargeline.engine.authorization_codes import AuthorizationCode
from chargeline.engine.authorization_words import Unsaid
from chargeline.engine.authorizations.facts import Authorization, whole_of
from chargeline.engine.trace import Question, ask

Versions = tuple[Authorization, ...]
"""All that messages said of one authorization, in the order in which it counts."""
Filled = Callable[[Authorization, Unsaid, Question], Authorization]
"""A version after what a person said to the question about it; the same one if nobody did."""

HAD_TO_SAY: Mapping[Unsaid, tuple[AuthorizationCode, str]] = {
    "status": ("authorization.no_status", "what the payer decided (AUT-14, else RF1-1)"),
    "codes": ("authorization.no_codes", "the codes (PR1-3; * for all codes)"),
    "units": ("authorization.no_units", "a number of units from 0 on (AUT-18, else AUT-9)"),
}


def unsaid_questions(
    authorizations: Sequence[Authorization], unclear: Sequence[Versions]
) -> Iterator[Question]:
    """What is to be asked of authorizations, after what people said; `unclear` are as in Timeline.

    The codes of a number are not asked for where parts of it have them.
    """
    by_slot = {versions[-1].slot: versions for versions in unclear}
    for item in authorizations:
        has_parts = any(other.codes for other in authorizations if other.number == item.number)
        for name in item.unclear:
            if name != "codes" or not has_parts:
                yield unsaid_question(_lacking(by_slot[item.slot], name), name)


def _lacking(versions: Versions, name: Unsaid) -> Authorization:
    """The last version that had to say something and did not."""
    return [version for version in versions if name in version.unsaid][-1]


def unsaid_question(version: Authorization, name: Unsaid) -> Question:
    """What is asked about a message of a payer that lacks what it had to say."""
    code, expected = HAD_TO_SAY[name]
    part = f" for {version.item}" if version.item else ""
    return ask(
        code,
        expected=f"{expected} on {version.number}{part}",
        found=_FOUND[name] if name in version.unusable else "none",
        do="answer what the payer's letter says, or send it, or enter it with `chargeline auth "
        "add`; until then it covers nothing" + _MEND[name] * (name in version.unusable),
        sources=(version.source,),
        about=name_of(version),
    )


_FOUND: Mapping[Unsaid, str] = {
    "status": "a word that the interface profile does not know",
    "codes": "none",
    "units": "a text, a number below 0, or a unit that the interface profile does not know",
}
_MEND: Mapping[Unsaid, str] = {
    "status": ". Add the word to [authorization_states] of the profile for what comes",
    "codes": "",
    "units": ". Add a unit to [authorization_units] of the profile for what comes",
}


def with_said(
    authorizations: tuple[Authorization, ...], unclear: Sequence[Versions], filled: Filled
) -> tuple[Authorization, ...]:
    """The authorizations of a visit after what people said; the same tuple where nobody did."""
    wholes: dict[tuple[str, str], Authorization] = {}
    for versions in unclear:
        now = tuple([_filled(version, filled) for version in versions])
        if now != versions:
            wholes[now[-1].slot] = whole_of(now)
    if not wholes:
        return authorizations
    return tuple([wholes.get(item.slot, item) for item in authorizations])


def _filled(version: Authorization, filled: Filled) -> Authorization:
    now = version
    for name in version.unsaid:
        now = filled(now, name, unsaid_question(version, name))
    return now


def name_of(authorization: Authorization) -> str:
    """An authorization in words: its number, and the part of it if it is about one."""
    return f"{authorization.number} {authorization.item}".strip()
