"""Claims about the output: a file holds whole lines, and a reported line is on the disk."""

import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chargeline.ledger.records import Announcement
from chargeline.published.events import TimedEvent as Event
from chargeline.published.events import to_kafka
from chargeline.published.shapes import Data
from chargeline.serve.output import Output, OutputError, as_line, in_words
from tests.published.test_events import NOON, asked, line, parked_message, question, revision


def announced(data: Data) -> Announcement:
    """A row of the outbox that announces these data."""
    key, headers, value = to_kafka(Event(data, NOON))
    return Announcement("t", key, headers["ce_id"], json.dumps(headers), value, NOON)


DRAFT = announced(revision())


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Files as on a full disk: a write beyond the size takes a part and refuses the rest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_is_the_event_that_kafka_would_get() -> None:
    """Each header of a Kafka record is an attribute, the payload is the data, and the
    key is the subject.
    """
    key, headers, value = to_kafka(Event(revision(), NOON))
    event = json.loads(as_line(DRAFT))
    told = {name.removeprefix("ce_"): text for name, text in headers.items()}
    told["datacontenttype"] = told.pop("content-type")
    assert event == {**told, "subject": key, "data": json.loads(value)}
    assert as_line(DRAFT).count(b"\n") == 1


def test_a_new_file_is_for_its_owner_only_and_an_old_one_goes_on(tmp_path: Path) -> None:
    """Parked messages hold patients, so a new file has mode 600. An old file keeps its lines, and
    new lines follow.
    """
    path = tmp_path / "events.jsonl"
    Output(path).check()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b""
    Output(path).write([DRAFT])
    Output(path).write([DRAFT, DRAFT])
    assert path.read_bytes() == 3 * as_line(DRAFT)


@pytest.mark.parametrize("mode", [0o644, 0o606])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    """The error names the file and the command that mends it, and nothing is written."""
    path = tmp_path / "events.jsonl"
    path.touch(0o600)
    path.chmod(mode)
    with pytest.raises(OutputError, match=f"found the mode {mode:04o}.*chmod o= {path}"):
        Output(path).write([DRAFT])
    assert path.read_bytes() == b""


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Whoever may write into the folder could else have patients written elsewhere."""
    target = tmp_path / "elsewhere"
    target.touch(0o600)
    path = tmp_path / "events.jsonl"
    path.symlink_to(target)
    with pytest.raises(OutputError, match="found a symbolic link"):
        Output(path).check()
    assert target.read_bytes() == b""


def test_a_file_that_was_moved_away_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """Log rotation moves the file away: the next event goes into a new file of the old name."""
    path = tmp_path / "events.jsonl"
    output = Output(path)
    output.write([DRAFT])
    path.rename(tmp_path / "events.jsonl.1")
    output.write([DRAFT])
    assert path.read_bytes() == (tmp_path / "events.jsonl.1").read_bytes() == as_line(DRAFT)


def test_without_room_no_half_line_stays(tmp_path: Path) -> None:
    """The disk takes a part of a line: the file is as before, and the error says what to do. With
    room again the output goes on.
    """
    path = tmp_path / "events.jsonl"
    output = Output(path)
    output.write([DRAFT])
    with files_of_at_most(len(as_line(DRAFT)) + 100):
        with pytest.raises(OutputError, match=r"events\.jsonl: .* found File too large; .* kept"):
            output.write([DRAFT])
        assert path.read_bytes() == as_line(DRAFT)
    output.write([DRAFT])
    assert path.read_bytes() == 2 * as_line(DRAFT)


@pytest.mark.parametrize("length", [1, 10, 300, -1])
def test_the_beginning_of_a_line_that_a_crash_left_is_cut_off(tmp_path: Path, length: int) -> None:
    """The half line is cut off. Its event is still in the ledger and is written on a whole line."""
    path = tmp_path / "events.jsonl"
    path.touch(0o600)
    path.write_bytes(as_line(DRAFT) + as_line(DRAFT)[:length])
    Output(path).write([DRAFT])
    assert path.read_bytes() == 2 * as_line(DRAFT)
    path.touch(0o600)
    path.write_bytes(as_line(DRAFT)[:length])
    Output(path).write([DRAFT])
    assert path.read_bytes() == as_line(DRAFT)


def test_a_long_torn_line_is_cut_off_whole(tmp_path: Path) -> None:
    """A torn line of 200 kB, longer than one read at the end of the file."""
    path = tmp_path / "events.jsonl"
    path.touch(0o600)
    path.write_bytes(as_line(DRAFT) + b'{"specversion":' + b"x" * 200_000)
    Output(path).check()
    assert path.read_bytes() == as_line(DRAFT)


def test_another_program_s_file_is_left_alone(tmp_path: Path) -> None:
    """The last line has no end and is not ours: the output refuses the file and changes no byte."""
    path = tmp_path / "notes.txt"
    path.touch(0o600)
    path.write_bytes(b"first\nbuy zebras")
    with pytest.raises(OutputError, match="another program's line without an end; name a new file"):
        Output(path).check()
    assert path.read_bytes() == b"first\nbuy zebras"


def test_a_write_to_a_pipe_that_nobody_reads_can_be_given_up() -> None:
    """With `give_up` set, the write returns False and waits no longer."""
    reader, writer = os.pipe()
    output = Output(None, writer)
    output.give_up.set()
    assert output.write([DRAFT]) is False
    output.give_up.clear()
    assert output.write([DRAFT]) is True
    assert os.read(reader, 1 << 16) == as_line(DRAFT)
    os.close(reader)
    os.close(writer)


def test_standard_output_may_be_a_file(tmp_path: Path) -> None:
    """`chargeline serve > FILE` writes the same lines, and without room no half line."""
    descriptor = os.open(tmp_path / "events.jsonl", os.O_WRONLY | os.O_CREAT)
    output = Output(None, descriptor)
    assert not output.for_people
    output.write([DRAFT])
    with (
        files_of_at_most(len(as_line(DRAFT)) + 100),
        pytest.raises(OutputError, match="standard output"),
    ):
        output.write([DRAFT])
    output.write([DRAFT])
    os.close(descriptor)
    assert (tmp_path / "events.jsonl").read_bytes() == 2 * as_line(DRAFT)


def test_words_of_a_draft_name_codes_changes_and_doubts() -> None:
    """The words have the code and the units of each line; of a later revision also the lines that
    were added and removed.
    """
    first = in_words(DRAFT)
    assert first.startswith("ZEBRA_CLINIC|V100001  draft 1 open: 96401×1 ")
    assert "added" not in first
    later = in_words(announced(revision(revision=2, final=True, before=[line("gone")])))
    assert "draft 2 final: " in later
    assert "; added " in later and "; removed " in later
    merged = in_words(announced(revision(merged_into="V2")))
    assert "merged into V2: no lines" in merged


def test_words_of_questions_and_parked_messages_say_what_to_do() -> None:
    """An open question says what was expected and what to do, a closed one which question it was. A
    parked message says what to do and shows nothing of the message.
    """
    opened = asked(question())[0]
    words = in_words(announced(opened))
    assert opened.expected in words and opened.do in words
    closed = in_words(announced(opened.model_copy(update={"state": "closed"})))
    assert "question closed" in closed and opened.code in closed
    parked = in_words(announced(parked_message()))
    assert parked_message().code in parked and parked_message().do in parked
    assert (parked_message().raw_base64 or "") not in parked


def test_the_line_of_a_parked_message_has_no_bytes_even_if_its_event_has() -> None:
    """An event of Kafka's setting, or of an older chargeline, may wait in the outbox of `serve`."""
    written = json.loads(as_line(announced(parked_message())))["data"]
    assert written == parked_message().without_bytes().model_dump(mode="json")
    assert (written["raw_base64"], written["headers"]) == (None, [])


def test_words_cannot_move_the_cursor() -> None:
    """A sender may write anything into a visit number: escape sequences and line ends do not
    reach the terminal.
    """
    evil = DRAFT._replace(key="ZEBRA|V1\x1b[2J\r\nfake")
    assert all(letter.isprintable() for letter in in_words(evil))
    assert json.loads(as_line(evil))["subject"] == evil.key
    assert as_line(evil).count(b"\n") == 1
