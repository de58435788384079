"""The bytes of a file or a stream, cut into raw messages.

This module owns MLLP frames, batch envelopes, byte order marks and the rule where a message begins.
It loses nothing: bytes that are no message come out as a frame with a problem. It does not look
inside a message, so one bad message never spoils the messages before and after it.
"""

import re
from collections.abc import Iterator
from itertools import count, pairwise
from typing import NamedTuple

from chargeline.engine import shape_of
from chargeline.hl7.decoding import MLLP_END, MLLP_START, UTF8_BOM, decode_wide, wide_encoding
from chargeline.hl7.errors import Hl7Error, cut_off, no_msh

ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
NOTHING = b" \t\r\n\x00" + MLLP_START + MLLP_END  # may stand between messages and is not garbage

# The name of a header at the start of a line. The patterns below begin with a class of few bytes,
# which makes the search fast.
_HEADER = rb"(?:\xef\xbb\xbf)?(?:MSH|FHS|BHS|BTS|FTS)(?![A-Za-z0-9])"
_AFTER_LINE = re.compile(rb"[\r\n\x0b\x1c\x00](?=" + _HEADER + rb")")
_AFTER_CARRIAGE_RETURN = re.compile(rb"\r\n?(?=" + _HEADER + rb")")
_MLLP_START = re.compile(rb"\x0b\s{0,8}(?=" + _HEADER + rb")")
_BEGINS_WITH_HEADER = re.compile(_HEADER)


class Frame(NamedTuple):
    """One message of a source, byte by byte as it stood there, or a problem at that place.

    position: counts all frames of the source from 1. problem: None if the data begins with MSH and
    its MLLP frame, if it has one, is closed. `read_message` may still refuse such data.
    """

    data: bytes
    position: int
    problem: Hl7Error | None


def split_messages(data: bytes) -> Iterator[Frame]:
    """Cut a source into its messages, in order; a source of blanks has none. Never raises.

    A message begins with `MSH` at the start of a line and ends before the next one. Envelope lines
    (FHS, BHS, BTS, FTS) end a message as well; they are dropped. Inside an MLLP frame whose first
    segment ends with CR, only CR starts a line, because a line feed is content there. An MLLP frame
    starts with 0x0B before a header and ends with 0x1C. Both bytes are removed.

    A frame carries one of these problems:

    - `message.cut_off`: an MLLP frame has no end; its bytes are kept, 0x0B included.
    - `message.no_msh`: these bytes belong to no message.
    - `batch.count`: BTS-1 is not the number of messages since the BHS. The frame is empty.
    - `message.encoding`: UTF-16 or UTF-32 breaks off; the frame is the whole source.

    A source in UTF-16 or UTF-32 gives frames in the same encoding, without byte order mark.
    """
    codec = wide_encoding(data)
    if codec is None:
        yield from _numbered(data)
        return
    try:
        text = decode_wide(data, codec)
    except Hl7Error as error:
        yield Frame(data, 1, error)
        return
    for frame in _numbered(text.encode()):
        yield frame._replace(data=frame.data.decode().encode(codec))


class _Piece(NamedTuple):
    """A stretch of the source. `name`: MSH or the name of an envelope line, b"" for neither."""

    name: bytes
    data: bytes
    problem: Hl7Error | None


def _numbered(data: bytes) -> Iterator[Frame]:
    """The frames in order. Each BTS-1 is compared with the number of messages before it.

    The count goes across MLLP frames, because BHS and BTS may stand in different ones.
    """
    position = count(1)
    in_batch = 0
    for name, piece, problem in _pieces(data):
        if name == b"BTS" and (miscount := _miscount(piece, in_batch)):
            yield Frame(b"", next(position), miscount)
        if name in ENVELOPE:
            in_batch = 0
        else:
            in_batch += problem is None
            yield Frame(piece, next(position), problem)


def _pieces(data: bytes) -> Iterator[_Piece]:
    """Messages, envelope lines and garbage, in order, without their MLLP frames."""
    at = 0
    starts = [match.start() for match in _MLLP_START.finditer(data)] if MLLP_START in data else []
    for start, limit in pairwise([*starts, len(data)]):
        yield from _cut(data[at:start], _AFTER_LINE)
        end = data.find(MLLP_END, start, limit)
        if end < 0:
            yield _Piece(
                b"",
                data[start:limit],
                cut_off("the end of the MLLP frame, 0x1C", f"none after {limit - start} bytes"),
            )
            at = limit
        else:
            yield from _cut(data[start:end], _line_start_in_frame(data, start, end))
            at = end + 1
    yield from _cut(data[at:], _AFTER_LINE)


def _line_start_in_frame(data: bytes, start: int, end: int) -> re.Pattern[bytes]:
    header = data[start:end].lstrip(NOTHING)
    carriage, feed = header.find(b"\r"), header.find(b"\n")
    return (
        _AFTER_CARRIAGE_RETURN if carriage >= 0 and (feed < 0 or carriage < feed) else _AFTER_LINE
    )


def _cut(chunk: bytes, line_start: re.Pattern[bytes]) -> Iterator[_Piece]:
    """Cut bytes that hold no MLLP frame, before each header that begins a line."""
    at = 0
    for end in (*(match.end() for match in line_start.finditer(chunk)), len(chunk)):
        piece = chunk[at:end].lstrip(NOTHING).removeprefix(UTF8_BOM).lstrip(NOTHING)
        at = end
        header = _BEGINS_WITH_HEADER.match(piece)
        name = piece[:3] if header else b""
        if name in ENVELOPE:
            line = re.split(rb"[\r\n\x0b\x1c]", piece, maxsplit=1)[0]
            yield _Piece(name, line, None)
            name, piece = b"", piece[len(line) :].lstrip(NOTHING)
        if name:
            yield _Piece(name, _without_mllp_end(piece), None)
        elif piece:
            yield _Piece(
                name, piece, no_msh(f"{len(piece)} bytes that begin otherwise", "the source")
            )


def _without_mllp_end(piece: bytes) -> bytes:
    """The message without the 0x1C of an MLLP frame whose 0x0B was lost."""
    body = piece.rstrip(b"\r\n")
    return body.rstrip(MLLP_END) if body.endswith(MLLP_END) else piece


def _miscount(trailer: bytes, messages: int) -> Hl7Error | None:
    """The problem of a BTS-1 that is valued and is not the number of messages; else None."""
    fields = trailer.split(trailer[3:4]) if trailer[3:4] else []
    said = fields[1].strip() if len(fields) > 1 else b""
    if not said or (said.isdigit() and said.lstrip(b"0") == str(messages or "").encode()):
        return None
    return Hl7Error(
        "batch.count",
        expected=f"{messages} messages, as many as the batch has",
        found=said.decode()
        if said.isdigit() and len(said) < 10
        else shape_of(said.decode("latin-1")),
        where="BTS-1",
        do="compare with what the sender sent; the messages of the batch have been read",
    )
