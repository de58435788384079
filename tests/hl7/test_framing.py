"""Claims about cutting a file or a stream into messages: no message is lost, no two are merged."""

import pytest

from chargeline.hl7.framing import Frame, split_messages
from chargeline.hl7.reader import read_message
from tests.hl7 import RAS, with_header

FIRST, SECOND, THIRD = (with_header(MSH_10=f"MSG{n}") for n in (1, 2, 3))
FHS, BHS = b"FHS|^~\\&|PHARM\r", b"BHS|^~\\&|PHARM\r"


def numbers(data: bytes) -> list[str]:
    """The control numbers of a source without problems."""
    frames = list(split_messages(data))
    assert [frame.problem for frame in frames] == [None] * len(frames)
    assert [frame.position for frame in frames] == list(range(1, len(frames) + 1))
    return [read_message(frame.data).control_id for frame in frames]


def outline(data: bytes) -> list[str]:
    """Each frame of a source by its control number or by the code of its problem."""
    return [
        frame.problem.finding.code if frame.problem else read_message(frame.data).control_id
        for frame in split_messages(data)
    ]


# ------------------------------------------------------------------ messages one after the other


def test_one_message_is_one_frame_of_the_same_bytes() -> None:
    """A file with one message comes out unchanged."""
    assert list(split_messages(RAS)) == [Frame(RAS, 1, None)]


@pytest.mark.parametrize(
    "between", [b"", b"\r", b"\n", b"\r\n\r\n", b" \r\n", b"\xef\xbb\xbf", b"\r\n\xef\xbb\xbf"]
)
@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n"])
def test_each_msh_at_a_line_start_begins_a_message(terminator: bytes, between: bytes) -> None:
    """Messages without envelope, with blank lines or byte order marks between them, in order."""
    messages = [message.replace(b"\r", terminator) for message in (FIRST, SECOND, THIRD)]
    assert numbers(between.join(messages)) == ["MSG1", "MSG2", "MSG3"]


def test_messages_of_cr_lines_may_be_parted_by_a_line_feed() -> None:
    """Messages whose segments end with CR, and whose last segment ends with LF, are cut there."""
    assert numbers(b"\n".join(message.rstrip(b"\r") for message in (FIRST, SECOND))) == [
        "MSG1",
        "MSG2",
    ]


def test_msh_inside_a_line_begins_nothing() -> None:
    """`MSH` as a person's initials, or a name such as `MSHX`, is content."""
    assert numbers(FIRST + b"NTE|1|MSH|12345678\rMSHX\r") == ["MSG1"]


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b" \x00\n", b"\xef\xbb\xbf", b"\x0b\x1c\r"])
def test_a_source_of_blanks_has_no_messages(data: bytes) -> None:
    """An empty file, or a frame that only keeps the connection alive, gives no frame."""
    assert list(split_messages(data)) == []


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n", b"\xef\xbb\xbf\r\n", b"\x00\x00"])
def test_marks_and_blank_lines_before_the_first_message_are_dropped(before: bytes) -> None:
    """The first message is whole and begins with MSH."""
    assert list(split_messages(before + RAS)) == [Frame(RAS, 1, None)]


def test_garbage_before_the_first_message_is_a_problem_of_its_own() -> None:
    """The garbage is a frame with a problem, and the message after it is read."""
    garbage, message = split_messages(b"cut|here\rPID|1\r" + RAS)
    assert (garbage.data, garbage.position) == (b"cut|here\rPID|1\r", 1)
    assert garbage.problem is not None
    assert garbage.problem.finding.code == "message.no_msh"
    assert message == Frame(RAS, 2, None)


def test_a_source_without_any_message_is_one_problem() -> None:
    """A CSV file is one frame with a problem."""
    assert outline(b"date,drug\r\n2024-03-12,J9171\r\n") == ["message.no_msh"]


def test_a_broken_header_costs_only_its_own_message() -> None:
    """A message with bad delimiters is cut as any other; the messages around it are whole."""
    frames = list(split_messages(FIRST + b"MSH|||\rPID|1\r" + SECOND))
    assert [frame.data for frame in frames] == [FIRST, b"MSH|||\rPID|1\r", SECOND]


# ------------------------------------------------------------------ batches


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize("count", [b"|2", b"|002", b"| 2 |comment", b"|", b""])
def test_envelopes_are_dropped(count: bytes, terminator: bytes) -> None:
    """A batch with a right, a padded or no count in BTS-1 gives its two messages."""
    data = FHS + BHS + FIRST + SECOND + b"BTS" + count + b"\rFTS|1\r"
    assert numbers(data.replace(b"\r", terminator)) == ["MSG1", "MSG2"]


@pytest.mark.parametrize("count", [b"3", b"1", b"0", b"two", b"2^x", b"9" * 5000, b"\xb2"])
def test_a_wrong_count_is_reported_after_the_messages(count: bytes) -> None:
    """With a wrong BTS-1 the messages are read, and an empty frame after them has the problem."""
    frames = list(split_messages(BHS + FIRST + SECOND + b"BTS|" + count + b"\rFTS|1\r"))
    assert [frame.data for frame in frames] == [FIRST, SECOND, b""]
    assert frames[2].position == 3
    assert frames[2].problem is not None
    assert frames[2].problem.finding.code == "batch.count"


def test_a_wrong_count_is_told_in_numbers() -> None:
    """A wrong BTS-1 is shown if it is a number; else only its shape is shown."""
    told = [
        str(frame.problem)
        for frame in split_messages(BHS + FIRST + b"BTS|3\r" + BHS + b"BTS|ZEBRA\r")
    ]
    assert told[1].startswith("BTS-1: expected 1 messages, as many as the batch has, found 3; ")
    assert "found 5 characters, letters; compare" in told[2]


def test_an_empty_batch_may_say_zero() -> None:
    """BTS-1 of 0 is right for a batch without messages."""
    assert outline(BHS + b"BTS|0\r") == []


def test_each_batch_is_counted_for_itself() -> None:
    """Counting begins again at BHS and after BTS."""
    good = BHS + FIRST + b"BTS|1\r" + BHS + SECOND + THIRD + b"BTS|2\r"
    assert outline(FHS + good + b"FTS|2\r") == ["MSG1", "MSG2", "MSG3"]
    assert outline(FIRST + good) == ["MSG1", "MSG1", "MSG2", "MSG3"]
    assert outline(FIRST + b"BTS|1\r" + SECOND + b"BTS|1\r") == ["MSG1", "MSG2"]


def test_a_bad_message_is_not_counted_and_does_not_stop_the_batch() -> None:
    """Segments without MSH inside a batch are a problem and not counted; the others are read."""
    data = BHS + b"PID|1||99000001\r" + FIRST + b"BTS|1\r" + b"trailing words\r"
    assert outline(data) == ["message.no_msh", "MSG1", "message.no_msh"]


def test_words_behind_an_envelope_are_not_dropped_with_it() -> None:
    """An envelope line ends at a terminator or a frame byte; words behind it are a problem."""
    assert outline(b"FHS|^~\\&\x1cnoise\r" + FIRST) == ["message.no_msh", "MSG1"]


# ------------------------------------------------------------------ MLLP


@pytest.mark.parametrize("end", [b"\x1c\r", b"\x1c", b"\x1c\r\n", b"\r\x1c\r"])
def test_mllp_frames_give_their_messages(end: bytes) -> None:
    """Three frames give three messages, with or without the CR after 0x1C."""
    data = b"".join(b"\x0b" + message + end for message in (FIRST, SECOND, THIRD))
    assert numbers(data) == ["MSG1", "MSG2", "MSG3"]
    assert all(set(frame.data).isdisjoint(b"\x0b\x1c") for frame in split_messages(data))


def test_a_frame_without_an_end_is_cut_off_and_the_next_is_read() -> None:
    """A second 0x0B ends a frame without 0x1C, whose bytes are kept with their 0x0B."""
    cut = b"\x0b" + FIRST[:200]
    frames = list(split_messages(cut + b"\x0b" + SECOND + b"\x1c\r" + cut))
    assert [frame.data for frame in frames] == [cut, SECOND, cut]
    assert [frame.problem and frame.problem.finding.code for frame in frames] == [
        "message.cut_off",
        None,
        "message.cut_off",
    ]


def test_a_frame_without_a_start_is_a_message() -> None:
    """A message whose 0x0B was lost is read; its 0x1C is taken off."""
    assert [frame.data for frame in split_messages(FIRST + b"\x1c\r\x0b" + SECOND + b"\x1c\r")] == [
        FIRST,
        SECOND,
    ]


def test_noise_between_frames_is_a_problem_between_the_messages() -> None:
    """`PING` between frames is a problem; blanks and repeated start bytes are dropped."""
    data = (
        b"\x0b"
        + FIRST
        + b"\x1c\rPING\r\x0b\x0b\r\n"
        + SECOND
        + b"\x1c\r\x00\x00\x0b"
        + THIRD
        + b"\x1c\r"
    )
    assert outline(data) == ["MSG1", "message.no_msh", "MSG2", "MSG3"]
    assert list(split_messages(data))[1].data.startswith(b"PING")


def test_a_frame_that_holds_no_message_is_a_problem() -> None:
    """An MLLP frame around `hello` is a problem, and the next frame is read."""
    assert outline(b"\x0bhello\x1c\r\x0b" + FIRST + b"\x1c\r") == ["message.no_msh", "MSG1"]


def test_a_vertical_tab_inside_a_field_is_content() -> None:
    """0x0B starts a frame only before a header; text pasted from a word processor may hold it."""
    data = RAS + b"NTE|1||line\x0bline\r"
    assert list(split_messages(data)) == [Frame(data, 1, None)]
    assert [frame.data for frame in split_messages(b"\x0b" + data + b"\x1c\r")] == [data]


def test_a_message_quoted_inside_a_framed_message_is_content() -> None:
    """In a frame whose lines end with CR a line feed is content, so `MSH` after it is too."""
    data = RAS + b"NTE|1||rejected:\nMSH|^~\\&|OTHER\r"
    assert [frame.data for frame in split_messages(b"\x0b" + data + b"\x1c\r")] == [data]


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n"])
def test_a_frame_may_hold_a_batch(terminator: bytes) -> None:
    """A batch is counted alike inside one MLLP frame and over several."""
    batch = BHS + FIRST + SECOND + b"BTS|2\r"
    assert numbers(b"\x0b" + batch.replace(b"\r", terminator) + b"\x1c\r") == ["MSG1", "MSG2"]
    parts = (BHS, FIRST, SECOND, b"BTS|3\r")
    framed = b"".join(b"\x0b" + part.replace(b"\r", terminator) + b"\x1c\r" for part in parts)
    assert outline(framed) == ["MSG1", "MSG2", "batch.count"]


def test_a_frame_of_lf_lines_may_end_with_cr() -> None:
    """The end of the first segment decides: a CR after LF lines does not merge two messages."""
    batch = (FIRST + SECOND).replace(b"\r", b"\n")
    assert numbers(b"\x0b" + batch + b"\r\x1c\r") == ["MSG1", "MSG2"]
    assert numbers(b"\x0b\r\n" + batch + b"\r\x1c\r") == ["MSG1", "MSG2"]


def test_many_start_bytes_take_no_longer_than_other_bytes() -> None:
    """200,000 start bytes are read in one pass, and the message after them is found."""
    assert outline(b"\x0b" * 200_000 + FIRST + b"\x1c\r") == ["MSG1"]


# ------------------------------------------------------------------ wide characters


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_source_in_wide_characters_is_cut_in_its_own_encoding(codec: str, mark: str) -> None:
    """Each frame holds bytes of the source, so what is stored is what was sent."""
    texts = [message.decode().replace("ZEBRA", "ZÉBRA") for message in (FIRST, SECOND)]
    data = (mark + "".join(texts)).encode(codec)
    assert numbers(data) == ["MSG1", "MSG2"]
    assert [frame.data for frame in split_messages(data)] == [text.encode(codec) for text in texts]


def test_a_source_in_broken_wide_characters_is_one_problem() -> None:
    """UTF-16 with half a character at the end is one frame with all bytes and a problem."""
    data = FIRST.decode().encode("utf-16") + b"x"
    (frame,) = split_messages(data)
    assert (frame.data, frame.position) == (data, 1)
    assert frame.problem is not None
    assert frame.problem.finding.code == "message.encoding"
