r"""The delimiters of one message, and what stands between them: components and escapes.

This module owns the five delimiters that MSH-1 and MSH-2 declare, the way to take one component out
of a field, and the escapes such as `\T\` for `&`, both ways. It knows no segment other than MSH and
no encoding. Every sender may choose its own delimiters, so every function here is given those of
its message.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from chargeline.engine import shape_of
from chargeline.hl7.errors import Hl7Error

NULL = '""'  # "delete the stored value"; an empty field says nothing about the stored value


class Delimiters(NamedTuple):
    """The delimiters of one message, one character each; `escape` is "" if the message has none."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


USUAL = Delimiters(field="|", component="^", repetition="~", escape="\\", subcomponent="&")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # these would break our own segments or frame


def component(field: str, n: int, delimiters: Delimiters) -> str:
    """The nth component, from 1, of the field's first repetition, raw; "" if absent."""
    if delimiters.repetition in field:
        field = field[: field.index(delimiters.repetition)]
    if delimiters.component not in field:
        return field if n == 1 else ""
    parts = field.split(delimiters.component, n)
    return parts[n - 1] if n <= len(parts) else ""


@lru_cache(maxsize=16_384)  # a feed repeats its numbers and its words
def text_at(field: str, n: int, delimiters: Delimiters) -> str:
    """The nth component, from 1, trimmed and unescaped; "" if absent, empty or deleted (`""`)."""
    text = component(field, n, delimiters).strip()
    return "" if text == NULL else unescape(text, delimiters)


def unescape(text: str, delimiters: Delimiters) -> str:
    """Decode the escapes of a text once, from left to right.

    `\\F\\ \\S\\ \\T\\ \\R\\ \\E\\` become the delimiters that they name, `\\.br\\` a line feed.
    `\\X0D0A\\` becomes its bytes, read as UTF-8 if they are valid UTF-8, else as Latin-1.
    Highlighting (`\\H\\ \\N\\`) is removed. Everything else stays as written: character set
    switches, local escapes, single escape characters, and the hexadecimal of a NUL, because
    PostgreSQL stores no NUL in a text.
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
    """The pattern of an escape with these delimiters, and the meaning of each fixed escape.

    The pattern also matches the escapes that stay as written. Otherwise the escape character that
    ends one of them could be taken for the start of another.
    """
    escape = re.escape(delimiters.escape)
    bodies = r"[FSTREHN]|\.br|X(?:[0-9A-Fa-f]{2})+|[CMZ][0-9A-Za-z]*|\.[a-z]{2}[+-]?\d*"
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
    return re.compile(f"{escape}({bodies}){escape}"), meanings


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


def escaped(text: str, delimiters: Delimiters) -> str:
    """A text of ours with the delimiters escaped, and blanks for control characters.

    If the message has no escape character, blanks stand in place of the delimiters too.
    """
    meanings = dict(zip(delimiters, "FSRET", strict=True))
    escape = delimiters.escape
    written = {
        ord(mark): f"{escape}{name}{escape}" if escape else " "
        for mark, name in meanings.items()
        if mark
    }
    return CONTROL.sub(" ", text).translate(written)


@lru_cache(maxsize=256)
def delimiters_of(separator: str, encoding: str) -> tuple[Delimiters, tuple[str, ...]]:
    """The delimiters from MSH-1 (`|`) and MSH-2 (`^~\\&`), and warnings about oddities.

    MSH-2 has 3 to 5 characters. With three, either the escape or the subcomponent is missing: in
    `^~}` the third is the subcomponent and there is no escape; in `^~\\` the third is a backslash
    (or a yen sign), which is the escape, and the subcomponent is `&`. The fifth is the truncation
    character of v2.7. A third character that stands there twice (`^~\\\\&`) was doubled by a
    program and counts once.
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
