"""Several messages in one MLLP frame: how they are taken apart, and the one answer to them.

A batch comes in its envelope (FHS, BHS, BTS, FTS), and some senders put two messages into a frame
without one. Each message is stored by itself. The sender waits for one frame, so the
acknowledgements go back together: in an envelope of our own if the sender wrote one, as the
standard answers a batch with a batch, else one after the other. Refusals stand first: a sender that
reads one MSA only then sends the frame again, and what was stored is a duplicate. BTS-1 refuses
nothing, because it is often wrong. This module does not store, and it does not decide which message
is refused.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from chargeline.hl7.decoding import MLLP_END, MLLP_START
from chargeline.hl7.framing import split_messages

AT_ONCE = 200
"""So many messages of a frame are stored side by side."""

# A frame with neither holds at most one message, and is not taken apart.
_MAY_BE_SEVERAL = re.compile(
    rb"\A\s{0,8}(?:FHS|BHS)(?![A-Za-z0-9])|[\r\n](?:MSH|BHS)(?![A-Za-z0-9])"
)
_ENVELOPE = re.compile(rb"(?:\A|[\r\n])\s{0,8}((?:FHS|BHS)(?![A-Za-z0-9])[^\r\n]*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SeveralMessages(NamedTuple):
    """The messages of a frame, and the header lines of its envelope, FHS before BHS.

    `miscounted`: BTS-1 is not the number of messages.
    """

    messages: tuple[bytes, ...]
    envelope: tuple[bytes, ...]
    miscounted: bool


class Answered(NamedTuple):
    """What became of one message. `answer` is None if its sender wants none."""

    accepted: bool
    answer: bytes | None


def several_in(frame: bytes) -> SeveralMessages | None:
    """The messages of a frame that holds several or an envelope; None for any other frame."""
    if _MAY_BE_SEVERAL.search(frame) is None:
        return None
    parts = list(split_messages(MLLP_START + frame + MLLP_END))
    messages = tuple([part.data for part in parts if part.data])
    envelope = _envelope_of(frame) if frame.lstrip()[:3] in (b"FHS", b"BHS") else ()
    if not envelope and len(messages) < 2:
        return None
    miscounted = any(part.problem and part.problem.finding.code == "batch.count" for part in parts)
    return SeveralMessages(messages, envelope, miscounted)


def _envelope_of(frame: bytes) -> tuple[bytes, ...]:
    """The first FHS and the first BHS, as far as they are there."""
    lines: dict[bytes, bytes] = {}
    for match in _ENVELOPE.finditer(frame):
        lines.setdefault(match[1][:3], match[1])
    return tuple([lines[name] for name in (b"FHS", b"BHS") if name in lines])


def answer_together(
    several: SeveralMessages, answered: Sequence[Answered], *, now: datetime, control_id: str
) -> bytes | None:
    """One answer for all messages of a frame; None if the sender wants no answer to any of them.

    `control_id` is BHS-11 and FHS-11 of the answer.
    """
    in_order = sorted(answered, key=lambda each: each.accepted)
    answers = [answered.answer for answered in in_order if answered.answer is not None]
    if not answers and answered:
        return None
    content = b"".join(answers)
    for line in reversed(several.envelope):
        header, separator = _header_of_answer(line.decode("latin-1"), now, control_id)
        inside = len(answers) if line.startswith(b"BHS") else 1
        trailer = f"{line[:1].decode()}TS{separator}{inside}\r"
        content = header.encode("latin-1") + content + trailer.encode("latin-1")
    return content


def _header_of_answer(line: str, now: datetime, control_id: str) -> tuple[str, str]:
    """FHS or BHS of the answer to such a line, and its field separator.

    Sender and receiver change places, and field 12 names field 11 of the line that is answered.
    """
    separator = line[3:4] or "|"
    fields = [_CONTROL.sub(" ", text) for text in line.split(separator)]
    fields += [""] * (12 - len(fields))
    when = now.strftime("%Y%m%d%H%M%S%z").replace(separator, " ")
    answer = [line[:3], fields[1] or "^~\\&", *fields[4:6], *fields[2:4], when]
    answer += ["", "", "", control_id, fields[10]]
    return separator.join(answer).rstrip(separator) + "\r", separator
