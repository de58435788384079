"""Claims about reading one message, each a sentence that an interface analyst can check by hand."""

import codecs
from hashlib import blake2b

import pytest

from chargeline.engine import shape_of
from chargeline.hl7.decoding import CODECS
from chargeline.hl7.delimiters import NULL, Delimiters, component, unescape
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.reader import read_message
from tests.hl7 import RAS, with_header

USUAL = Delimiters("|", "^", "~", "\\", "&")


def code_of(data: bytes) -> str:
    with pytest.raises(Hl7Error) as raised:
        read_message(data)
    return raised.value.finding.code


# ------------------------------------------------------------------ rows and coordinates


def test_segments_stay_in_the_order_of_the_message() -> None:
    """The rows are the segments, in order, Z segments and repeated ones included."""
    message = read_message(RAS + b"ZWA|1|bag 7\r")
    names = ["MSH", "PID", "PV1", "ORC", "RXA", "RXR", "RXA", "RXR", "ZWA"]
    assert [row[0] for row in message.rows] == names


def test_row_n_is_field_n_of_the_standard() -> None:
    """PV1-19 is the visit number and stands at index 19."""
    row = read_message(RAS).first("PV1")
    assert row is not None
    assert row[19] == "V0000001^^^GENHOSP^VN"


def test_msh_counts_its_own_separator_as_field_1() -> None:
    """In MSH too row[n] is field n: 1 is the separator, 2 the other delimiters, 3 the sender."""
    assert read_message(RAS).rows[0][:4] == ["MSH", "|", "^~\\&", "PHARM"]


def test_the_header_names_type_trigger_number_and_version() -> None:
    """A message has MSH-9.1, 9.2, 10 and 12.1 as attributes, trimmed."""
    message = read_message(
        with_header(MSH_9=" RAS ^ O17 ^RAS_O17", MSH_10=" A-7 ", MSH_12="2.5.1 ^USA")
    )
    assert (message.type, message.trigger, message.control_id, message.version) == (
        "RAS",
        "O17",
        "A-7",
        "2.5.1",
    )


def test_an_acknowledgement_without_trigger_has_an_empty_one() -> None:
    """MSH-9 `ACK` alone is accepted: type ACK, trigger empty."""
    message = read_message(b"MSH|^~\\&|A|B|C|D|20240312||ACK")
    assert (message.type, message.trigger, message.control_id, message.version) == (
        "ACK",
        "",
        "",
        "",
    )


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("ACK^O17", ("ACK", "O17", "", "")),
        ("ACK^O17|77", ("ACK", "O17", "77", "")),
        ("ACK|77|P|2.5", ("ACK", "", "77", "2.5")),
        ("ACK|77|P", ("ACK", "", "77", "")),
    ],
)
def test_a_header_may_end_early(ending: str, expected: tuple[str, ...]) -> None:
    """An attribute is empty if MSH ends before its field."""
    message = read_message(f"MSH|^~\\&|A|B|C|D|20240312||{ending}\r".encode())
    assert (message.type, message.trigger, message.control_id, message.version) == expected


def test_blanks_at_the_end_of_a_segment_are_dropped() -> None:
    """Blanks after the last field are dropped; blanks inside a field stay."""
    message = read_message(
        RAS.replace(b"HL70162\r", b"HL70162   \r").replace(b"^UCUM\r", b"^UCUM| x |y \r")
    )
    assert message.rows[5] == ["RXR", "IV^Intravenous^HL70162"]
    assert message.rows[4][8:] == [" x ", "y"]


def test_a_name_alone_is_a_segment() -> None:
    """A line of just `NTE` is a segment without fields."""
    assert read_message(RAS + b"NTE\r").rows[-1] == ["NTE"]


def test_a_name_alone_amid_prose_is_prose() -> None:
    """`NPO` on a line of its own, with prose on the next line, belongs to the comment before it."""
    for terminator in (b"\r", b"\n"):
        message = read_message(
            (RAS + b"NTE|1||text\rNPO\rIVP\rafter midnight|RE\r").replace(b"\r", terminator)
        )
        assert message.rows[-1] == ["NTE", "1", "", "text\nNPO\nIVP\nafter midnight", "RE"]


def test_a_name_is_a_capital_and_two_capitals_or_digits() -> None:
    """`A1B|` and `NTE  ` begin a segment; `1AB|`, `Ute|`, `NT|` and `É12|` are prose."""
    message = read_message(RAS + "A1B|1\rNTE  \rZ12|1\r1AB|x\rUte|x\rNT|x\rÉ12|x\r".encode())
    assert [row[0] for row in message.rows[8:]] == ["A1B", "NTE", "Z12"]
    assert message.rows[-1][1:] == ["1\n1AB", "x\nUte", "x\nNT", "x\nÉ12", "x"]


@pytest.mark.parametrize("line", [b" RXA|0|1|2", b"\tRXA|0|1|2", b"RXA |0|1|2", b"rxa|0|1|2"])
def test_a_segment_that_is_written_badly_is_refused(line: bytes) -> None:
    """Read as the end of the field before it, the administration would vanish without a word."""
    with pytest.raises(Hl7Error) as refused:
        read_message(RAS + line + b"\r")
    assert (refused.value.finding.code, refused.value.finding.where) == ("message.segment", "RXA")


@pytest.mark.parametrize("glue", [b"", b"\x00\x00", b" "])
def test_a_second_message_glued_to_the_first_is_refused(glue: bytes) -> None:
    """Else the drugs of the second patient would be billed to the first."""
    with pytest.raises(Hl7Error) as refused:
        read_message(RAS.rstrip(b"\r") + glue + RAS)
    assert refused.value.finding.code == "message.several"


@pytest.mark.parametrize("filling", [b"\x1a", b"\x00\x00\x00", b"\r\x1a"])
def test_filling_behind_the_last_segment_is_no_content(filling: bytes) -> None:
    """The end of a file of DOS, or of a padded record, changes no field."""
    assert read_message(RAS + filling).rows == read_message(RAS).rows


def test_names_alone_before_prose_are_prose() -> None:
    """4,000 lines that are only a name, then a line that is none: they are one note."""
    message = read_message(RAS + b"NTE|1||x\r" + b"ABC\r" * 4_000 + b"x y\r")
    assert message.rows[-1][3].count("\n") == 4_001


def test_a_glued_segment_is_not_taken_apart() -> None:
    """If the CR before PV1 was lost, `FPV1` stays one field: the reader does not guess."""
    message = read_message(RAS.replace(b"|F\rPV1|", b"|FPV1|"))
    assert message.first("PV1") is None
    assert message.rows[1][8] == "FPV1"


def test_the_first_row_of_an_absent_segment_is_none() -> None:
    """`first` gives None for a segment that the message does not have."""
    assert read_message(RAS).first("DG1") is None


def test_the_raw_bytes_are_kept_as_given() -> None:
    """`raw` is what came in, with the MLLP frame."""
    framed = b"\x0b" + RAS + b"\x1c\r"
    assert read_message(framed).raw == framed


# ------------------------------------------------------------------ values by address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("PV1-19.1", "V0000001"),
        ("PV1-19", "V0000001^^^GENHOSP^VN"),
        ("PID-3[2].4", "STATE"),
        ("PID-3.1", "99000001"),
        ("PID-3[3].1", None),
        ("RXA[2]-5.1", "J1100"),
        ("RXA[3]-5.1", None),
        ("RXA-5.2", "DOCEtaxel"),
        ("RXA-5.9", None),
        ("RXA-40", None),
        ("PV1-20", None),
        ("RXA[2]-4", None),
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-9.2.1", "O17"),
        ("PV1-3.1", "L&D"),
        ("PV1-3.1.2", "D"),
        ("PV1-3.1.3", None),
        ("DG1-3.1", None),
        ("RXR-1.1", "IV"),
        ("MSH-2.1", "^~\\&"),
        ("MSH-3.2", None),
    ],
)
def test_an_address_finds_its_value(address: str, expected: str | None) -> None:
    """Each number of an address counts from 1; an absent or empty value is None."""
    assert read_message(RAS).value(address) == expected


def test_two_quotes_are_null_and_not_a_text() -> None:
    """`""` comes back as NULL, also for every component inside the field that holds it."""
    message = read_message(
        RAS.replace(b"TESTPATIENT^ZEBRA^Q", b'""').replace(b"ORD1001^EHR", b'""^EHR')
    )
    assert message.value("PID-5") is NULL
    assert message.value("PID-5.2") is NULL
    assert message.value("ORC-2.1") is NULL
    assert message.value("ORC-2.1.1") is NULL
    assert message.value("ORC-2.2") == "EHR"


def test_only_the_delimiters_of_msh_are_not_split() -> None:
    """MSH-1 and MSH-2 are kept whole; MSH-3 and RXR-1 have components and repetitions."""
    message = read_message(with_header(MSH_3="PHARM^2~X").replace(b"|IVP^", b"|IVP~SC^"))
    assert (message.value("MSH-3.2"), message.value("MSH-3[2]")) == ("2", "X")
    assert (message.value("RXR[2]-1[2].1"), message.value("RXR[2]-1[2].2")) == ("SC", "Push")


def test_a_field_of_blanks_is_not_valued() -> None:
    """A visit number of three blanks is None, so that visits do not share it."""
    assert read_message(RAS.replace(b"V0000001^", b"   ^")).value("PV1-19.1") is None


def test_a_value_is_unescaped_after_splitting() -> None:
    """An escaped `^` or `&` is content and splits nothing."""
    message = read_message(RAS.replace(b"^DOCEtaxel^", rb"^DOCE\S\taxel \T\ water^"))
    assert message.value("RXA-5.2") == "DOCE^taxel & water"
    assert message.value("RXA-5.3") == "HCPCS"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "PV1",
        "PV1-",
        "PV1-0",
        "pv1-3",
        "PV1-3.0",
        "PV1.3",
        "PV1-3.1.1.1",
        "PV1-3[0]",
        "PV1-99999",
    ],
)
def test_a_malformed_address_is_refused(address: str) -> None:
    """A wrong address, such as one of an interface profile, is an error and not an empty value."""
    with pytest.raises(Hl7Error) as raised:
        read_message(RAS).value(address)
    assert raised.value.finding.code == "address.invalid"


def test_repetitions_of_a_field_come_raw_and_in_order() -> None:
    """PID-3 has two repetitions, an empty or absent field none, MSH-2 one."""
    message = read_message(RAS)
    patient = message.rows[1]
    assert message.repetitions(patient, 3) == ["99000001^^^GENHOSP^MR", "88000002^^^STATE^SS"]
    assert message.repetitions(patient, 2) == []
    assert message.repetitions(patient, 30) == []
    assert message.repetitions(message.rows[0], 2) == ["^~\\&"]


@pytest.mark.parametrize(
    ("field", "n", "expected"),
    [
        ("A", 1, "A"),
        ("A", 2, ""),
        ("", 1, ""),
        ("A^B^C", 1, "A"),
        ("A^B^C", 2, "B"),
        ("A^B^C", 3, "C"),
        ("A^B^C", 4, ""),
        ("A^B~C^D^E", 2, "B"),
        ("A~B", 1, "A"),
        ("A^B~C^D^E", 3, ""),
        (r"A\S\B^C", 1, r"A\S\B"),
    ],
)
def test_a_component_is_of_the_first_repetition_and_raw(field: str, n: int, expected: str) -> None:
    """`component` counts from 1 and gives "" for what is absent."""
    assert component(field, n, USUAL) == expected


# ------------------------------------------------------------------ escapes


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\F\\S\\T\\R\\E\ ", "|^&~\\ "),
        (r"one\.br\two", "one\ntwo"),
        (r"\H\loud\N\ again", "loud again"),
        (r"\X41\\X0D0A\ ", "A\r\n "),
        (r"caf\XC3A9\ ", "café "),
        (r"caf\XE9\ ", "café "),
        (r"\E\F\E\ ", r"\F\ "),
        (r"\E\\T\ ", "\\& "),
        (r"w\ meals \T\ food", r"w\ meals & food"),
        (r"C:\temp\new", r"C:\temp\new"),
        ("ends with \\", "ends with \\"),
        (r"\Zpump\F\ ", r"\Zpump\F\ "),
        (r"\C2842\\M24212A\ ", r"\C2842\\M24212A\ "),
        (r"\.sp3\\.in+4\ ", r"\.sp3\\.in+4\ "),
        (r"\.sp\F\ ", r"\.sp\F\ "),
        (r"\X4\ \XZZ\ \X\ ", r"\X4\ \XZZ\ \X\ "),
        (r"\X00\ ", r"\X00\ "),
        (r"\f\ \\ ", r"\f\ \\ "),
    ],
)
def test_escapes_are_decoded_once_and_the_unknown_is_kept(written: str, meant: str) -> None:
    """Delimiters, line breaks, highlighting and hexadecimal are decoded; all else is kept."""
    assert unescape(written, USUAL) == meant


def test_escapes_mean_the_delimiters_of_the_message() -> None:
    """With the delimiters `!@$%*` the text `%S%` means `@`."""
    assert unescape("%F%%S%%T%%R%%E%", Delimiters("!", "@", "$", "%", "*")) == "!@*$%"


def test_text_without_escapes_is_the_same_object() -> None:
    """A text without an escape character is given back without a copy."""
    text = "no escape here"
    assert unescape(text, USUAL) is text


def test_without_an_escape_character_nothing_is_decoded() -> None:
    """In a message that names no escape character, a backslash is content."""
    assert unescape(r"\F\ ", USUAL._replace(escape="")) == r"\F\ "


# ------------------------------------------------------------------ delimiters


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("|^~\\&|", ("|", "^", "~", "\\", "&")),
        ("|^~\\&#|", ("|", "^", "~", "\\", "&")),
        ("|^~\\}|", ("|", "^", "~", "\\", "}")),
        ("|^~}|", ("|", "^", "~", "", "}")),
        ("|^~\\|", ("|", "^", "~", "\\", "&")),
        ("|^~¥&|", ("|", "^", "~", "¥", "&")),
        ("|^~¥|", ("|", "^", "~", "¥", "&")),
        ("$%~\\&$", ("$", "%", "~", "\\", "&")),
    ],
)
def test_the_delimiters_come_from_the_message(header: str, expected: tuple[str, ...]) -> None:
    """MSH-1 is the fourth character. MSH-2 has three to five; with three, one is left out."""
    separator = header[0]
    message = read_message(f"MSH{header}A|B|C|D|E|F|RAS".replace("|", separator).encode())
    assert message.delimiters == expected
    assert message.warnings == ()
    assert message.type == "RAS"


@pytest.mark.parametrize("encoding", ["^~\\\\&", "^~\\\\&#", "^~\\\\"])
def test_a_doubled_backslash_in_msh_2_is_tolerated_and_reported(encoding: str) -> None:
    """`^~\\\\&` was doubled by a program: the subcomponent delimiter is still `&`."""
    message = read_message(with_header(MSH_2=encoding))
    assert message.delimiters == USUAL
    assert [warning.partition(":")[0] for warning in message.warnings] == ["delimiters.doubled"]
    assert message.rows[0][2] == encoding


def test_swapped_delimiters_are_obeyed_and_reported() -> None:
    """MSH-2 of `^&~\\` makes `&` the repetition delimiter, with a warning."""
    message = read_message(with_header(MSH_2="^&~\\"))
    assert message.delimiters == ("|", "^", "&", "~", "\\")
    assert [warning.partition(":")[0] for warning in message.warnings] == ["delimiters.order"]


@pytest.mark.parametrize(
    "header",
    [
        "MSH",
        "MSH|",
        "MSH|^~",
        "MSH||A|B|C|D|E||RAS",
        "MSH|^~|A|B|C|D|E||RAS",
        "MSH|^~\\&amp;|A|B|C|D|E||RAS",
        "MSH|^~\\&#+|A|B|C|D|E||RAS",
        "MSH|^^\\&|A|B|C|D|E||RAS",
        "MSH|^~|&|A|B|C|D|E||RAS",
        "MSH|&~\\|A|B|C|D|E||RAS",
        'MSH|^~\\"|A|B|C|D|E||RAS',
        "MSH|^ \\&|A|B|C|D|E||RAS",
        "MSH||A|B|C|D|É||RAS|1|P|2.5|||||ASCII~8859/1",
        "MSHÉ",
        "MSHA^~\\&A1A2A3A4A5AARAS",
        "MSH ^~\\& A B C D E  RAS",
        "MSH\r|^~\\&|A|B|C|D|E||RAS",
    ],
)
def test_unusable_delimiters_are_refused(header: str) -> None:
    """Too few or too many delimiters, letters, blanks, quotes or one twice are refused."""
    assert code_of(f"{header}\rPID|1||99000001\r".encode()) == "message.delimiters"


# ------------------------------------------------------------------ terminators


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n", b"\r\r", b"\n\r", b"\r\n\r\n"])
def test_every_terminator_gives_the_same_rows(terminator: bytes) -> None:
    """With CR, LF, CRLF or two of them after each segment, the rows are the same."""
    assert read_message(RAS.replace(b"\r", terminator)).rows == read_message(RAS).rows


def test_a_line_feed_inside_a_field_is_content_when_segments_end_with_cr() -> None:
    """Two lines of a comment stay one field, and the field after it keeps its number."""
    message = read_message(RAS + b"NTE|1||first line\nsecond line|RE\r")
    assert message.rows[-1] == ["NTE", "1", "", "first line\nsecond line", "RE"]


def test_a_line_feed_in_content_stays_when_segments_end_with_crlf() -> None:
    """Only the line feed directly after CR belongs to the terminator."""
    message = read_message(RAS.replace(b"\r", b"\r\n") + b"NTE|1||a\nb\r\n")
    assert message.rows[-1] == ["NTE", "1", "", "a\nb"]


@pytest.mark.parametrize("terminator", ["\r", "\n"])
def test_a_line_that_begins_no_segment_continues_the_field(terminator: str) -> None:
    """Prose after a terminator belongs to the field before it; blank lines between are dropped."""
    lines = ["NTE|1||first line", "", "second line|RE", "Third", "RXR|IV", ""]
    message = read_message(
        RAS.replace(b"\r", terminator.encode()) + terminator.join(lines).encode()
    )
    assert message.rows[-2:] == [
        ["NTE", "1", "", "first line\nsecond line", "RE\nThird"],
        ["RXR", "IV"],
    ]


def test_a_carriage_return_in_a_message_of_lf_lines_swallows_no_segment() -> None:
    """The end of MSH decides: if it is LF, a single CR at the end does not make LF content."""
    message = read_message(RAS.replace(b"\r", b"\n").rstrip(b"\n") + b"\r")
    assert len(message.rows) == 8
    assert message.warnings == ()


def test_a_segment_behind_a_line_feed_that_counts_as_content_is_reported() -> None:
    """MSH ends with CR and PID with LF: then PV1 stays content of PID, with a warning."""
    message = read_message(RAS.replace(b"|F\rPV1", b"|F\nPV1"))
    assert message.first("PV1") is None
    assert [warning.partition(":")[0] for warning in message.warnings] == ["terminators.mixed"]


# ------------------------------------------------------------------ frames, marks, blank lines


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\x0b", b"\x1c\r"),
        (b"\x0b", b"\x1c"),
        (b"", b"\x1c\r"),
        (b"\xef\xbb\xbf", b""),
        (b"\x0b\xef\xbb\xbf", b"\x1c\r"),
        (b"\r\n \n", b"\r\n\r\n"),
    ],
)
def test_what_surrounds_a_message_is_taken_off(before: bytes, after: bytes) -> None:
    """The MLLP frame, the byte order mark and blank lines are taken off."""
    message = read_message(before + RAS + after)
    assert message.rows == read_message(RAS).rows
    assert message.encoding == "ascii"


# ------------------------------------------------------------------ encodings


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [
        ("UNICODE UTF-8", "utf-8", "ZÉBRÄ"),
        ("UTF-8", "utf-8", "ZÉBRÄ"),
        ("UNICODE", "utf-8", "ZÉBRÄ"),
        ("8859/1", "iso8859-1", "ZÉBRÄ"),
        ("8859/2", "iso8859-2", "ŻEBRA"),
        ("8859/15", "iso8859-15", "ZÉBRA €"),
        ("ISO-8859-1", "iso8859-1", "ZÉBRÄ"),
        ("windows-1252", "cp1252", "“ZEBRA”"),
        ("BIG-5", "cp950", "斑馬功"),
        ("GB 18030-2000", "gb18030", "斑马"),
        ("KS X1001", "euc_kr", "얼룩말"),
        ("~ISO IR87", "iso2022_jp_ext", "縞馬"),
        ("ASCII~ISO IR87", "iso2022_jp_ext", "縞馬"),
        ("ISO IR87", "iso2022_jp_ext", "縞馬"),
    ],
)
def test_msh_18_says_how_to_decode(declared: str, codec: str, name: str) -> None:
    """A name in an encoding of table 0211 is decoded as MSH-18 says, without a warning."""
    data = with_header(MSH_18=declared).decode().replace("ZEBRA", name).encode(codec)
    message = read_message(data)
    assert (message.value("PID-5.2"), message.encoding, message.warnings) == (name, codec, ())
    assert message.value("PID-5.3") == "Q"


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [("BIG-5", "cp950", "功"), ("~ISO IR87", "iso2022_jp_ext", "梨枝麦")],
)
def test_delimiter_bytes_inside_a_character_do_not_split(
    declared: str, codec: str, name: str
) -> None:
    """In BIG5 功 has the byte of a backslash, in ISO 2022 梨枝麦 has those of `|`, `^` and `~`."""
    assert set(name.encode(codec)) & set(b"|^~\\&")
    data = with_header(MSH_18=declared).decode().replace("ZEBRA", name).encode(codec)
    assert read_message(data).value("PID-5.2") == name


def test_kanji_before_msh_18_do_not_hide_it() -> None:
    """MSH-18 is found although the kanji of MSH-4 have the bytes of separators."""
    data = with_header(MSH_4="梨枝麦", MSH_18="~ISO IR87").decode().encode("iso2022_jp_ext")
    assert read_message(data).value("MSH-4") == "梨枝麦"


@pytest.mark.parametrize(
    ("declared", "sent_as", "won"),
    [
        ("ASCII", "utf-8", "utf-8"),
        ("ASCII", "cp1252", "cp1252"),
        ("UNICODE UTF-8", "cp1252", "cp1252"),
        ("ISO IR87", "utf-8", "utf-8"),
        ("BIG-5", "utf-8", "utf-8"),
        ("UTF-9", "utf-8", "utf-8"),
        ("ASCII~BIG-5", "utf-8", "utf-8"),
    ],
)
def test_a_header_that_lies_about_the_encoding_is_found_out(
    declared: str, sent_as: str, won: str
) -> None:
    """The declared codec is tried, then UTF-8, then cp1252; a warning names the one that fitted."""
    data = with_header(MSH_18=declared).decode().replace("ZEBRA", "ZÉBRÀ éà").encode(sent_as)
    message = read_message(data)
    assert (message.value("PID-5.2"), message.encoding) == ("ZÉBRÀ éà", won)
    said = declared if declared != "UTF-9" else "an unknown name"
    assert message.warnings == (f"encoding.declared: MSH-18 says {said}, decoded as {won}",)


def test_iso_8859_with_bytes_that_it_does_not_have_is_not_believed() -> None:
    """Curly quotes of Windows that are declared as 8859/1 come out as quotes."""
    data = with_header(MSH_18="8859/1").decode().replace("ZEBRA", "“ZEBRA”").encode("cp1252")
    assert read_message(data).value("PID-5.2") == "“ZEBRA”"


def test_iso_8859_that_would_be_valid_utf_8_is_obeyed_with_a_warning() -> None:
    """Bytes of UTF-8 are also valid 8859/1, so the declaration wins, with a warning."""
    data = with_header(MSH_18="8859/1").decode().replace("ZEBRA", "ZéBRA").encode()
    message = read_message(data)
    assert message.encoding == "iso8859-1"
    assert [warning.partition(":")[0] for warning in message.warnings] == ["encoding.doubtful"]


def test_without_msh_18_utf_8_and_then_cp1252_are_tried() -> None:
    """Without MSH-18 there is no warning. A byte that cp1252 does not have means Latin-1."""
    for codec, name in (("utf-8", "ZÉBRA"), ("cp1252", "ZÉBRA"), ("latin-1", "ZÉBRA\x81")):
        for header in (
            RAS,
            with_header(MSH_17="USA"),
            with_header(MSH_18=""),
            with_header(MSH_19="EN"),
        ):
            message = read_message(header.decode().replace("ZEBRA", name).encode(codec))
            assert (message.value("PID-5.2"), message.encoding, message.warnings) == (
                name,
                codec,
                (),
            )


@pytest.mark.parametrize(
    ("codec", "mark"),
    [
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
def test_wide_characters_show_in_the_first_bytes(codec: str, mark: bytes) -> None:
    """UTF-16 and UTF-32 are read with and without their byte order mark."""
    text = with_header(MSH_18="UNICODE UTF-16").decode().replace("ZEBRA", "ZÉBRA")
    for data in (mark + text.encode(codec), text.encode(codec)):
        message = read_message(data)
        assert (message.value("PID-5.2"), message.encoding) == ("ZÉBRA", codec)


def test_wide_characters_that_break_off_are_refused() -> None:
    """UTF-16 with half a character at the end is refused."""
    assert code_of(RAS.decode().encode("utf-16") + b"x") == "message.encoding"


SAMPLE_LETTERS = {
    "ascii": "Z",
    "iso8859-1": "Äý",
    "iso8859-2": "Łż",
    "iso8859-3": "Ħż",
    "iso8859-4": "Ģŋ",
    "iso8859-5": "Жя",
    "iso8859-6": "شق",
    "iso8859-7": "Ωθ",
    "iso8859-8": "שק",
    "iso8859-9": "Ğş",
    "iso8859-15": "Œ€",
    "cp1252": "“Œ",
    "utf-8": "Ωж馬",
    "iso2022_jp_ext": "縞馬",
    "cp932": "縞馬ｱ",
    "gb18030": "斑马",
    "euc_kr": "말",
    "cp950": "斑馬",
}
SPELLINGS = {
    "ascii": ["ASCII", "ISO IR6"],
    **{
        f"iso8859-{n}": [f"8859/{n}", f"ISO 8859-{n}", f"iso8859-{n}"]
        for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)
    },
    "cp1252": ["CP1252", "windows-1252"],
    # UTF-16 and UTF-32 show in the first bytes; if MSH-18 names them in ASCII, UTF-8 is meant
    "utf-8": [
        "UNICODE",
        "UNICODE UTF-8",
        "UTF-8",
        "UNICODE UTF-16",
        "UTF-16",
        "UNICODE UTF-32",
        "UTF-32",
    ],
    "iso2022_jp_ext": ["ISO IR13", "ISO IR14", "ISO IR87", "ISO IR159", "ISO-2022-JP"],
    "cp932": ["Shift_JIS", "windows-31j"],
    "gb18030": ["GB 18030-2000", "GB18030", "GBK"],
    "euc_kr": ["KS X 1001", "EUC-KR"],
    "cp950": ["BIG-5", "Big5"],
}


@pytest.mark.parametrize(
    ("declared", "codec"), [(label, codec) for codec in SPELLINGS for label in SPELLINGS[codec]]
)
def test_table_0211_is_understood_in_its_usual_spellings(declared: str, codec: str) -> None:
    """Letters in the named encoding come out right, and no warning speaks of MSH-18."""
    name = SAMPLE_LETTERS[codec]
    message = read_message(
        with_header(MSH_18=declared).decode().replace("ZEBRA", name).encode(codec)
    )
    assert (message.value("PID-5.2"), message.encoding) == (name, codec)
    assert not [warning for warning in message.warnings if "declared" in warning]


def test_no_spelling_in_the_table_is_untested() -> None:
    """Each entry of the table of codecs is one of the spellings above."""
    tested = {
        "".join(c for c in label.upper() if c.isalnum())
        for labels in SPELLINGS.values()
        for label in labels
    }
    assert set(CODECS) == tested


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "message.empty"),
        (b" \r\n\r\n", "message.empty"),
        (b"\x0b\x1c\r", "message.empty"),
        (b"\xef\xbb\xbf", "message.empty"),
        (b"\x00\x00\r\n", "message.empty"),
        (b"\xe9", "message.no_msh"),
        (b"\xe9\xe9\xe9", "message.no_msh"),
        (b"\xe9|||||||||||||||||||", "message.no_msh"),
        (b"PID|1||99000001\r", "message.no_msh"),
        (b"<xml/>", "message.no_msh"),
        (b"BHS|^~\\&|A\r" + RAS, "message.no_msh"),
        (RAS + RAS, "message.several"),
        (b"MSH|^~\\&|A|B|C|D|20240312|\r", "message.type"),
        (b"MSH|^~\\&\rPID|1|x|y\r", "message.type"),
        (with_header(MSH_9=""), "message.type"),
        (with_header(MSH_9="^O17"), "message.type"),
        (with_header(MSH_9='""'), "message.type"),
        (with_header(MSH_9="  "), "message.type"),
        (with_header(MSH_14="7"), "message.fragment"),
        (RAS + b"DSC|next-part\r", "message.fragment"),
        (b"\x0b" + RAS, "message.cut_off"),
        (RAS + b"RX", "message.cut_off"),
        (RAS + b"R", "message.cut_off"),
        (RAS + b"Z1", "message.cut_off"),
        (RAS.replace(b"\r", b"\n") + b"RX", "message.cut_off"),
        (RAS + b"RXA|0|1|20240312|", "message.cut_off"),
        (RAS + b"RXA|0", "message.cut_off"),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_by_its_code(data: bytes, code: str) -> None:
    """Each way in which a message cannot be used gives its own code."""
    assert code_of(data) == code


@pytest.mark.parametrize(
    "data",
    [
        RAS[:-1],
        RAS + b"RXA|0|1|20240312|\r",
        RAS + b"RXA|0|1|20240312||J9171",
        RAS + b"NTE|1||text\nRX",
        RAS + b"1x",
        with_header(MSH_13="1"),
        with_header(MSH_14='""'),
        with_header(MSH_14=" "),
    ],
)
def test_a_message_that_may_be_whole_is_read(data: bytes) -> None:
    """A message is read that lacks only its last CR, or ends with a short RXA, or with prose."""
    assert read_message(data).type == "RAS"


def test_an_error_tells_what_to_do_and_shows_no_patient() -> None:
    """The text says expected, found, where and what to do, and holds no word of the message."""
    with pytest.raises(Hl7Error) as raised:
        read_message(with_header(MSH_9=""))
    assert str(raised.value) == (
        "MSH-9: expected a message type such as RAS^O17, found no type code; "
        "ask the sender for the whole message, with MSH-9 valued"
    )


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", "nothing"),
        ("7", "1 character, digits"),
        ("20240312", "8 characters, digits"),
        ("ab 1-2", "6 characters, digits and letters and blanks and other signs"),
    ],
)
def test_a_shape_tells_of_a_text_without_showing_it(text: str, shape: str) -> None:
    """A shape gives length and kinds of characters, which may be logged; content may not."""
    assert shape_of(text) == shape


# ------------------------------------------------------------------ resends


@pytest.mark.parametrize(
    "resend",
    [
        with_header(MSH_7="20240312235959"),
        with_header(MSH_10="MSG99999"),
        with_header(MSH_11="T"),
        RAS.replace(b"\r", b"\r\n"),
        RAS.replace(b"HL70162\r", b"HL70162  \r"),
        b"\x0b" + RAS + b"\x1c\r",
    ],
)
def test_a_resend_has_the_same_body_digest(resend: bytes) -> None:
    """Another MSH-7, MSH-10, terminator or frame leaves the digest as it is."""
    assert read_message(resend).body_digest == read_message(RAS).body_digest


@pytest.mark.parametrize(
    "other",
    [
        with_header(MSH_3="OTHERPHARM"),
        with_header(MSH_4="OTHERHOSP"),
        with_header(MSH_9="RAS^O18"),
        with_header(MSH_2="^~\\}"),
        RAS.replace(b"|140|", b"|141|"),
        RAS.replace(b"RXR|IVP^Push^L\r", b""),
        RAS + b"NTE\r",
    ],
)
def test_another_statement_has_another_body_digest(other: bytes) -> None:
    """Another sender, event or delimiter, or any change after MSH, gives another digest."""
    assert read_message(other).body_digest != read_message(RAS).body_digest


def test_a_body_digest_is_made_of_the_text_that_it_says() -> None:
    """The digest is of MSH-1 to 4, MSH-9 and the other segments.

    The ledger keeps digests, so they must stay the same from release to release.
    """
    body = RAS.rstrip(b"\r").partition(b"\r")[2]
    message = read_message(RAS)
    assert (
        message.body_digest
        == blake2b(b"||^~\\&|PHARM|GENHOSP|RAS^O17^RAS_O17\r" + body, digest_size=16).digest()
    )
    assert message.body_digest is message.body_digest


HEADER_ONLY = b"MSH|^~\\&|MAR|ZEBRA|||202603021100||RAS^O17|M1|T|2.5.1\rPID|1||ZZ1\r"


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("RXR|IV\r-- end of export --\r", ["RXR"]),
        ("RXR|IV\rend\rend\r", ["RXR"]),
        ("ORC|RE|P1\rF1\rRXR|IV\rcopy\r", ["ORC", "RXR"]),
        ("RXA|0|1|202603020900|202603021000|X^x|4\r50|mg\r", ["RXA"]),
        ("RXA|0|1|202603020900|202603021000|X^x|450|mg||given\rslowly\r", []),
        ("NTE|1||Take with\rfood|RE\r", []),
        ("RXR|IV\r\r\r", []),
    ],
)
def test_a_line_that_becomes_part_of_a_coded_segment_is_reported(
    text: str, warned: list[str]
) -> None:
    """Of a route, an order number or an amount nothing is left then; a note may have lines."""
    message = read_message(HEADER_ONLY + text.encode())
    assert message.warnings == tuple(
        f"continuation.coded: a line that begins with no segment's name became part of {name}"
        for name in warned
    )
