"""From the bytes of one HL7 v2 message to its segments, each a row of fields.

This module owns the terminators, the rule where a segment begins, and the reasons for which a
message is refused. It does not know what a segment means; interpret.py does. We wrote our own
reader because a feed must be read at rush hour and a year of it replayed in one go, and the general
parsers are slow or drop segments without a word.
"""

from collections.abc import Mapping

from chargeline.hl7.decoding import text_of
from chargeline.hl7.delimiters import NULL, delimiters_of
from chargeline.hl7.errors import Hl7Error, cut_off
from chargeline.hl7.message import Message

__all__ = ["Message", "read_message"]

# A shortcut for speed. Any other name is checked letter by letter, so a name that is missing here
# costs time and changes no result.
FREQUENT_SEGMENTS = frozenset({
    "MSH", "SFT", "UAC", "MSA", "ERR", "EVN", "PID", "PD1", "ROL", "PRT", "ARV", "NK1",
    "PV1", "PV2", "ORC", "RXO", "RXE", "RXD", "RXG", "RXA", "RXR", "RXC", "RXV", "CDO",
    "TQ1", "TQ2", "OBR", "OBX", "NTE", "AL1", "IAM", "DB1", "DG1", "DRG", "PR1", "GT1",
    "IN1", "IN2", "IN3", "ACC", "FT1", "MRG", "SCH", "RGS", "AIS", "AIG", "AIL", "AIP",
})  # fmt: skip


LARGE_BYTES = 100_000
"""A message of more bytes holds up an event loop: a program reads it in a thread."""
MOST_SEGMENTS = 5_000
"""A message of more lines is refused before it is split, so that none costs seconds."""
_FILLING = "\x00\x1a"  # the end of a padded record, or of a file of DOS


def read_message(data: bytes) -> Message:
    """Read one message, with or without its MLLP frame. Raises Hl7Error and nothing else.

    A message is refused with one of these codes:

    - `message.empty`: the bytes hold no character.
    - `message.too_many`: there are more than `MOST_SEGMENTS` lines.
    - `message.no_msh`: the text does not begin with MSH.
    - `message.encoding`: UTF-16 or UTF-32 breaks off in the middle of a character.
    - `message.delimiters`: MSH-1 and MSH-2 give no usable delimiters.
    - `message.type`: MSH has fewer than 9 fields, or MSH-9.1 is empty.
    - `message.several`: another MSH segment follows, or stands in the middle of a line.
    - `message.segment`: a line is a segment but for blanks or small letters in its name.
    - `message.fragment`: the message has a DSC segment, or MSH-14 is valued.
    - `message.cut_off`: the MLLP frame has a start and no end. Or the last segment has no
      terminator and looks cut: it is the first one or two letters of a segment's name, or an RXA
      with fewer than 5 fields. No other cut can be recognised.

    The terminator of the MSH segment decides how the others end. After CR, a line feed directly
    behind a CR is dropped and any other line feed is content. After LF, a CR ends a segment as
    well. A line that begins with no segment's name continues the field before it, after a "\\n":
    `NTE|1||Take with` and then `food|RE` is one NTE with a comment of two lines. A line that is
    nothing but a name, such as `NPO`, is a segment, unless such prose follows it: then the name is
    content too. Segments that a lost terminator glued together are not taken apart.
    """
    text, encoding, warnings = text_of(data)
    if text[-1] in _FILLING:
        text = text.rstrip(_FILLING)
    if text.count("\r") + text.count("\n") > 2 * MOST_SEGMENTS:  # CR and LF end a line together
        raise _too_many(text)
    separator = text[3:4] or "|"
    lines = text.split("\r")
    is_padded = " \r" in text or text[-1] == " "
    if is_padded:
        lines = [line.rstrip(" ") for line in lines]
    rows = [line.split(separator) for line in lines if line]
    names = [row[0] for row in rows]
    body = ""
    if not _is_irregular(text, names):
        if not is_padded and "\r\r" not in text and text[-1] == "\r":
            body = text[text.index("\r") + 1 : -1]  # the same text as joining the rows again
    else:
        rows = [segment.rstrip(" ").split(separator) for segment in _segments(text, separator)]
        names = [row[0] for row in rows]
        warnings += _terminator_warnings(rows) + _continuation_warnings(rows)
    header = rows[0]
    header.insert(1, text[3:4])
    delimiters, oddities = delimiters_of(separator, header[2] if len(header) > 2 else "")
    _check_complete(rows, names, text)
    if text.find(text[:8], 8) > 0:
        raise _glued()
    return Message(rows, delimiters, encoding, data, warnings=warnings + oddities, body=body)


def _too_many(text: str) -> Hl7Error:
    return Hl7Error(
        "message.too_many",
        expected=f"at most {MOST_SEGMENTS} segments",
        found=f"{text.count(chr(13)) + text.count(chr(10))} ends of a line",
        where="the message",
        do="have the sender write a message for each order",
    )


def _is_irregular(text: str, names: list[str]) -> bool:
    """True if there is more to do than to split at CR: line feeds, blank or continuation lines."""
    return "\n" in text or not (FREQUENT_SEGMENTS.issuperset(names) or all(map(_is_name, names)))


def _segments(text: str, separator: str) -> list[str]:
    """The text of each segment. Continuation lines are joined to theirs, blank lines dropped."""
    segments: list[list[str]] = []
    for line in _lines(text):
        name = line.rstrip(" ").partition(separator)[0]
        if not segments or _is_name(name):
            segments.append([line])
        elif line and not line.isspace():
            _refuse_hidden_segment(line, separator)
            home = len(segments) - 1
            while home and separator not in segments[home][0]:
                home -= 1  # a name alone has no field that the line could continue
            segments[home] += [text for alone in segments[home + 1 :] for text in alone]
            segments[home].append(line)
            del segments[home + 1 :]
    return ["\n".join(lines) for lines in segments]


def _refuse_hidden_segment(line: str, separator: str) -> None:
    """Raise Hl7Error for a line that is a segment but for blanks or small letters.

    Read as the end of the field before it, ` RXA|0|1` would vanish without a word.
    """
    name, found_separator, _rest = line.partition(separator)
    meant = name.strip().upper()
    if found_separator and meant in FREQUENT_SEGMENTS and meant != name:
        raise Hl7Error(
            "message.segment",
            expected=f"the segment {meant} at the beginning of a line, in capitals",
            found="blanks beside the name, or small letters in it",
            where=meant,
            do="have the sender write the segment as the standard does",
        )


def _glued() -> Hl7Error:
    return Hl7Error(
        "message.several",
        expected="one message",
        found="a second MSH in the middle of a line",
        where="the message",
        do="end each message with a terminator before the next one begins",
    )


def _terminator_warnings(rows: list[list[str]]) -> tuple[str, ...]:
    """A warning if a segment may have been lost inside a field.

    If MSH ends with CR and PID with LF, then the text `PV1` stands behind a line feed that counts
    as content of PID.
    """
    ends = (field.rpartition("\n")[2] for row in rows for field in row[:-1] if "\n" in field)
    if any(map(_is_name, ends)):
        return ("terminators.mixed: what looks like a segment follows a line feed inside a field",)
    return ()


# Segments of codes, times and numbers, with the fields that hold prose after all.
_CODED: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(("PV1", "ORC", "TQ1", "RXO", "RXD", "RXG", "RXR", "RXC"), frozenset()),
    "RXA": frozenset({9}),  # the notes of the administration
    "RXE": frozenset({7, 21}),  # the instructions
}


def _continuation_warnings(rows: list[list[str]]) -> tuple[str, ...]:
    """A warning for each coded segment that goes on in a line which begins with no segment's name.

    `RXR|IV` and then `-- end of export --` is one RXR, and its route is no longer IV.
    """
    names = {
        row[0]
        for row in rows
        if row[0] in _CODED
        and any("\n" in text for at, text in enumerate(row) if at not in _CODED[row[0]])
    }
    return tuple(
        [
            f"continuation.coded: a line that begins with no segment's name became part of {name}"
            for name in sorted(names)
        ]
    )


def _lines(text: str) -> list[str]:
    feed, carriage = text.find("\n"), text.find("\r")
    if 0 <= feed < carriage or carriage < 0:
        return text.replace("\r", "\n").split("\n")
    return [line.lstrip("\n") for line in text.split("\r")]


def _is_name(name: str) -> bool:
    """True for a text that can name a segment: a capital, then two capitals or digits."""
    return name in FREQUENT_SEGMENTS or (
        len(name) == 3
        and name.isascii()
        and name.isalnum()
        and name.isupper()
        and name[0].isalpha()
    )


def _check_complete(rows: list[list[str]], names: list[str], text: str) -> None:
    """Raise Hl7Error unless this is one whole message with a type; see `read_message`."""
    header, last = rows[0], rows[-1]
    if text[-1] not in "\r\n" and (_is_cut_name(text) or (last[0] == "RXA" and len(last) <= 5)):
        found = (
            "the beginning of a segment's name"
            if _is_cut_name(text)
            else f"RXA of {len(last) - 1} fields"
        )
        raise cut_off("a whole last segment with its terminator", found)
    if len(header) < 10 or not header[9].lstrip()[:1].isalnum():
        raise Hl7Error(
            "message.type",
            expected="a message type such as RAS^O17",
            found=f"an MSH segment of {len(header) - 1} fields"
            if len(header) < 10
            else "no type code",
            where="MSH-9",
            do="ask the sender for the whole message, with MSH-9 valued",
        )
    if names.count("MSH") > 1:
        raise Hl7Error(
            "message.several",
            expected="one message",
            found=f"{names.count('MSH')} MSH segments",
            where="the message",
            do="split the source with framing.split_messages first",
        )
    if "DSC" in names or (len(header) > 14 and header[14].strip() not in ("", NULL)):
        raise _fragment(header, names)


def _fragment(header: list[str], names: list[str]) -> Hl7Error:
    """The error for a part of a message, or for what only looks like one because MSH is damaged."""
    found, do = "a continuation pointer", "ask the sender to send long messages in one piece"
    if "DSC" in names:
        found = "a DSC segment"
    elif any("\n" in text for text in header):
        found = "a line after MSH that begins with no segment's name"
        do = "have the sender begin each line with the name of its segment"
    elif header[14].strip().upper() in ("AL", "NE", "ER", "SU"):
        found = "an acknowledgement condition, which belongs in MSH-15"
        do = "have the sender write each field of MSH in its place; one is missing before MSH-14"
    return Hl7Error(
        "message.fragment",
        expected="a whole message",
        found=found,
        where="DSC-1" if "DSC" in names else "MSH-14",
        do=do,
    )


def _is_cut_name(text: str) -> bool:
    """True if the last line is one or two characters that can begin a segment's name."""
    if text[-2] not in "\r\n" and text[-3] not in "\r\n":
        return False
    tail = _lines(text)[-1]
    return (
        len(tail) < 3 and tail.isascii() and tail.isalnum() and tail.isupper() and tail[0].isalpha()
    )
