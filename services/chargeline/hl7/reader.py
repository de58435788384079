"""One HL7 v2 message: from its bytes to rows of fields, addressed as the standard addresses them.

It owns the encoding, the delimiters, the terminators and the escapes, and splits no deeper than
fields until asked. It refuses to know what a segment means. It is our own because a feed is read at
rush hour and replayed by the year, and general parsers are slow or drop segments without a word.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from chargeline.engine import shape_of
from chargeline.hl7.errors import Hl7Error, cut_off, no_msh

NULL = '""'  # "delete the stored value", as opposed to empty, which says nothing

# Only a shortcut: any other name is checked letter by letter, so a missing one costs time, nothing
# else.
FREQUENT_SEGMENTS = frozenset(
    {
        "MSH",
        "SFT",
        "UAC",
        "MSA",
        "ERR",
        "EVN",
        "PID",
        "PD1",
        "ROL",
        "PRT",
        "ARV",
        "NK1",
        "PV1",
        "PV2",
    }
    | {
        "ORC",
        "RXO",
        "RXE",
        "RXD",
        "RXG",
        "RXA",
        "RXR",
        "RXC",
        "RXV",
        "CDO",
        "TQ1",
        "TQ2",
        "OBR",
        "OBX",
    }
    | {
        "NTE",
        "AL1",
        "IAM",
        "DB1",
        "DG1",
        "DRG",
        "PR1",
        "GT1",
        "IN1",
        "IN2",
        "IN3",
        "ACC",
        "FT1",
        "MRG",
    }
)

MLLP_START, MLLP_END = b"\x0b", b"\x1c"
UTF8_BOM = b"\xef\xbb\xbf"
# how a text in wide characters begins; the longer marks first, they contain the shorter
WIDE_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"M\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00M", "utf-32-be"),
    (b"M\x00S\x00", "utf-16-le"),
    (b"\x00M\x00S", "utf-16-be"),
)
_WIDE_BEGINNINGS = tuple(beginning for beginning, _ in WIDE_ENCODINGS)

# HL7 table 0211 and the spellings seen beside it, without blanks and punctuation: MSH-18 to
# Python's codec. UTF-16 and UTF-32 show in the first bytes, so whoever says so in ASCII bytes means
# UTF-8 or is
# wrong.
# ASCII, JIS Roman, Katakana, Kanji and supplement, switched by ISO 2022 escapes
_JAPANESE = "iso2022_jp_ext"
CODECS = {
    **dict.fromkeys(("ASCII", "ISOIR6"), "ascii"),
    **{f"{prefix}8859{n}": f"iso8859-{n}" for n in (*range(1, 10), 15) for prefix in ("", "ISO")},
    **dict.fromkeys(("CP1252", "WINDOWS1252"), "cp1252"),
    **dict.fromkeys(("UNICODE", "UNICODEUTF8", "UTF8"), "utf-8"),
    **dict.fromkeys(("UNICODEUTF16", "UTF16", "UNICODEUTF32", "UTF32"), "utf-8"),
    **dict.fromkeys(("ISOIR13", "ISOIR14", "ISOIR87", "ISOIR159", "ISO2022JP"), _JAPANESE),
    **dict.fromkeys(("SHIFTJIS", "WINDOWS31J"), "cp932"),
    **dict.fromkeys(("GB180302000", "GB18030", "GBK"), "gb18030"),
    **dict.fromkeys(("KSX1001", "EUCKR"), "euc_kr"),
    "BIG5": "cp950",
}

_ADDRESS = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:\[([0-9]{1,4})\])?"  # segment
    r"-([0-9]{1,4})(?:\[([0-9]{1,4})\])?"  # field and repetition
    r"(?:\.([0-9]{1,4}))?(?:\.([0-9]{1,4}))?"  # component and subcomponent
)


class Delimiters(NamedTuple):
    """The five delimiters of one message, each one character; `escape` is "" if it has none."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


class Message:
    """One message. Immutable by convention: nobody writes to it after `read_message`.

    rows: every segment in order, split into fields. row[0] is the segment's name and row[n] is
    field n by the standard's coordinates, in MSH too (row[1] is "|", row[2] is "^~\\&"). The text
    is raw: neither unescaped nor trimmed, but for the blanks at the end of a segment.
    encoding: the codec that decoded it, "ascii" whenever that was enough.
    raw: the bytes as given. type, trigger, control_id, version: MSH-9.1, 9.2, 10 and 12.1, trimmed,
    "" if empty. warnings: what was tolerated, as "code: words", without patient data.
    """

    __slots__ = (
        "_body",
        "_body_digest",
        "control_id",
        "delimiters",
        "encoding",
        "raw",
        "rows",
        "trigger",
        "type",
        "version",
        "warnings",
    )

    def __init__(
        self,
        rows: list[list[str]],
        delimiters: Delimiters,
        encoding: str,
        raw: bytes,
        warnings: tuple[str, ...],
        body: str,
    ) -> None:
        header = rows[0]
        kind = header[9].split(delimiters.component, 2)
        self.rows = rows
        self.delimiters = delimiters
        self.encoding = encoding
        self.raw = raw
        self.type = kind[0].strip()
        self.trigger = kind[1].strip() if len(kind) > 1 else ""
        self.control_id = header[10].strip() if len(header) > 10 else ""
        self.version = component(header[12], 1, delimiters).strip() if len(header) > 12 else ""
        self.warnings = warnings
        self._body = body
        self._body_digest: bytes | None = None

    @property
    def body_digest(self) -> bytes:
        """16 bytes that are the same for a resend under another number or at another time.

        Made of MSH-1 to 4 (the delimiters and the sender), MSH-9, and every segment after MSH. The
        terminators, the blanks at the end of a segment and the encoding make no difference.
        """
        if self._body_digest is None:
            header, field = self.rows[0], self.delimiters.field
            body = self._body or "\r".join([field.join(row) for row in self.rows[1:]])
            text = f"{field.join(header[1:5])}{field}{header[9]}\r{body}"
            self._body_digest = blake2b(text.encode(), digest_size=16).digest()
        return self._body_digest

    def first(self, name: str) -> list[str] | None:
        """The first row of that name."""
        for row in self.rows:
            if row[0] == name:
                return row
        return None

    def value(self, address: str) -> str | None:
        """The unescaped text at an address: `PV1-19.1`, `PID-3[2].4`, `RXA[2]-5.1`, `MSH-9.2.1`.

        The numbers in brackets are the segment's and the repetition's, 1 if not given. Without
        a component the whole repetition is meant, without a subcomponent the whole component, so an
        unescaped `L&D` stays in one piece. None: absent, empty or only blanks. NULL: the sender
        wrote `""` there or around it (`PID-5` being `""` nulls PID-5.2). Nothing is trimmed.
        Raises Hl7Error `address.invalid`.
        """
        name, nth, number, repetition, part, subpart = _address(address)
        row = self._row(name, nth)
        repetitions = self.repetitions(row, number) if row else []
        if repetition > len(repetitions):
            return None
        text = repetitions[repetition - 1]
        for wanted, delimiter in (
            (part, self.delimiters.component),
            (subpart, self.delimiters.subcomponent),
        ):
            if text == NULL:
                return NULL
            if wanted:
                parts = text.split(delimiter) if number > 2 or name != "MSH" else [text]
                text = parts[wanted - 1] if wanted <= len(parts) else ""
        if text == NULL:
            return NULL
        if not text or text.isspace():
            return None
        return unescape(text, self.delimiters)

    def repetitions(self, row: list[str], n: int) -> list[str]:
        """The repetitions of field n of a row, raw; none if the field is absent or empty."""
        if n >= len(row) or not row[n]:
            return []
        if n <= 2 and row[0] == "MSH":
            return [row[n]]  # the delimiters stand there for themselves
        return row[n].split(self.delimiters.repetition)

    def _row(self, name: str, nth: int) -> list[str] | None:
        for row in self.rows:
            if row[0] == name:
                if nth == 1:
                    return row
                nth -= 1
        return None


def read_message(data: bytes) -> Message:
    """Read one message, with or without its MLLP frame. Raises Hl7Error, nothing else.

    Refused, each by its code: nothing there (`message.empty`); no MSH at the start
    (`message.no_msh`); another MSH segment further on (`message.several`); an MSH with fewer than 9
    fields or without MSH-9.1 (`message.type`); a DSC segment or a valued MSH-14
    (`message.fragment`); and `message.cut_off`, when an MLLP start has no end, or when the last
    segment has no terminator and is either the first one or two letters of a segment's name or an
    RXA with fewer than 5 fields. No other cut can be recognised.

    Segments end with what ends the MSH segment. If that is CR, a line feed is dropped directly
    after CR and is content elsewhere; if it is LF, a CR ends a segment as well. A line that does
    not begin with a segment's name and the field separator (and is not just a name) continues the
    field before it, after a "\\n"; if only a name stands before it, that was content too. Segments
    glued together by a lost terminator are not taken apart.
    """
    text, encoding, warnings = _text(data)
    separator = text[3:4] or "|"
    rows = [line.rstrip(" ").split(separator) for line in text.split("\r") if line]
    names = [row[0] for row in rows]
    body = ""
    if not _is_irregular(text, names):
        if "\r\r" not in text and " \r" not in text and text[-1] == "\r":
            body = text[text.index("\r") + 1 : -1]  # what joining the rows again would give
    else:
        rows = [segment.rstrip(" ").split(separator) for segment in _segments(text, separator)]
        names = [row[0] for row in rows]
        warnings += _terminator_warnings(rows)
    header = rows[0]
    header.insert(1, text[3:4])
    delimiters, oddities = _delimiters(separator, header[2] if len(header) > 2 else "")
    _check_complete(rows, names, text)
    return Message(
        rows=rows,
        delimiters=delimiters,
        encoding=encoding,
        raw=data,
        warnings=warnings + oddities,
        body=body,
    )


def component(field: str, n: int, delimiters: Delimiters) -> str:
    """The nth component, from 1, of the field's first repetition, raw; "" if absent."""
    if delimiters.repetition in field:
        field = field[: field.index(delimiters.repetition)]
    if delimiters.component not in field:
        return field if n == 1 else ""
    parts = field.split(delimiters.component, n)
    return parts[n - 1] if n <= len(parts) else ""


def unescape(text: str, delimiters: Delimiters) -> str:
    """Decode the escapes, once and from left to right; text without any comes back as it is.

    `\\F\\ \\S\\ \\T\\ \\R\\ \\E\\` give the delimiters, `\\.br\\` a line feed, `\\X0D0A\\` its
    bytes (as UTF-8 if they are that, else Latin-1), highlighting (`\\H\\ \\N\\`) goes. All else
    stays as written: character set switches, local escapes, lone escape characters, and the
    hexadecimal of a NUL, which no data base stores as text.
    """
    escape = delimiters.escape
    if not escape or escape not in text:
        return text
    pattern, meanings = _escapes(delimiters)

    def meaning(match: re.Match[str]) -> str:
        body = match[1]
        return meanings[body] if body in meanings else _hexadecimal(body, match[0])

    return pattern.sub(meaning, text)


@lru_cache(maxsize=64)
def _escapes(delimiters: Delimiters) -> tuple[re.Pattern[str], dict[str, str]]:
    """What to look for in texts with these delimiters, and what the fixed escapes mean.

    Escapes that stay as they are must be matched too, or the end of one could be the start of
    another.
    """
    escape = re.escape(delimiters.escape)
    known = r"[FSTREHN]|\.br|X(?:[0-9A-Fa-f]{2})+|[CMZ][0-9A-Za-z]*|\.[a-z]{2}[+-]?\d*"
    meanings = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        ".br": "\n",
        "H": "",
        "N": "",
    }
    return re.compile(f"{escape}({known}){escape}"), meanings


def _hexadecimal(body: str, as_written: str) -> str:
    if not body.startswith("X"):
        return as_written
    content = bytes.fromhex(body[1:])
    if 0 in content:
        return as_written
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


@lru_cache(maxsize=1024)
def _address(address: str) -> tuple[str, int, int, int, int, int]:
    """Segment, its number, field, repetition, component, subcomponent; 0 where the whole is
    meant.
    """
    match = _ADDRESS.fullmatch(address)
    numbers = [int(group) for group in match.groups()[1:] if group is not None] if match else [0]
    if match is None or 0 in numbers:
        raise Hl7Error(
            "address.invalid",
            expected="an address such as PV1-19.1, PID-3[2].4 or RXA[2]-5.1, counted from 1",
            found=f"{address!r}",
            where="the address",
            do="correct it in the interface's table or in the code that asks",
        )
    name, nth, number, repetition, part, subpart = match.groups()
    return name, int(nth or 1), int(number), int(repetition or 1), int(part or 0), int(subpart or 0)


# --- delimiters
# -------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _delimiters(separator: str, encoding: str) -> tuple[Delimiters, tuple[str, ...]]:
    """The delimiters from MSH-1 (`|`) and MSH-2 (`^~\\&`), and warnings about oddities.

    MSH-2 has 3 to 5 characters. Three of them leave out the escape (`^~}`), or the subcomponent if
    the third is a backslash or a yen sign, which then is `&`. The fifth is the truncation character
    of v2.7. A third character written twice was doubled by a program and counts once.
    """
    as_sent = encoding
    warnings: list[str] = []
    if len(encoding) > 3 and encoding[2] == encoding[3]:
        encoding = encoding[:3] + encoding[4:]
        warnings.append("delimiters.doubled: MSH-2 gives its third character twice")
    if sorted(encoding) == sorted("^~\\&") and encoding != "^~\\&":
        warnings.append("delimiters.order: MSH-2 has the usual characters in an unusual order")
    if len(encoding) == 3:
        encoding += "&" if encoding[2] in "\\¥" else encoding[2]
        escape = encoding[2] if encoding[2] != encoding[3] else ""
    else:
        escape = encoding[2:3]
    characters = [separator, *encoding[:2], *escape, *encoding[3:]]
    usable = all(
        c.isprintable() and not c.isalnum() and not c.isspace() and c != '"' for c in characters
    )
    if len(encoding) not in (4, 5) or not usable or len(set(characters)) < len(characters):
        raise Hl7Error(
            "message.delimiters",
            expected="a field separator and 3 to 5 different punctuation marks, such as |^~\\&",
            found=f"MSH-1 of {shape_of(separator)}, MSH-2 of {shape_of(as_sent)}",
            where="MSH-1 and MSH-2",
            do="ask the sender to write MSH|^~\\&| and send the message again",
        )
    return Delimiters(
        field=separator,
        component=encoding[0],
        repetition=encoding[1],
        escape=escape,
        subcomponent=encoding[3],
    ), tuple(warnings)


# --- segments
# ---------------------------------------------------------------------------------------------


def _is_irregular(text: str, names: list[str]) -> bool:
    """True if there is more to do than to split at CR: line feeds, blank or continuation lines."""
    return "\n" in text or not (FREQUENT_SEGMENTS.issuperset(names) or all(map(_is_name, names)))


def _segments(text: str, separator: str) -> list[str]:
    """The segments as text, with continuation lines joined to what they continue and blank lines
    dropped.
    """
    segments: list[list[str]] = []
    for line in _lines(text):
        name = line.rstrip(" ").partition(separator)[0]
        if not segments or _is_name(name):
            segments.append([line])
        elif line and not line.isspace():
            while len(segments) > 1 and separator not in segments[-1][0]:
                name_alone = segments.pop()  # it has no field that the line could continue
                segments[-1] += name_alone
            segments[-1].append(line)
    return ["\n".join(lines) for lines in segments]


def _terminator_warnings(rows: list[list[str]]) -> tuple[str, ...]:
    """Warn of a segment that may have been lost: its name follows a line feed that counts as
    content.
    """
    ends = (field.rpartition("\n")[2] for row in rows for field in row[:-1] if "\n" in field)
    if any(map(_is_name, ends)):
        return ("terminators.mixed: what looks like a segment follows a line feed inside a field",)
    return ()


def _lines(text: str) -> list[str]:
    feed, carriage = text.find("\n"), text.find("\r")
    if 0 <= feed < carriage or carriage < 0:
        return text.replace("\r", "\n").split("\n")
    return [line.lstrip("\n") for line in text.split("\r")]


def _is_name(name: str) -> bool:
    """True for what a segment may be called: a capital, then two capitals or digits."""
    return name in FREQUENT_SEGMENTS or (
        len(name) == 3
        and name.isascii()
        and name.isalnum()
        and name.isupper()
        and name[0].isalpha()
    )


def _check_complete(rows: list[list[str]], names: list[str], text: str) -> None:
    """Raise Hl7Error if this is not exactly one whole message of a known type; see
    `read_message`.
    """
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
        raise Hl7Error(
            "message.fragment",
            expected="a whole message",
            found="a DSC segment" if "DSC" in names else "a continuation pointer",
            where="DSC-1" if "DSC" in names else "MSH-14",
            do="ask the sender to send long messages in one piece",
        )


def _is_cut_name(text: str) -> bool:
    """True if the text ends with a line of one or two characters that can begin a segment's
    name.
    """
    if text[-2] not in "\r\n" and text[-3] not in "\r\n":
        return False
    tail = _lines(text)[-1]
    return (
        len(tail) < 3 and tail.isascii() and tail.isalnum() and tail.isupper() and tail[0].isalpha()
    )


# --- bytes to text
# ----------------------------------------------------------------------------------------


def _text(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    """The text, which begins with MSH, the codec that read it, and warnings about the encoding."""
    if data.startswith(b"MSH") and data.isascii() and b"\x1b" not in data and MLLP_END not in data:
        return str(data, "ascii"), "ascii", ()
    text, encoding, warnings = _decoded(_unframed(data))
    if not text.startswith("MSH"):
        raise no_msh(f"{len(text)} characters that begin otherwise", "the first segment")
    return text, encoding, warnings


def _unframed(data: bytes) -> bytes:
    """The message's own bytes: without MLLP frame, byte order mark of UTF-8 and blank lines around
    it.
    """
    body = data.lstrip(b" \t\r\n")
    end = body.rstrip(b"\r\n")
    if end.endswith(MLLP_END):
        body = end.rstrip(MLLP_END)
    elif body.startswith(MLLP_START):
        raise cut_off("the end of the MLLP frame, 0x1C", f"none after {len(data)} bytes")
    body = body.lstrip(b" \t\r\n" + MLLP_START).removeprefix(UTF8_BOM).lstrip(b" \t\r\n")
    if not body.strip(b" \t\r\n\x00"):
        raise Hl7Error(
            "message.empty",
            expected="a message",
            found=f"{len(data)} bytes, none of them a character",
            where="the message",
            do="check what the sender or the file holds",
        )
    return body


def wide_encoding(data: bytes) -> str | None:
    """The UTF-16 or UTF-32 codec that the first bytes show, by their mark or by the NULs around
    `MSH`.
    """
    if not data.startswith(_WIDE_BEGINNINGS):
        return None
    return next(codec for beginning, codec in WIDE_ENCODINGS if data.startswith(beginning))


def decode_wide(data: bytes, codec: str) -> str:
    """The text of bytes in UTF-16 or UTF-32, without byte order mark. Raises Hl7Error."""
    try:
        return data.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Hl7Error(
            "message.encoding",
            expected=f"text in {codec}, as the first bytes say",
            found=f"{len(data)} bytes that break its rules ({error.reason})",
            where=f"byte {error.start}",
            do="ask the sender for UTF-8",
        ) from None


def _decoded(body: bytes) -> tuple[str, str, tuple[str, ...]]:
    """The text, the codec that read it, and a warning if MSH-18 said otherwise.

    Tried in this order, strictly: what MSH-18 declares, UTF-8, cp1252, and Latin-1, which reads
    anything. ISO 8859 counts as failed when it would give control characters that no text contains.
    """
    if codec := wide_encoding(body):
        return decode_wide(body, codec).lstrip(" \t\r\n"), codec, ()
    if body.isascii() and b"\x1b" not in body:
        return str(body, "ascii"), "ascii", ()
    label, declared = _declared_codecs(body) if len(body) > 3 else ("", [])
    for codec in (*declared, "utf-8", "cp1252"):
        text = _strictly(body, codec)
        if text is not None:
            return text, codec, _encoding_warnings(body, label, declared, codec)
    return body.decode("latin-1"), "latin-1", _encoding_warnings(body, label, declared, "latin-1")


def _declared_codecs(body: bytes) -> tuple[str, list[str]]:
    """MSH-18 in words that show no content, and its codecs in the order in which to try them.

    Codecs that switch by escape characters come first when there are any, and do not count
    otherwise.
    """
    start = re.split(rb"[\r\n]", body, maxsplit=1)[0]
    switches = b"\x1b" in body
    fields = start.decode(_JAPANESE if b"\x1b" in start else "latin-1", "replace").split(
        chr(body[3])
    )
    repetition = fields[1][1:2] if len(fields) > 1 else ""
    labels = fields[17].split(repetition or "~") if len(fields) > 17 else []
    plain = [re.sub(r"[^A-Z0-9]", "", label.upper()) for label in labels]
    said = [
        label.strip() if name in CODECS else "an unknown name"
        for label, name in zip(labels, plain, strict=True)
        if name
    ]
    known = [CODECS[name] for name in plain if name in CODECS]
    switching = [codec for codec in known if codec == _JAPANESE][:switches]
    return "~".join(said), switching + [codec for codec in known if codec != _JAPANESE]


def _strictly(body: bytes, codec: str) -> str | None:
    if codec.startswith("iso8859") and re.search(rb"[\x80-\x9f]", body):
        return None
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        return None


def _encoding_warnings(body: bytes, label: str, declared: list[str], won: str) -> tuple[str, ...]:
    if label and won not in declared:
        return (f"encoding.declared: MSH-18 says {label}, decoded as {won}",)
    if won.startswith("iso8859") and _strictly(body, "utf-8") is not None:
        return (
            f"encoding.doubtful: decoded as {won} because MSH-18 says so, but it would be valid "
            f"UTF-8",
        )
    return ()
