"""From the bytes of one message to its text.

This module owns the encodings that MSH-18 can name, and takes off what stands around a message: the
MLLP frame, the byte order mark, blank lines. It knows nothing of segments except that MSH is the
first. What MSH-18 declares is often wrong, so each codec is tried strictly and a warning tells when
another one than the declared one fitted.
"""

import re

from chargeline.hl7.errors import Hl7Error, cut_off, no_msh

MLLP_START, MLLP_END = b"\x0b", b"\x1c"
UTF8_BOM = b"\xef\xbb\xbf"
# The first bytes of a text in UTF-16 or UTF-32: a byte order mark, or `M` and `MS` of `MSH`. The
# longer marks come first, because they begin with the shorter ones.
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

# ASCII, JIS Roman, Katakana, Kanji and supplement, switched by ISO 2022 escapes.
_JAPANESE = "iso2022_jp_ext"
# MSH-18 to Python's codec: HL7 table 0211 and other spellings that senders use, without blanks and
# punctuation. UTF-16 and UTF-32 are recognised by their first bytes before MSH-18 is looked at. A
# sender that names them in a message of single bytes means UTF-8 or is wrong.
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


def text_of(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    """The text, the codec that decoded it, and warnings about the encoding.

    Raises Hl7Error `message.empty`, `message.cut_off`, `message.encoding`, or `message.no_msh` if
    the text does not begin with MSH.
    """
    if data.startswith(b"MSH") and data.isascii() and b"\x1b" not in data and MLLP_END not in data:
        return str(data, "ascii"), "ascii", ()
    text, encoding, warnings = _decoded(_unframed(data))
    if not text.startswith("MSH"):
        raise no_msh(f"{len(text)} characters that begin otherwise", "the first segment")
    return text, encoding, warnings


def _unframed(data: bytes) -> bytes:
    """The bytes without the MLLP frame, the byte order mark of UTF-8 and the blank lines around."""
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
            do="check what the sender sent, or what the file holds",
        )
    return body


def wide_encoding(data: bytes) -> str | None:
    """The UTF-16 or UTF-32 codec that the first bytes show, None if they show neither.

    They show one by a byte order mark, or by the NULs beside the letters of `MSH`.
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
    """The text, the codec that decoded it, and a warning if MSH-18 declares another one.

    The codecs are tried in this order: what MSH-18 declares, UTF-8, cp1252, and Latin-1, which
    decodes any bytes. Each is tried strictly: one byte that it does not have makes it fail. ISO
    8859 also fails when it would give control characters that no text contains.
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

    A codec that switches by escape characters comes first if the bytes hold an escape character. If
    they hold none, such a codec is not tried at all.
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
    codecs = [CODECS[name] for name in plain if name in CODECS]
    switching = [codec for codec in codecs if codec == _JAPANESE][:switches]
    return "~".join(said), switching + [codec for codec in codecs if codec != _JAPANESE]


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
