"""Claims about damaged and hostile input: any bytes give a message or an Hl7Error, nothing else.

Hypothesis draws the same examples on every machine, so a failure here can be repeated anywhere.
"""

import re

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chargeline.engine import MEANINGS
from chargeline.hl7.decoding import UTF8_BOM, wide_encoding
from chargeline.hl7.delimiters import Delimiters, component, unescape
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.framing import ENVELOPE, NOTHING, split_messages
from chargeline.hl7.reader import read_message
from tests.hl7 import RAS, with_header

bounded = settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)

SEEDS = [
    RAS,
    RAS.replace(b"\r", b"\r\n"),
    RAS.replace(b"\r", b"\n"),
    b"\x0b" + RAS + b"\x1c\r\x0b" + RAS + b"\x1c\r",
    b"BHS|^~\\&\r" + RAS + RAS + b"BTS|2\r",
    with_header(MSH_18="8859/1").decode().replace("ZEBRA", "ZÉBRA").encode("latin-1"),
    with_header(MSH_18="~ISO IR87").decode().replace("ZEBRA", "縞馬").encode("iso2022_jp_ext"),
    with_header(MSH_18="UNICODE UTF-8").decode().replace("ZEBRA", "斑馬").encode(),
    RAS.decode().encode("utf-16"),
    RAS.decode().encode("utf-32-be"),
    RAS + rb"NTE|1||\F\ \X41\ \.br\ w\ meals|RE" + b"\r",
]
TELLING = b'\r\n\x0b\x1c\x1b\x00|^~\\&"MSHBTX[]-.0129 \xc3\xa9\xff\xfe'


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid source, cut, with bytes changed, put in or taken out, or a stretch of it repeated."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["cut", "change", "insert", "remove", "repeat", "header"]))
        byte = draw(st.one_of(st.sampled_from(TELLING), st.integers(0, 255)))
        if kind == "cut":
            del data[at:]
        elif kind == "change":
            data[at : at + 1] = bytes([byte])
        elif kind == "insert":
            data[at:at] = bytes([byte]) * draw(st.integers(1, 4))
        elif kind == "remove":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "repeat":
            data += data[at : at + 60]
        else:
            data[draw(st.integers(0, 9)) : 9] = draw(st.binary(max_size=8))
    return bytes(data)


anything = st.one_of(
    st.binary(max_size=200),
    damaged(),
    st.lists(st.sampled_from(TELLING), max_size=80).map(bytes).map(b"MSH|^~\\&".__add__),
)


def exercise(data: bytes) -> None:
    """Read the bytes; if they are a message, use everything that it offers."""
    try:
        message = read_message(data)
    except Hl7Error as error:
        assert error.finding.code in MEANINGS
        return
    assert message.rows[0][0] == "MSH"
    assert message.type
    assert len(message.body_digest) == 16
    for row in message.rows:
        assert len(row[0]) == 3
        for n in range(1, len(row)):
            message.repetitions(row, n)
            message.value(f"{row[0]}-{n}.2.1")
            unescape(row[n], message.delimiters)
            component(row[n], 2, message.delimiters)


@bounded
@given(anything)
def test_any_bytes_are_a_message_or_an_hl7_error(data: bytes) -> None:
    """`read_message` raises nothing but Hl7Error, and what it returns can be used."""
    exercise(data)


@bounded
@given(anything)
def test_any_bytes_are_cut_into_frames_without_raising(data: bytes) -> None:
    """`split_messages` raises nothing, counts its frames, and gives each data or a problem."""
    frames = list(split_messages(data))
    assert [frame.position for frame in frames] == list(range(1, len(frames) + 1))
    for frame in frames:
        assert frame.data or frame.problem
        exercise(frame.data)


@bounded
@given(
    st.lists(st.one_of(st.sampled_from(SEEDS[:5]), st.binary(max_size=30)), max_size=5).map(
        b"".join
    )
)
def test_no_line_that_says_something_is_lost(data: bytes) -> None:
    """The lines of a source are those of its frames, in order, but for blank ones and envelopes."""
    assume(wide_encoding(data) is None)  # test_framing compares those
    frames = [frame.data for frame in split_messages(data)]
    assert telling_lines(b"\r".join(frames)) == telling_lines(data)


def telling_lines(data: bytes) -> list[bytes]:
    lines = re.split(rb"[\r\n\x0b\x1c\x00]", data.replace(UTF8_BOM, b""))
    return [
        line
        for line in (line.strip(NOTHING) for line in lines)
        if line and line[:3] not in ENVELOPE
    ]


@bounded
@given(st.text("FSTREHNXCZ.br0149A\\|^~& \n¥", max_size=30))
def test_unescaping_any_text_gives_a_text_without_raising(text: str) -> None:
    """Any mixture of escapes, halves of escapes and content is decoded or kept."""
    for escape in ("\\", "¥", ""):
        decoded = unescape(text, Delimiters("|", "^", "~", escape, "&"))
        assert decoded == text or escape in text


@bounded
@given(st.text("aZ|^~\\&é ", max_size=30))
def test_what_is_escaped_comes_back(text: str) -> None:
    """Escaping the delimiters and unescaping them is the same text, whatever it holds."""
    letters = {"|": "F", "^": "S", "~": "R", "\\": "E", "&": "T"}
    escaped = "".join(f"\\{letters[c]}\\" if c in letters else c for c in text)
    assert unescape(escaped, Delimiters("|", "^", "~", "\\", "&")) == text


@bounded
@given(st.data())
def test_a_message_cut_anywhere_never_gains_a_segment(data: st.DataObject) -> None:
    """A cut message is refused or has the first rows of the whole; the last may be shorter."""
    whole = read_message(RAS).rows
    try:
        rows = read_message(RAS[: data.draw(st.integers(0, len(RAS)))]).rows
    except Hl7Error:
        return
    assert rows[:-1] == whole[: len(rows) - 1]
    assert "|".join(whole[len(rows) - 1]).startswith("|".join(rows[-1]))
