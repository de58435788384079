"""What stands at the addresses that an interface profile asks about, counted over a feed.

This module owns what is counted: the words of the tables, the share of fields that are filled, and
the observations and Z fields that nobody reads. It shows no patient. A word is named if the profile
knows it, if it is a code of at most three characters in a field that has a table, or if at least
three visits have it; a name or a note is in fewer. All other texts are only counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chargeline.engine import DrugAmount
from chargeline.hl7.delimiters import component, text_at
from chargeline.hl7.drugs import drug_at
from chargeline.hl7.interpret import first_valued
from chargeline.hl7.message import Message
from chargeline.hl7.profile import Place, Profile
from chargeline.hl7.segments import field

LEAST_VISITS = 3
_LONGEST_WORD, _LONGEST_CODE = 40, 3
_FREE_TEXT = frozenset({("RXA", 9)})  # and Z segments: no table of HL7 stands behind them
_FILLED = (("RXA", (3, 4, 5, 6, 7, 20, 21, 22)), ("RXR", (1, 4)), ("ORC", (2, 3)), ("PV1", (2, 19)))
_OTHER_TEXTS = ""


class Word(NamedTuple):
    """One word at an address. `meaning` is what the profile makes of it, "" if it knows it not.

    `word` is "" for all texts together that are not named.
    """

    address: str
    word: str
    meaning: str
    times: int


class Share(NamedTuple):
    """How many of the segments of one name have a field valued."""

    address: str
    valued: int
    segments: int


class Survey:
    """Counts message after message; `words` and `shares` are what it comes to."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.messages: Counter[str] = Counter()
        """Messages by MSH-9, such as RAS^O17."""
        self.drugs: Counter[DrugAmount] = Counter()
        """What RXA-5 and the order name, without amount and address."""
        self.observations: Counter[str] = Counter()
        """Codes of OBX-3 that the profile does not read."""
        self.z_fields: Counter[str] = Counter()
        """Valued fields of Z segments that the profile does not read, such as ZRX-1."""
        self._tables = list(_tables(profile))
        self._counts: Counter[tuple[str, str]] = Counter()
        self._visits: dict[tuple[str, str], set[str]] = {}
        self._segments: Counter[str] = Counter()
        self._valued: Counter[str] = Counter()
        self._read_z = {(place.segment, place.field) for place in profile.all_places}

    def add(self, message: Message) -> None:
        """Count one message."""
        kind = f"{message.type}^{message.trigger}"
        self.messages[kind if _is_word(kind) else "another kind"] += 1
        heads = {row[0]: row for row in reversed(message.rows)}
        visit = first_valued(heads, self.profile.visit, message.delimiters)
        for row in message.rows:
            self._segments[row[0]] += 1
            self._count_words(message, row, visit)
            self._count_unread(message, row)
            if row[0] in ("RXA", "RXE"):
                self._count_drug(message, row)

    def _count_words(self, message: Message, row: list[str], visit: str) -> None:
        for address, place, _meanings in self._tables:
            if row[0] != place.segment:
                continue
            text = text_at(field(row, place.field), place.component, message.delimiters)
            if text:
                slot = (address, text.upper())
                self._counts[slot] += 1
                self._visits.setdefault(slot, set())
                if len(self._visits[slot]) < LEAST_VISITS:
                    self._visits[slot].add(visit)
        for name, numbers in _FILLED:
            if row[0] == name:
                self._valued.update([f"{name}-{n}" for n in numbers if field(row, n).strip()])

    def _count_unread(self, message: Message, row: list[str]) -> None:
        if row[0] == "OBX":
            code = component(field(row, 3), 1, message.delimiters).strip()
            if code and code not in self.profile.observations:
                self.observations[code if _is_code(code) else "another code"] += 1
        elif row[0][0] == "Z":
            numbers = [n for n in range(1, len(row)) if field(row, n).strip()]
            unread = [n for n in numbers if (row[0], n) not in self._read_z]
            self.z_fields.update([f"{row[0]}-{n}" for n in unread])

    def _count_drug(self, message: Message, row: list[str]) -> None:
        drug = drug_at(row, row[0], message.delimiters)
        if drug is not None:
            self.drugs[drug._replace(address=row[0], amount_address="", unreadable="")] += 1

    def words(self) -> list[Word]:
        """The words at each address, the most frequent first, then the texts that are not named."""
        counted: Counter[tuple[str, str, str]] = Counter()
        order = {address: n for n, (address, _place, _meanings) in enumerate(self._tables)}
        for address, place, meanings in self._tables:
            for (of_address, text), count in self._counts.items():
                if of_address == address:
                    meaning = meanings.get(text, "")
                    word = text if meaning or self._may_show(address, text, place) else _OTHER_TEXTS
                    counted[address, word, meaning] += count
        rows = [Word(*key, count) for key, count in counted.items()]
        return sorted(
            rows, key=lambda row: (order[row.address], not row.word, -row.times, row.word)
        )

    def _may_show(self, address: str, text: str, place: Place) -> bool:
        """Whether a word that the profile does not know can be shown without showing a patient."""
        is_free = (place.segment, place.field) in _FREE_TEXT or place.segment[0] == "Z"
        if not is_free and len(text) <= _LONGEST_CODE and _is_word(text):
            return True
        return _is_word(text) and len(self._visits[address, text]) >= LEAST_VISITS

    def shares(self) -> list[Share]:
        """How often the fields are valued that charges rest on."""
        return [
            Share(f"{name}-{n}", self._valued[f"{name}-{n}"], self._segments[name])
            for name, numbers in _FILLED
            for n in numbers
            if self._segments[name]
        ]


def _tables(profile: Profile) -> Iterator[tuple[str, Place, Mapping[str, str]]]:
    """Address, place and meanings of each field that a table of the profile translates."""
    actions = {word.upper(): meaning for word, meaning in profile.actions.items()}
    used = dict.fromkeys(profile.processing_ids, "used")
    tables: list[tuple[tuple[Place, ...], Mapping[str, str]]] = [
        ((Place("MSH", 11, 1),), used),
        (profile.patient_class, profile.classes),
        (tuple([place for place in profile.action if place != _COMPLETION]), actions),
        ((_COMPLETION,), {**actions, **profile.completion}),
        ((Place("RXA", 21, 1),), profile.record),
        ((Place("RXR", 1, 1),), {**profile.methods, **profile.routes}),
        ((Place("RXR", 4, 1),), profile.methods),
        (profile.device, profile.devices),
        (profile.appointment["kind"], profile.appointments),
        (profile.appointment["status"], profile.appointment_states),
    ]
    for places, meanings in tables:
        for place in places:
            yield f"{place.segment}-{place.field}.{place.component}", place, meanings


_COMPLETION = Place("RXA", 20, 1)


def _is_word(text: str) -> bool:
    return len(text) <= _LONGEST_WORD and text.isascii() and text.isprintable()


def _is_code(text: str) -> bool:
    """Whether a text looks like a code: capitals, digits and hyphens, and no long number."""
    letters = text.replace("-", "").replace("_", "").replace(".", "")
    return _is_word(text) and letters.isalnum() and text == text.upper() and len(text) <= 24
