"""The bytes of a file or a stream, cut into raw messages.

It owns MLLP frames, batch envelopes, byte order marks and the rule where a message begins, and lets
nothing disappear: what is no message comes out as a frame with a problem. It refuses to know what
is inside a message, so one bad message never costs its neighbours.
"""

import re
from collections.abc import Iterator
from itertools import count, pairwise
from typing import NamedTuple

from chargeline.engine import shape_of
from chargeline.hl7.errors import Hl7Error, cut_off, no_msh
from chargeline.hl7.reader import MLLP_END, MLLP_START, UTF8_BOM, decode_wide, wide_encoding

ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
NOTHING = (
    b" \t\r\n\x00" + MLLP_START + MLLP_END
)  # what may stand between messages without being garbage

# A header's name at the start of a line. The first class makes the search fast: it has few
# candidates.
_HEADER = rb"(?:\xef\xbb\xbf)?(?:MSH|FHS|BHS|BTS|FTS)(?![A-Za-z0-9])"
_AFTER_LINE = re.compile(rb"[\r\n\x0b\x1c](?=" + _HEADER + rb")")
_AFTER_CARRIAGE_RETURN = re.compile(rb"\r\n?(?=" + _HEADER + rb")")
_MLLP_START = re.compile(rb"\x0b\s{0,8}(?=" + _HEADER + rb")")
_BEGINS_WITH_HEADER = re.compile(_HEADER)


class Frame(NamedTuple):
    """One message of a source as it stood there, or a problem with the source at that place.

    position: 1-based, counting all frames of the source. problem: None when the data begins with
    MSH and is complete as far as its frame shows; `read_message` may still refuse it.
    """

    data: bytes
    position: int
    problem: Hl7Error | None


def split_messages(data: bytes) -> Iterator[Frame]:
    """Cut a source into its messages, in order; a source of blanks has none. Never raises.

    A message begins at `MSH` at the start of a line and ends before the next one; envelope lines
    (FHS, BHS, BTS, FTS) begin and end messages too, and are dropped. Inside an MLLP frame whose
    first segment ends with CR only CR starts a line, as a line feed is content there. An MLLP frame
    starts at 0x0B before a header and ends at 0x1C; both are removed, unless the end is missing
    (problem `message.cut_off`). Bytes that belong to no message: problem `message.no_msh`. BTS-1
    other than the number of messages since the BHS: an empty frame with problem `batch.count`. A
    source in UTF-16 or UTF-32 is cut into pieces in the same encoding without byte order mark.
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
    """A stretch of the source: `name` is MSH or an envelope's, b"" for what is neither."""

    name: bytes
    data: bytes
    problem: Hl7Error | None


def _numbered(data: bytes) -> Iterator[Frame]:
    """The frames in order, with batch totals compared; BHS and BTS may stand in different MLLP
    frames.
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
    """Messages, envelope lines and garbage, in order; the MLLP frames are taken off."""
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
    """Cut text without MLLP frames where a header begins a line."""
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
    """The message without the end of a frame whose start is missing."""
    body = piece.rstrip(b"\r\n")
    return body.rstrip(MLLP_END) if body.endswith(MLLP_END) else piece


def _miscount(trailer: bytes, messages: int) -> Hl7Error | None:
    """The problem with BTS-1, if it is valued and is not the number of messages."""
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
        do="compare with what the sender sent; the messages themselves have been read",
    )
