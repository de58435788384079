"""Our reader against python-hl7, an independent reader, value by value on generated messages.

The messages come from a seed. python-hl7 gets the text with CR. Our reader gets the same text as
bytes in several encodings and with several terminators, so those are tested as well.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random

import hl7
import pytest

from chargeline.hl7.delimiters import Delimiters
from chargeline.hl7.reader import read_message

MESSAGES_PER_STYLE = 600
STYLES = [  # version, delimiters as MSH-1 and MSH-2
    ("2.1", "|^~\\&"),
    ("2.3", "|^~\\}"),
    ("2.5.1", "$%~*@"),
    ("2.7", "|^~\\&#"),
    ("2.9", "!;:?+"),
]
ENCODINGS = [  # MSH-18, codec, letters beside ASCII
    ("", "ascii", ""),
    ("UNICODE UTF-8", "utf-8", "éÄß€斑馬"),
    ("8859/1", "iso8859-1", "éÄß"),
    ("BIG-5", "cp950", "斑馬功"),
    ("", "cp1252", "é“”"),
]
NAMES = ["PID", "PV1", "ORC", "RXA", "RXR", "OBX", "NTE", "ZWA", "TQ1", "B42"]
ASCII = "abcXYZ0189 .,-/()'\"<>=_"


class Sample:
    """One generated message: its text for python-hl7 and its bytes for our reader."""

    def __init__(self, random: Random, version: str, header: str) -> None:
        self.random = random
        self.field, self.component, self.repetition, self.escape, self.subcomponent = header[:5]
        label, codec, letters = random.choice(ENCODINGS)
        self.letters = ASCII + letters * 2
        for delimiter in header:
            self.letters = self.letters.replace(delimiter, "")
        kind = self.component.join(("RAS", "O17"))
        first = [
            "MSH",
            header[1:],
            "PHARM",
            "GENHOSP",
            "",
            "",
            "20240312",
            "",
            kind,
            "1",
            "P",
            version,
        ]
        rows = [[*first, "", "", "", "", "", label]]
        rows += [[random.choice(NAMES), *self.fields()] for _ in range(random.randint(1, 8))]
        self.text = "\r".join(self.field.join(row) for row in rows) + "\r"
        self.data = self.text.replace("\r", random.choice(["\r", "\n", "\r\n"])).encode(codec)

    def fields(self) -> list[str]:
        fields = [
            self.nested(3) if self.random.random() < 0.6 else ""
            for _ in range(self.random.randint(1, 12))
        ]
        # python-hl7 drops blanks at the end of a message, our reader at the end of each segment.
        return [*fields, "end"]

    def nested(self, depth: int) -> str:
        """A field of repetitions of components of subcomponents, most often one of each."""
        if depth == 0:
            return self.leaf()
        delimiter = (self.subcomponent, self.component, self.repetition)[depth - 1]
        count = self.random.choice([1, 1, 1, 2, 3])
        return delimiter.join(self.nested(depth - 1) for _ in range(count))

    def leaf(self) -> str:
        pieces = []
        for _ in range(self.random.choice([0, 1, 1, 1, 2])):
            pieces += self.random.choices(self.letters, k=self.random.randint(1, 6))
            if self.random.random() < 0.1:
                body = self.random.choice(["F", "S", "T", "R", "E", "X41", "X0D0A"])
                pieces.append(f"{self.escape}{body}{self.escape}")
        return "".join(pieces)


def samples(version: str, header: str) -> Iterator[Sample]:
    random = Random(f"{version} {header}")
    return (Sample(random, version, header) for _ in range(MESSAGES_PER_STYLE))


def parts(container: object) -> list[object]:
    """The parts into which python-hl7 split something; a text is its own only part."""
    return list(container) if isinstance(container, hl7.Container) else [container]


def raw_values(message: hl7.Message) -> Iterator[tuple[tuple[int, ...], str]]:
    """Each subcomponent of python-hl7, with its place as five numbers.

    They are segment, field, repetition, component and subcomponent.
    """
    for s, segment in enumerate(message):
        for f, field in enumerate(parts(segment)):
            for r, repetition in enumerate(parts(field)):
                for c, component in enumerate(parts(repetition)):
                    for n, text in enumerate(parts(component)):
                        yield (s, f, r, c, n), str(text)


def our_raw_values(rows: list[list[str]], d: Delimiters) -> Iterator[tuple[tuple[int, ...], str]]:
    """The same for our rows. MSH-1 and MSH-2 are not split."""
    for s, row in enumerate(rows):
        for f, field in enumerate(row):
            if s == 0 and f in (1, 2):
                yield (s, f, 0, 0, 0), field
                continue
            for r, repetition in enumerate(field.split(d.repetition)):
                for c, component in enumerate(repetition.split(d.component)):
                    for n, text in enumerate(component.split(d.subcomponent)):
                        yield (s, f, r, c, n), text


@pytest.mark.parametrize(("version", "header"), STYLES)
def test_every_raw_value_stands_where_python_hl7_has_it(version: str, header: str) -> None:
    """Both readers find the same subcomponents, with the same text, at the same places."""
    for sample in samples(version, header):
        message = read_message(sample.data)
        oracle = hl7.parse(sample.text)
        assert list(our_raw_values(message.rows, message.delimiters)) == list(raw_values(oracle)), (
            sample.text
        )


@pytest.mark.parametrize(("version", "header"), STYLES)
def test_every_value_by_address_is_the_one_of_python_hl7(version: str, header: str) -> None:
    """`value` gives each subcomponent unescaped as python-hl7 does, and None for a blank one."""
    for sample in samples(version, header):
        message = read_message(sample.data)
        oracle = hl7.parse(sample.text)
        seen = Counter[str]()
        for s, row in enumerate(message.rows):
            seen[row[0]] += 1
            for (at, f, r, c, n), text in raw_values([oracle[s]]):
                if f == 0 or (s == 0 and f < 3):
                    continue
                address = f"{row[0]}[{seen[row[0]]}]-{f}[{r + 1}].{c + 1}.{n + 1}"
                expected = oracle.unescape(text) if text.strip() else None
                assert message.value(address) == expected, (at, address, sample.text)


def test_the_generated_messages_have_what_is_to_be_compared() -> None:
    """More than 1000 messages have each level of nesting, escapes, or bytes that are not ASCII."""
    seen = Counter[str]()
    for sample in (sample for style in STYLES for sample in samples(*style)):
        body = sample.text.partition("\r")[2]
        seen["message"] += 1
        for name in ("component", "repetition", "escape", "subcomponent"):
            seen[name] += getattr(sample, name) in body
        seen["not ascii"] += not sample.data.isascii()
        seen["line feed"] += b"\n" in sample.data
    assert seen.pop("message") >= 2000
    assert min(seen.values()) > 1000, seen
