"""The HL7 message that tells of one authorization: REF^I12 for a request, RPA for an answer.

This module owns the segments and fields that we write, which are those that `authorizations.py`
reads. They are of version 2.8, the first whose AUT says the status, what is counted, the provider
and the site. It reads no clock: the time of a message is when its content was received, and its
number (MSH-10) is a digest of the rest, so the same content is always the same message, byte for
byte, and a second one is a repeat.
"""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import NamedTuple

from chargeline.engine import authorization_words
from chargeline.hl7.delimiters import USUAL, escaped

SENDER = "CHARGELINE"
_KINDS: Mapping[authorization_words.AuthorizationStatus, str] = {
    "requested": "REF^I12^REF_I12",  # a request for it
    "pended": "RPA^I08^RPA_I08",  # an answer to it
    "approved": "RPA^I08^RPA_I08",
    "denied": "RPA^I08^RPA_I08",
    "expired": "RPA^I08^RPA_I08",
    "cancelled": "RPA^I11^RPA_I08",  # an answer that cancels
    "modified": "RPA^I09^RPA_I08",  # an answer that modifies
    "appealed": "RPA^I10^RPA_I08",  # what is submitted again
}
_UNITS: Mapping[authorization_words.BasisCharted, str] = {"units": "UN", "visits": "VS", "": ""}
_GRANTED: frozenset[authorization_words.AuthorizationStatus] = frozenset(
    {"approved", "modified", "expired"}
)
"""What is granted stands in AUT-9; of any other status the units are those that were asked for."""
_NO_NAME = "^^^^^^U"  # PID-5 must be valued; U says that the name is not told


class AuthorizationNotice(NamedTuple):
    """What a message tells of one authorization at one moment; "", () and None tell nothing.

    `received` is a time of the facility's clock, without a zone. `patient` is the medical record
    number, `member` the number by which the payer knows the patient. `units` are those that are
    granted, else those that are asked for. The rest is as in `Authorization`.
    """

    facility: str
    payer: str
    patient: str
    number: str
    status: authorization_words.AuthorizationStatus
    received: datetime
    member: str = ""
    codes: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()
    starts: date | None = None
    until: date | None = None
    units: int | None = None
    basis: authorization_words.BasisCharted = ""
    provider: str = ""
    site: str = ""
    decided: datetime | None = None

    @property
    def granted(self) -> int | None:
        """The units that are granted; None where nothing is granted, or nobody counts."""
        return self.units if self.status in _GRANTED else None


def notice_message(notice: AuthorizationNotice, processing: str = "P") -> bytes:
    """The message of a notice, in UTF-8: CR after each segment, and no MLLP frame.

    `processing` is MSH-11: P of patients, T for training.
    """
    lines = [_segment(name, fields) for name, fields in _segments(notice)]
    body = "".join([f"{line}\r" for line in lines])
    content = f"{_header(notice, '', processing)}\r{body}"
    digest = blake2b(content.encode(), digest_size=8).hexdigest().upper()
    return f"{_header(notice, f'AUTH{digest}', processing)}\r{body}".encode()


def _header(notice: AuthorizationNotice, control_id: str, processing: str) -> str:
    parts = (SENDER, _text(notice.facility), "", "", _time(notice.received), "")
    rest = (
        _KINDS[notice.status],
        control_id,
        processing,
        "2.8",
        "",
        "",
        "AL",
        "NE",
        "",
        "UNICODE UTF-8",
    )
    return "|".join(["MSH", "^~\\&", *parts, *rest])


def _segments(notice: AuthorizationNotice) -> list[tuple[str, dict[int, str]]]:
    payer, number = _text(notice.payer), _text(notice.number)
    request = notice.status == "requested"
    segments = [] if request else [("MSA", {1: "AA", 2: number})]
    segments += [
        ("RF1", {6: number}),
        ("PRD", {1: "RT^Referred to provider^HL70286"}),
        ("PID", {1: "1", 3: f"{_text(notice.patient)}^^^{_text(notice.facility)}^MR", 5: _NO_NAME}),
        ("IN1", {1: "1", 2: payer, 3: f"{payer}^^^^XX", 36: _text(notice.member)}),
    ]
    segments += [
        ("DG1", {1: str(place), 3: f"{_text(code)}^^I10", 6: "W"})
        for place, code in enumerate(notice.diagnoses, start=1)
    ]
    begins = _day(notice.starts) or _time(notice.received)[:8]  # PR1-5 must be valued
    segments += [
        ("PR1", {1: str(place), 3: f"{_text(code)}^^HCPCS", 5: begins})
        for place, code in enumerate(notice.codes, start=1)
    ]
    return [*segments, ("AUT", _authorized(notice, payer, number))]


def _authorized(notice: AuthorizationNotice, payer: str, number: str) -> dict[int, str]:
    unit = _UNITS[notice.basis]
    quantity = "" if notice.units is None else "^".join([str(notice.units), *filter(None, [unit])])
    provider = f"{_text(notice.provider)}^^^^^^^^NPI^^^^NPI" if notice.provider else ""
    return {
        2: payer,
        4: _day(notice.starts),
        5: _day(notice.until),
        6: number,
        8: "" if notice.status in _GRANTED else quantity,
        9: quantity if notice.status in _GRANTED else "",
        10: _time(notice.decided) if notice.decided is not None else "",
        13: "MED^Medical^HL70281",
        14: notice.status.upper(),
        23: _text(notice.site),
        24: provider,
    }


def _segment(name: str, fields: Mapping[int, str]) -> str:
    last = max([number for number, text in fields.items() if text])
    return "|".join([name, *(fields.get(number, "") for number in range(1, last + 1))])


def _text(text: str) -> str:
    return escaped(text, USUAL)


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day is not None else ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%S}"
