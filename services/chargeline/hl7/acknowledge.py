"""What we answer to a message: which acknowledgement, if any, and its bytes.

This module owns the original and the enhanced mode (MSH-15, MSH-16), the codes of MSA-1, the errors
of HL7 table 0357, and the fields in which each HL7 version writes them. It does not decide whether
a message is stored. An answer repeats nothing of a message but its header, so it shows no patient.
hl7apy needs 3 to 40 milliseconds to build an answer. So it builds each form of an answer once, with
placeholders; for each message only the placeholders are filled in.
"""

import re
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

from hl7apy.core import Message as Hl7apyMessage

from chargeline.hl7.decoding import UTF8_BOM
from chargeline.hl7.delimiters import CONTROL, USUAL, Delimiters, component, escaped
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message

Verdict = Literal["accept", "error", "reject"]
Mode = Literal["original", "enhanced"]
# as_asked: MSH-15 and MSH-16 decide. If MSH-15 is NE and MSH-16 asks for an application
# acknowledgement, we answer as in the original mode; the standard calls the two equivalent.
# accept_only: in enhanced mode we never send AA, AE or AR, because they are a new exchange.
# original: we send AA, AE or AR whatever the fields say, for senders that fill the fields and
# expect the original mode.
AnswerMode = Literal["as_asked", "accept_only", "original"]

CODES = MappingProxyType(
    {
        ("original", "accept"): "AA",
        ("original", "error"): "AE",
        ("original", "reject"): "AR",
        ("enhanced", "accept"): "CA",
        ("enhanced", "error"): "CE",
        ("enhanced", "reject"): "CR",
    }
)
# The verdicts that are answered for each value of MSH-15 and MSH-16. A value that is not here
# counts as AL, because one answer too many is better than one too few.
WANTED = MappingProxyType(
    {
        "AL": frozenset({"accept", "error", "reject"}),
        "NE": frozenset(),
        "": frozenset(),
        "ER": frozenset({"error", "reject"}),
        "SU": frozenset({"accept"}),
    }
)
ERRORS = MappingProxyType(  # HL7 table 0357
    {
        "100": "Segment sequence error",
        "101": "Required field missing",
        "102": "Data type error",
        "103": "Table value not found",
        "200": "Unsupported message type",
        "201": "Unsupported event code",
        "202": "Unsupported processing id",
        "203": "Unsupported version id",
        "204": "Unknown key identifier",
        "207": "Application internal error",
    }
)
# The findings after which nobody can tell the structure of a message: the error of table 0357, and
# the field of MSH, 0 for none.
UNDETERMINABLE = MappingProxyType(
    {
        "message.empty": ("100", 0),
        "message.no_msh": ("100", 0),
        "message.encoding": ("102", 0),
        "message.delimiters": ("102", 2),
        "message.type": ("101", 9),
    }
)
VERSIONS = frozenset(
    {"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.1", "2.8.2"}
)
_DEFAULT_VERSION = "2.5.1"
_UTF_8_OR = ("utf-8", "latin-1")  # the second reads anything


class Header(NamedTuple):
    """What an answer needs of a message: its MSH row, raw, its delimiters and its encoding."""

    row: list[str]
    delimiters: Delimiters
    encoding: str

    def raw(self, number: int) -> str:
        """MSH-n as sent, with blanks for control characters; "" if absent."""
        return CONTROL.sub(" ", self.row[number]) if number < len(self.row) else ""

    def code(self, number: int) -> str:
        """The first component of MSH-n, trimmed."""
        return component(self.raw(number), 1, self.delimiters).strip()


class AckCondition(NamedTuple):
    """What became of a message. `code`: one of `ERRORS`, "" if the message was accepted.

    field: the field of MSH that caused the error, 0 if none did. explanation: a text for whoever
    looks after the interface; it must not show a patient.
    """

    verdict: Verdict
    code: str = ""
    field: int = 0
    explanation: str = ""


STORED = AckCondition("accept")


# ------------------------------------------------------------------ the header


def header_of(message: Message) -> Header:
    """The header of a message that could be read."""
    return Header(message.rows[0], message.delimiters, message.encoding)


def salvaged_header(data: bytes) -> Header:
    """As much of a header as bytes hold that `read_message` refused. Never raises.

    The row is empty if the bytes do not begin with MSH. The delimiters are the usual ones if MSH-2
    gives none.
    """
    start = data.lstrip(b" \t\r\n\x0b").removeprefix(UTF8_BOM).lstrip(b" \t\r\n")
    line = re.split(rb"[\r\n\x1c]", start, maxsplit=1)[0]
    if not line.startswith(b"MSH") or line[3:4].isalnum():
        return Header([], USUAL, "ascii")
    text, encoding = _decoded(line)
    separator = text[3:4] if _is_mark(text[3:4]) else "|"
    row = text.split(separator)
    row.insert(1, separator)
    delimiters = _delimiters(separator, row[2] if len(row) > 2 else "")
    if delimiters.field != separator:
        row = [field.replace(delimiters.field, " ") for field in row]
    return Header(row, delimiters, encoding)


def _decoded(line: bytes) -> tuple[str, str]:
    for codec in _UTF_8_OR:
        try:
            return line.decode(codec), codec
        except UnicodeDecodeError:
            continue
    raise AssertionError("Latin-1 reads every byte")


def _delimiters(separator: str, encoding: str) -> Delimiters:
    characters = (separator, *encoding[:4])
    if len(characters) == 5 == len(set(characters)) and all(map(_is_mark, characters)):
        return Delimiters(*characters)
    return USUAL._replace(field=separator) if separator not in USUAL[1:] else USUAL


def _is_mark(text: str) -> bool:
    """True for one character that `read_message` accepts as a delimiter."""
    return (
        len(text) == 1
        and text.isprintable()
        and not (text.isalnum() or text.isspace() or text == '"')
    )


def undeterminable(error: Hl7Error) -> AckCondition | None:
    """The error of a message whose structure nobody can tell; None if it can be stored."""
    if error.finding.code not in UNDETERMINABLE:
        return None
    code, field = UNDETERMINABLE[error.finding.code]
    return AckCondition("error", code, field, str(error))


# ------------------------------------------------------------------ which answer


def mode_of(header: Header) -> Mode:
    """Original if MSH-15 and MSH-16 are both empty, else enhanced."""
    return "enhanced" if header.code(15) or header.code(16) else "original"


def answer_code(header: Header, verdict: Verdict, mode: AnswerMode = "as_asked") -> str | None:
    """MSA-1 of the answer on the same connection; None if the sender wants no answer there."""
    accept, application = header.code(15).upper(), header.code(16).upper()
    if mode == "original" or mode_of(header) == "original":
        return CODES["original", verdict]
    if mode == "as_asked" and accept in ("", "NE"):
        return CODES["original", verdict] if verdict in _wanted(application) else None
    return CODES["enhanced", verdict] if verdict in _wanted(accept) else None


def application_answer_owed(
    header: Header, verdict: Verdict, mode: AnswerMode = "as_asked"
) -> bool:
    """True if MSH-16 asks for an AA, AE or AR besides the answer on the same connection."""
    if mode_of(header) == "original" or verdict not in _wanted(header.code(16).upper()):
        return False
    return (answer_code(header, verdict, mode) or "C").startswith("C")


def _wanted(condition: str) -> frozenset[str]:
    return WANTED.get(condition, WANTED["AL"])


# ------------------------------------------------------------------ the answer


def acknowledge(
    header: Header,
    outcome: AckCondition,
    *,
    now: datetime,
    control_id: str,
    mode: AnswerMode = "as_asked",
) -> bytes | None:
    """The bytes of the answer, without MLLP frame; None if the sender wants no answer.

    The answer has the delimiters, the encoding and the version of the message; the version is 2.5.1
    if hl7apy does not know the message's. `now`: an aware time, for MSH-7. `control_id`: MSH-10, at
    most 20 characters.
    """
    code = answer_code(header, outcome.verdict, mode)
    if code is None:
        return None
    version = header.code(12)
    version = version if version in VERSIONS else _DEFAULT_VERSION
    texts = _texts(
        header=header, outcome=outcome, code=code, version=version, now=now, control_id=control_id
    )
    delimiters = header.delimiters
    segments = []
    for parts in _form(version, outcome.verdict != "accept", delimiters):
        filled = "".join([texts[part] if at % 2 else part for at, part in enumerate(parts)])
        segments.append(filled.rstrip(delimiters.field) + "\r")
    return "".join(segments).encode(header.encoding, errors="replace")


def _texts(
    header: Header, outcome: AckCondition, code: str, version: str, now: datetime, control_id: str
) -> dict[str, str]:
    """The text for each placeholder of `_build`, in the delimiters of the message."""
    delimiters = header.delimiters
    texts = {
        "H3H": header.raw(5),
        "H4H": header.raw(6),
        "H5H": header.raw(3),
        "H6H": header.raw(4),
        "H7H": escaped(now.strftime("%Y%m%d%H%M%S%z"), delimiters),  # + or . may be a delimiter
        "H9H": _type_of(header),
        "H10H": control_id,
        "H11H": header.raw(11),
        "H12H": escaped(version, delimiters),
        "H18H": header.raw(18),
        "A1A": code,
        "A2A": header.raw(10),
    }
    if outcome.verdict != "accept":
        texts |= {
            "E2E": delimiters.component.join(("MSH", "1", str(outcome.field)))
            if outcome.field
            else "",
            "E3E": outcome.code,
            "E4E": ERRORS[outcome.code],
            "E7E": escaped(outcome.explanation, delimiters),
        }
    return texts


def _type_of(header: Header) -> str:
    """ACK^<trigger>^ACK in the delimiters of the message; ACK alone without a trigger like O17."""
    trigger = component(header.raw(9), 2, header.delimiters).strip()
    is_trigger = len(trigger) == 3 and trigger.isascii() and trigger.isalnum()
    return header.delimiters.component.join(("ACK", trigger, "ACK")) if is_trigger else "ACK"


@lru_cache(maxsize=512)
def _form(version: str, with_error: bool, delimiters: Delimiters) -> tuple[list[str], ...]:
    """The segments of an answer in these delimiters.

    Each segment is a list of fixed text and placeholder by turns: `MSA|`, `A1A`, `|`, `A2A`, ``.
    """
    own = {ord(usual): mark for usual, mark in zip(USUAL, delimiters, strict=True)}
    built = _build(version, with_error).translate(own)
    return tuple(re.split(r"([HAE]\d+[HAE])", segment) for segment in built.split("\r") if segment)


@lru_cache(maxsize=64)
def _build(version: str, with_error: bool) -> str:
    """An answer of that version as hl7apy writes it, in the usual delimiters, with placeholders.

    From 2.8 on hl7apy's tables have no ERR-1, and hl7apy then writes ERR-2 in its place. So we
    build 2.8 and later as 2.7, which has the same fields in an acknowledgement.
    """
    encoding = dict(
        zip(("FIELD", "COMPONENT", "REPETITION", "ESCAPE", "SUBCOMPONENT"), USUAL, strict=True)
    )
    built = Hl7apyMessage(
        "ACK",
        version="2.7" if version.startswith("2.8") else version,
        encoding_chars=encoding | {"GROUP": "\r", "SEGMENT": "\r"},
    )
    for field in (3, 4, 5, 6, 7, 9, 10, 11, 12):
        setattr(built.msh, f"msh_{field}", f"H{field}H")
    if version not in ("2.1", "2.2"):
        built.msh.msh_18 = "H18H"
    built.msa.msa_1, built.msa.msa_2 = "A1A", "A2A"
    if with_error:
        _add_error(built, version)
    return str(built.to_er7())


def _add_error(built: Hl7apyMessage, version: str) -> None:
    """Write the error into the fields that the version has for it.

    From 2.5 on these are ERR-2, -3, -4 and -7; before, MSA-3, MSA-6 and ERR-1; in 2.1 MSA-3 alone.
    """
    if version >= "2.5":
        built.err.err_2, built.err.err_3 = "E2E", "E3E^E4E^HL70357"
        built.err.err_4, built.err.err_7 = "E", "E7E"
        return
    built.msa.msa_3 = "E7E"
    if version != "2.1":
        built.msa.msa_6 = "E3E^E4E^HL70357"
        built.err.err_1 = "E2E^E3E&E4E&HL70357"
