"""RXA and what follows it: one row that a nurse charted, as a record.

This module owns the fields of RXA, and the notes, the waste and the vials beside it. It does not
know which word of a sender means "stop"; the profile does. It does not know what a stop does to the
timeline; the engine does.
"""

import re
from datetime import datetime
from functools import lru_cache

from chargeline.engine import (
    DrugAmount,
    MessageRef,
    Record,
    VialCode,
    by_keyword,
    shape_of,
    words,
)
from chargeline.hl7.charted import ChartedRow, charted_at
from chargeline.hl7.delimiters import Delimiters, component, text_at, unescape
from chargeline.hl7.discarded import discarded_in
from chargeline.hl7.drugs import components_of, drug_at, ndcs_in
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.orders import OrcNumbers, cancelled_by
from chargeline.hl7.profile import Place, Profile
from chargeline.hl7.segments import field, first_of_all
from chargeline.hl7.sites import route_of, site_of
from chargeline.hl7.supplied import says_of_supply
from chargeline.hl7.times import Moment

_new_record = by_keyword(Record)


def record_of(charted: ChartedRow, reference: MessageRef, numbers: OrcNumbers) -> Record:
    """One RXA as a record of the order that has these numbers.

    Raises Hl7Error for a time, an action or a record status (RXA-21) that cannot be read.
    """
    profile, administration = charted.profile, charted.administration
    row, delimiters, address = charted.row, charted.delimiters, charted.address
    start, until, at_address, until_address = _times(charted)
    route = route_of(administration.route or charted.order.last_route, profile, delimiters)
    others = administration.others
    observations = administration.observations
    site = site_of((administration.route, row, *others), observations, profile, delimiters)
    action, action_address = _action(charted)
    if not action:
        _refuse_unknown_word(charted)
    rate = charted.text(12)
    if action == "rate" and rate and _is_zero(rate):
        action = "pause"
    drugs = _drugs_of(charted)
    return _new_record(
        message=reference,
        ordinal=administration.ordinal,
        order=numbers.first or _order_by_drug(drugs, administration.ordinal),
        local_number=first_of_all((row, *others), profile.local_number, delimiters),
        sub_id=charted.text(2),
        action=action,
        action_address=_in_row(action_address, address),
        at=start.at,
        day=start.day,
        until=until.at if until is not None else None,
        at_twice=start.twice,
        until_twice=until.twice if until is not None else False,
        open_means_running=profile.open_means_running,
        drugs=drugs,
        route=route.route,
        route_text=route.text,
        method=route.method,
        line=site.line,
        device=site.device,
        rate=rate,
        completion=_completion(row[18], row[20], profile, delimiters),
        status=_status(row[21], profile, delimiters, address) if row[21] else "add",
        recorded=_recorded(charted),
        purpose=_purpose(charted, drugs),
        primary=site.primary,
        wasted=discarded_in(charted),
        vials=_vials(charted),
        not_bought=says_of_supply(charted, charted.profile.not_bought),
        discounted=says_of_supply(charted, charted.profile.discounted),
        charted_by=first_of_all((row, *others), profile.charted_by, delimiters),
        order_cancelled=cancelled_by(charted.order.orc, profile, delimiters),
        contradicted=_contradicted(charted),
        at_address=at_address,
        until_address=until_address,
        other_numbers=numbers.others,
        sender=charted.sender,
        may_correct=profile.may_correct,
    )


def _in_row(action_address: str, address: str) -> str:
    """`RXA-9` as `RXA[2]-9`; that is also the address where no action is charted."""
    return action_address.replace("RXA-", f"{address}-") or f"{address}-9"


def _recorded(charted: ChartedRow) -> datetime | None:
    """RXA-22, when the row was charted; None if it cannot be read, because nothing rests on it."""
    text = component(charted.row[22], 1, charted.delimiters)
    if not text:
        return None
    try:
        return charted.profile.clock.read_if_valued(text, f"{charted.address}-22")
    except Hl7Error:
        return None


def _times(charted: ChartedRow) -> tuple[Moment, Moment | None, str, str]:
    """Start and stop, the stop None if none is valued, and their addresses.

    An address is "" for RXA-3 and RXA-4, where a time stands unless the profile names other places.
    """
    start, end = charted.text(3), charted.text(4)
    address, profile = charted.address, charted.profile
    at_address = until_address = ""
    if profile.times_elsewhere:
        start, at_address = _time_at(charted, profile.start_observations, profile.start, start)
        end, until_address = _time_at(charted, profile.stop_observations, profile.stop, end)
    if not start:
        raise _no_time(address)
    at = profile.clock.read(start, at_address or f"{address}-3")
    until = profile.clock.read(end, until_address or f"{address}-4") if end else None
    return at, until, at_address, until_address


def _time_at(
    charted: ChartedRow, codes: frozenset[str], places: tuple[Place, ...], in_rxa: str
) -> tuple[str, str]:
    """The time at the first place that is valued, and the place; else the time in RXA and ""."""
    valued = [(text, place) for place, text, _unit in charted_at(charted, codes, places) if text]
    return valued[0] if valued else (in_rxa, "")


def _order_by_drug(drugs: tuple[DrugAmount, ...], ordinal: int) -> str:
    """A number in place of a missing order number: `~VANCOMYCIN` for every row of vancomycin.

    The `~` keeps it apart from any number that a sender gives.
    """
    return "~" + (drugs[0].codes[0] if drugs and drugs[0].codes else f"RXA{ordinal}")


def _no_time(address: str) -> Hl7Error:
    return Hl7Error(
        "time.missing",
        expected="the time of the administration",
        found="an empty field",
        where=f"{address}-3",
        do="have the sender fill RXA-3; without it the row has no place on the timeline",
    )


@lru_cache(maxsize=1024)
def _is_zero(rate: str) -> bool:
    digits = rate.split(" ")[0].rstrip("mMlLgG/hHrR")
    return digits.replace(".", "", 1).isdigit() and not digits.strip("0.")


def _action(charted: ChartedRow) -> tuple[words.ActionCharted, str]:
    """The action and where its word stands; "" and "" if no place has a word of the profile.

    The places of the profile are asked in order. A word that the profile does not list is passed
    over, so `CP` in RXA-20 does not hide `PAUSED` in ORC-5.
    """
    others = charted.administration.others
    for segment, number, part in charted.profile.action:
        row = charted.row if segment == "RXA" else charted.order.orc
        if segment not in ("RXA", "ORC"):
            row = next((other for other in others if other[0] == segment), None)
        if row is None or number >= len(row) or not row[number]:
            continue
        for repetition in row[number].split(charted.delimiters.repetition):
            word = component(repetition, part, charted.delimiters).strip().lower()
            action = charted.profile.actions.get(word)
            if action is not None:
                return action, f"{segment}-{number}"
    for place, text, _unit in charted_at(charted, charted.profile.action_observations, ()):
        action = charted.profile.actions.get(text.lower())
        if action is not None:
            return action, place
    return "", ""


def _refuse_unknown_word(charted: ChartedRow) -> None:
    """Raise Hl7Error if a word stands where the sender says what was done, and no table knows it.

    `Not Done` in RXA-20 is no dose. RXA-9 is a place for such words only in a feed that reports
    each action (empty_end = "running"); elsewhere it holds notes.
    """
    profile = charted.profile
    places = [place for place in profile.action if place.segment == "RXA"]
    if not profile.open_means_running:
        places = [place for place in places if place.field == 20]
    for place in places:
        text = text_at(charted.row[place.field], place.component, charted.delimiters)
        if not any(map(str.isalpha, text)) or text.upper() in profile.completion:
            continue
        is_word = len(text) <= _LONGEST_WORD and all(c.isalpha() or c in " -/" for c in text)
        raise Hl7Error(
            "action.unknown",
            expected="a word of [actions] or [completion] of the interface profile",
            found=repr(text) if is_word else shape_of(text),
            where=f"{charted.address}-{place.field}",
            do="say in the interface profile what the word means; until then the row is no dose",
        )


_LONGEST_WORD = 30


def _drugs_of(charted: ChartedRow) -> tuple[DrugAmount, ...]:
    """The drug of RXA-5, then the parts of the mixture.

    The parts are the RXC of this administration; if it has none and the order names no drug of its
    own, the RXC of the order.
    """
    delimiters = charted.delimiters
    drug = drug_at(charted.row, charted.address, delimiters)
    mixture: list[DrugAmount] = []
    if charted.administration.components:
        mixture = components_of(
            charted.administration.components, f"{charted.address}/", delimiters
        )
    elif charted.order.drug is None:
        mixture = components_of(charted.order.components, "", delimiters)
    if drug is None:
        return tuple(mixture)
    return (drug, *mixture)


@lru_cache(maxsize=256)
def _completion(
    refused: str, status: str, profile: Profile, delimiters: Delimiters
) -> words.CompletionCharted:
    """RXA-20 in the profile's words. Any reason of refusal in RXA-18 means `not_given`."""
    if component(refused, 1, delimiters).strip():
        return "not_given"
    return profile.completion.get(component(status, 1, delimiters).strip().upper(), "")


@lru_cache(maxsize=256)
def _status(
    text: str, profile: Profile, delimiters: Delimiters, address: str
) -> words.RecordStatus:
    word = component(text, 1, delimiters).strip().upper()
    status = profile.record.get(word)
    if status is None and word:
        raise Hl7Error(
            "status.unknown",
            expected=f"one of {', '.join(sorted(profile.record))}",
            found=shape_of(word),
            where=f"{address}-21",
            do="add the value to [record] of the interface profile, or correct it at the sender",
        )
    return status or "add"


# ------------------------------------------------------------------ notes, waste and vials


def _purpose(charted: ChartedRow, drugs: tuple[DrugAmount, ...]) -> words.PurposeCharted:
    """The purpose that RXA-9, the drug's name or a note gives: keep the vein open, or flush."""
    notes = [field(row, 3) for row in charted.administration.notes]
    return _purpose_of((charted.row[9], *[drug.text for drug in drugs], *notes), charted.profile)


def _contradicted(charted: ChartedRow) -> str:
    """The words of the profile that contradict the row, in RXA-9 or a note; "" if there are none.

    A note may hold anything, so the words of the profile are told and not the note.
    """
    pattern = charted.profile.contradicting
    if pattern is None or not (charted.row[9] or charted.administration.notes):
        return ""
    matches = [pattern.search(text) for _place, text in charted.notes()]
    return next((match[0].lower() for match in matches if match), "")


@lru_cache(maxsize=4096)
def _purpose_of(texts: tuple[str, ...], profile: Profile) -> words.PurposeCharted:
    patterns: tuple[tuple[re.Pattern[str] | None, words.PurposeCharted], ...] = (
        (profile.keep_open, "keep_open"),
        (profile.flush, "flush"),
    )
    for pattern, purpose in patterns:
        if pattern is not None and any(pattern.search(text) for text in texts):
            return purpose
    return ""


def _vials(charted: ChartedRow) -> tuple[VialCode, ...]:
    """NDCs of the vials, from observations and fields, and the NDC of RXA-5 if its system is one.

    Each observation stands for a vial that was scanned. RXA-5 and RXA-15 say which product and
    which lot it was.
    """
    codes = charted_at(charted, charted.profile.vial_observations, charted.profile.vials)
    lot = charted.text(15)
    vials = [
        VialCode(unescape(text, charted.delimiters), place, lot)  # a barcode has FNC1 in it
        for place, text, _unit in codes
        if text
    ]
    for address, ndc in ndcs_in(charted.row[5], charted.delimiters):
        vials.append(VialCode(ndc, f"{charted.address}-5{address}", lot, scanned=False))
    return tuple(vials)
