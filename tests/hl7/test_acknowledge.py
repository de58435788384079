"""Claims about acknowledgements: the code that the sender asked for, its number, and no patient.

The expected codes are tables, to be compared with the acknowledgement rules of the standard
(chapter 2). Every answer is read back with our reader and with python-hl7.
"""

from datetime import UTC, datetime

import hl7
import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from chargeline.hl7.acknowledge import (
    ERRORS,
    STORED,
    VERSIONS,
    AckCondition,
    AnswerMode,
    Verdict,
    acknowledge,
    application_answer_owed,
    header_of,
    salvaged_header,
    undeterminable,
)
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.message import Message
from chargeline.hl7.reader import read_message
from tests.hl7 import RAS, with_header

NOW = datetime(2024, 3, 12, 14, 15, 0, tzinfo=UTC)
OUTCOMES: dict[Verdict, AckCondition] = {
    "accept": STORED,
    "error": AckCondition("error", "207", 0, "the store is down | ^ & ~ \\ today"),
    "reject": AckCondition("reject", "202", 11, "expected P, found 1 character, letters"),
}


def answer(
    data: bytes, outcome: AckCondition = STORED, mode: AnswerMode = "as_asked"
) -> bytes | None:
    return acknowledge(
        header_of(read_message(data)), outcome, now=NOW, control_id="OURS1", mode=mode
    )


def answered(data: bytes, outcome: AckCondition = STORED) -> Message:
    """The answer, read back. python-hl7 must read the same code and the same number."""
    got = answer(data, outcome)
    assert got is not None
    message = read_message(got)
    if message.encoding == "ascii":
        other = hl7.parse(got.decode())
        assert str(other["MSA"][0][1]) == message.value("MSA-1")
        assert str(other["MSA"][0][2]) == (message.value("MSA-2") or "")
    return message


# ------------------------------------------------------------------ which code

# MSH-15, MSH-16, and the answers to a message that is stored, in error, or rejected; -- for none.
ASKED = [
    ("", "", "AA AE AR"),  # original mode
    ("AL", "", "CA CE CR"),
    ("NE", "", "-- -- --"),
    ("ER", "", "-- CE CR"),
    ("SU", "", "CA -- --"),
    ("AL", "NE", "CA CE CR"),
    ("AL", "AL", "CA CE CR"),
    ("ER", "NE", "-- CE CR"),
    ("SU", "ER", "CA -- --"),
    ("al", "ne", "CA CE CR"),
    ("X", "NE", "CA CE CR"),  # not in the table: better one answer too many
    ("NE", "NE", "-- -- --"),
    ("NE", "AL", "AA AE AR"),  # the standard calls it equivalent to the original mode
    ("", "AL", "AA AE AR"),
    ("ne", "er", "-- AE AR"),
    ("NE", "ER", "-- AE AR"),
    ("NE", "SU", "AA -- --"),
]


def codes(accept: str, application: str, mode: AnswerMode) -> str:
    data = with_header(MSH_15=accept, MSH_16=application)
    got = [answer(data, outcome, mode) for outcome in OUTCOMES.values()]
    return " ".join(read_message(ack).value("MSA-1") or "" if ack else "--" for ack in got)


@pytest.mark.parametrize(("accept", "application", "expected"), ASKED)
def test_the_sender_gets_the_answer_that_it_asked_for(
    accept: str, application: str, expected: str
) -> None:
    """If MSH-15 and MSH-16 are empty, the mode is the original one; else MSH-15 decides."""
    assert codes(accept, application, "as_asked") == expected


@pytest.mark.parametrize(
    ("accept", "application", "expected"),
    [
        ("", "", "AA AE AR"),
        ("NE", "AL", "-- -- --"),
        ("", "AL", "-- -- --"),
        ("AL", "AL", "CA CE CR"),
    ],
)
def test_application_acknowledgements_can_be_kept_off_the_connection(
    accept: str, application: str, expected: str
) -> None:
    """With `accept_only` a sender of NE and AL gets no answer on this connection."""
    assert codes(accept, application, "accept_only") == expected


@pytest.mark.parametrize(("accept", "application"), [(row[0], row[1]) for row in ASKED])
def test_the_fields_can_be_ignored(accept: str, application: str) -> None:
    """With `original` the answer is AA, AE or AR, whatever MSH-15 and MSH-16 say."""
    assert codes(accept, application, "original") == "AA AE AR"


@pytest.mark.parametrize(
    ("accept", "application", "mode", "owed"),
    [
        ("", "", "as_asked", False),
        ("AL", "NE", "as_asked", False),
        ("AL", "AL", "as_asked", True),
        ("AL", "ER", "as_asked", False),
        ("NE", "AL", "as_asked", False),
        ("NE", "AL", "accept_only", True),
        ("AL", "AL", "original", False),
    ],
)
def test_an_application_acknowledgement_that_is_owed_is_known(
    accept: str, application: str, mode: AnswerMode, owed: bool
) -> None:
    """AL and AL ask for CA at once, and for an AA that is owed; AL and NE ask for CA only."""
    header = header_of(read_message(with_header(MSH_15=accept, MSH_16=application)))
    assert application_answer_owed(header, "accept", mode) is owed


# ------------------------------------------------------------------ what stands in it


def test_an_answer_is_these_bytes() -> None:
    """Sender and receiver are swapped, MSH-10 comes back in MSA-2, MSH-11 is copied."""
    assert answer(RAS) == (
        b"MSH|^~\\&|CHARGE|GENHOSP|PHARM|GENHOSP|20240312141500+0000||ACK^O17^ACK|OURS1|P|2.5.1\r"
        b"MSA|AA|MSG00001\r"
    )


def test_a_refusal_is_these_bytes() -> None:
    """ERR has the field, the code of table 0357 with its words, and an explanation."""
    assert (answer(RAS, OUTCOMES["reject"]) or b"").splitlines()[1:] == [
        b"MSA|AR|MSG00001",
        b"ERR||MSH^1^11|202^Unsupported processing id^HL70357|E|||expected P, found 1 character, "
        b"letters",
    ]


def test_addresses_of_several_components_come_back_whole() -> None:
    """MSH-3 and MSH-6 come back with name and OID, MSH-11 with its mode."""
    got = answered(with_header(MSH_3="PHARM^1.2.3^ISO", MSH_6="GEN&1^9.8^ISO", MSH_11="P^T"))
    assert got.rows[0][3:7] == ["CHARGE", "GEN&1^9.8^ISO", "PHARM^1.2.3^ISO", "GENHOSP"]
    assert got.rows[0][11] == "P^T"


@pytest.mark.parametrize("number", ["MSG00001", " 7 ", "A^B", "A~B", "\\T\\1", "1" * 199, "", "é"])
def test_the_number_comes_back_letter_by_letter(number: str) -> None:
    """MSH-10 comes back neither trimmed nor unescaped, because the sender compares it."""
    got = answer(with_header(MSH_10=number)) or b""
    assert read_message(got).rows[1][2:3] == ([number.rstrip(" ")] if number else [])


def test_a_number_with_block_characters_does_not_break_the_frame() -> None:
    """0x0B, 0x1C and a line feed in MSH-10 come back as blanks."""
    got = answer(with_header(MSH_10="A\x0bB\x1cC\nD")) or b""
    assert got.endswith(b"MSA|AA|A B C D\r")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ADT^A01^ADT_A01", "ACK^A01^ACK"),
        ("RAS^O17", "ACK^O17^ACK"),
        ("RAS", "ACK"),
        ("A^ZEBRA", "ACK"),
    ],
)
def test_the_type_names_the_trigger(kind: str, expected: str) -> None:
    """MSH-9 of the answer is ACK, the trigger, ACK; without a trigger it is ACK alone."""
    assert answered(with_header(MSH_9=kind)).rows[0][9] == expected


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *((version, version) for version in sorted(VERSIONS)),
        ("2.5.1^USA", "2.5.1"),
        ("2.9", "2.5.1"),
        ("", "2.5.1"),
    ],
)
@pytest.mark.parametrize("verdict", ["accept", "error"])
def test_the_version_is_the_senders_where_hl7apy_knows_it(
    theirs: str, ours: str, verdict: Verdict
) -> None:
    """A message of version 2.9, or without a version, is answered in 2.5.1."""
    got = answered(with_header(MSH_12=theirs), OUTCOMES[verdict])
    assert got.version == ours
    assert got.value("MSA-2") == "MSG00001"


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_the_error_stands_where_its_version_has_a_place_for_it(version: str) -> None:
    """From 2.5 on in ERR-2, -3, -4 and -7; before in MSA-3, -6 and ERR-1; in 2.1 in MSA-3."""
    got = answered(with_header(MSH_12=version), OUTCOMES["reject"])
    words, text = "202^Unsupported processing id^HL70357", "expected P, found 1 character, letters"
    if version == "2.1":
        expected = [["MSA", "AR", "MSG00001", text]]
    elif version < "2.5":
        error = ["ERR", "MSH^1^11^202&Unsupported processing id&HL70357"]
        expected = [["MSA", "AR", "MSG00001", text, "", "", words], error]
    else:
        expected = [["MSA", "AR", "MSG00001"], ["ERR", "", "MSH^1^11", words, "E", "", "", text]]
    assert got.rows[1:] == expected


@pytest.mark.parametrize("version", sorted(VERSIONS - {"2.1"}))
def test_hl7apy_reads_every_answer_back(version: str) -> None:
    """hl7apy, which is as strict as the tables of the standard, reads our answers."""
    text = (answer(with_header(MSH_12=version), OUTCOMES["error"]) or b"").decode()
    parsed = parse_message(text, find_groups=False)
    assert (parsed.name, parsed.version) == ("ACK", version)
    assert parsed.msa.msa_1.value == "AE"
    assert parsed.msa.msa_2.value == "MSG00001"


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_has_its_words(code: str) -> None:
    """ERR-3 has the code, its words and the table, as CWE."""
    got = answered(RAS, AckCondition("error", code))
    assert got.rows[2][3] == f"{code}^{ERRORS[code]}^HL70357"


# ------------------------------------------------------------------ delimiters and encodings


@pytest.mark.parametrize(
    "marks",
    ["|^~\\&", "#*@!%", "|^&~\\", "$%~\\&", "|^~}", "|^~¥&", "|^~\\\\&", "|^~\\&#", "+.~\\&"],
)
@pytest.mark.parametrize("verdict", ["accept", "error"])
def test_an_answer_is_written_with_the_delimiters_of_the_message(
    marks: str, verdict: Verdict
) -> None:
    """Odd, swapped or doubled delimiters come back, and the explanation does not break them."""
    field, *rest = marks
    usual = dict(zip("|^", (field, rest[0]), strict=True))
    header, _, _ = RAS.decode().partition("\r")
    body = "".join(usual.get(character, character) for character in header[8:])
    data = f"MSH{marks}{body}\rPID{field}1\r".encode()
    message = read_message(data)
    got = answered(data, OUTCOMES[verdict])
    assert got.delimiters == message.delimiters
    assert got.value("MSA-2") == "MSG00001"
    assert got.value("MSH-9.2") == "O17"
    assert len(got.rows) == (2 if verdict == "accept" else 3)
    if verdict == "error":
        unescapable = "the store is down     &   \\ today"
        assert got.value("ERR-3.1") == "207"
        assert got.value("ERR-7") == (
            unescapable if marks == "|^~}" else OUTCOMES["error"].explanation
        )


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "latin-1"),
        ("", "cp1252"),
        ("UNICODE UTF-16", "utf-16-le"),
        ("GB 18030-2000", "gb18030"),
    ],
)
def test_an_answer_is_written_in_the_encoding_of_the_message(declared: str, codec: str) -> None:
    """`Krankenhaus Süd` comes back in the same encoding, with the same MSH-18."""
    text = with_header(MSH_3="Krankenhaus Süd", MSH_18=declared).decode()
    got = answer(text.encode(codec))
    assert got is not None
    back = got.decode(codec)
    assert back.split("|")[4] == "Krankenhaus Süd"
    assert back.partition("\r")[0].split("|")[17:] == ([declared] if declared else [])


def test_a_japanese_sender_gets_its_name_back() -> None:
    """Kanji in ISO 2022 come back, also if the first repetition of MSH-18 is empty."""
    text = with_header(MSH_4="東京病院", MSH_18="~ISO IR87").decode()
    got = answer(text.encode("iso2022_jp"))
    assert got is not None
    assert read_message(got).value("MSH-6") == "東京病院"


# ------------------------------------------------------------------ messages that could not be read


def refused(data: bytes) -> Message:
    """The answer to a message whose structure the reader cannot tell, read back."""
    with pytest.raises(Hl7Error) as caught:
        read_message(data)
    outcome = undeterminable(caught.value)
    assert outcome is not None
    got = acknowledge(salvaged_header(data), outcome, now=NOW, control_id="OURS1")
    assert got is not None
    return read_message(got)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"PID|1||99\r", b"MSHX|^~", b"\xff\xfe\x00", b"BHS|^~\\&|\r"]
)
def test_bytes_without_a_header_are_answered_with_what_can_be_said(data: bytes) -> None:
    """The answer is AE without a number, with the error 100 or 102."""
    got = refused(data)
    assert got.rows[1] == ["MSA", "AE"]
    assert got.value("ERR-3.1") in ("100", "102")


def test_a_header_without_type_is_answered_to_its_sender() -> None:
    """The answer has the sender's number and address, and the error 101 at MSH-9."""
    got = refused(b"MSH|^~\\&|PHARM|GENHOSP|CHARGE|GENHOSP|20240312||^O17|MSG7|P|2.4\r")
    assert got.rows[0][3:7] == ["CHARGE", "GENHOSP", "PHARM", "GENHOSP"]
    assert (got.value("MSA-1"), got.value("MSA-2"), got.version) == ("AE", "MSG7", "2.4")
    assert got.value("ERR-1") == "MSH^1^9^101&Required field missing&HL70357"


@pytest.mark.parametrize("marks", ["|", "|^", "|^~\\&!?", "|AB\\&", "^^~\\&", '"^~\\&'])
def test_a_header_without_delimiters_is_answered_with_the_usual_ones(marks: str) -> None:
    """The answer is AE with the error 102 at MSH-2."""
    got = refused(f"MSH{marks}{marks[0]}PHARM{marks[0]}GENHOSP\r".encode())
    assert got.value("MSA-1") == "AE"
    assert got.value("ERR-3.1") == "102"
    assert got.value("ERR-2.3") == "2"


def test_a_field_separator_inside_a_salvaged_field_adds_no_field() -> None:
    """The sender separates fields with ~ and we answer with |, so its | becomes a blank."""
    got = refused(b"MSH~|^~PHARM|1~GENHOSP~~~2024~~RAS~MSG|AA~P~2.5.1\r")
    assert got.rows[0][5] == "PHARM 1"
    assert got.rows[1] == ["MSA", "AE", "MSG AA"]


def test_a_wish_for_enhanced_mode_is_kept_though_the_message_is_refused() -> None:
    """The answer is CE if MSH-15 of the refused message is AL."""
    got = refused(b"MSH|^~\\&|PHARM|GENHOSP|||2024|||MSG7|P|2.5.1|||AL|NE\rPID|1\r")
    assert got.value("MSA-1") == "CE"


@pytest.mark.parametrize(
    ("code", "storable"),
    [
        ("message.several", True),
        ("message.fragment", True),
        ("message.cut_off", True),
        ("message.type", False),
    ],
)
def test_only_what_nobody_can_tell_apart_is_refused(code: str, storable: bool) -> None:
    """A message that is cut, or is several, can be stored for a person; one without type cannot."""
    error = Hl7Error(code, expected="x", found="y", where="z", do="w")
    assert (undeterminable(error) is None) is storable


@given(st.binary(max_size=80).map(lambda tail: b"MSH" + tail) | st.binary(max_size=40))
def test_whatever_comes_there_is_an_answer(data: bytes) -> None:
    """For any bytes the answer is a message with MSA, and without 0x0B and 0x1C."""
    got = acknowledge(
        salvaged_header(data), OUTCOMES["error"], now=NOW, control_id="OURS1", mode="original"
    )
    assert got is not None
    assert b"\x0b" not in got
    assert b"\x1c" not in got
    assert read_message(got).value("MSA-1") == "AE"


def test_no_answer_shows_a_patient() -> None:
    """An answer repeats nothing of a message but its header, whatever became of the message."""
    for data in (RAS, with_header(MSH_12="2.3"), with_header(MSH_9="")):
        try:
            header = header_of(read_message(data))
        except Hl7Error:
            header = salvaged_header(data)
        for outcome in OUTCOMES.values():
            got = acknowledge(header, outcome, now=NOW, control_id="OURS1") or b""
            assert not any(
                secret in got for secret in (b"TESTPATIENT", b"ZEBRA", b"99000001", b"V0000001")
            )
