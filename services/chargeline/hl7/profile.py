"""How one sender writes what happened: an interface profile, ready for use.

This module owns the keys of `rules/interfaces/<name>/profile.toml`: tables that translate a
sender's words, and addresses of the fields in which the sender writes. It does not read the file
(the rulebook does) and knows no billing codes. It reports all mistakes of a profile together, so
that a site corrects them in one go.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chargeline.engine import authorization_words, care_words, words
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.patterns import REWRITE, may_take_for_ever
from chargeline.hl7.times import Clock

# The tables of a profile. Each translates a sender's words into one closed list of ours.
WORD_TABLES = {
    "actions": words.Action,
    "completion": words.Completion,
    "record": words.RecordStatus,
    "methods": words.Method,
    "devices": words.Device,
    "classes": words.PatientClass,
    "routes": words.Route,
}
# The same for what is said beside the pharmacy. A profile may leave these tables out.
CARE_TABLES = {
    "observations": care_words.Observed,
    "values": care_words.ObservedValue,
    "notes": care_words.NoteKind,
    "note_states": care_words.NoteState,
    "credentials": care_words.AuthorKind,
    "transactions": care_words.PostedKind,
    "appointments": care_words.AppointmentKind,
    "appointment_states": care_words.AppointmentState,
    "authorization_states": authorization_words.AuthorizationStatus,
    "authorization_units": authorization_words.UnitBasis,
}
_TOP_KEYS = frozenset(
    {"name", "describes", "source", "zone", "visit", "facility", "patient_number_types"}
    | {"patient_class", "place", "insurance_order", "insurance_numbers"}
    | {
        "empty_end",
        "order",
        "administration",
        "processing_ids",
        "no_authorization",
        "may_correct",
        "lines",
    }
    | {*WORD_TABLES, *CARE_TABLES, "posted", "appointment", "authorization", "numbers"}
)
_ADMINISTRATION_KEYS = frozenset(
    {"start", "stop", "action", "local_number", "line", "device", "lumen_words"}
    | {"keep_open_words", "flush_words", "not_bought_words", "discount_words"}
    | {"contradicting_words", "primary_reason", "waste", "waste_note", "vial_ndc", "charted_by"}
    | {"waste_by", "waste_reason"}
)
_POSTED_KEYS = frozenset({"course"})
_APPOINTMENT_KEYS = frozenset({"kind", "status", "course"})
_AUTHORIZATION_KEYS = frozenset(
    {"number", "payer", "code", "from", "until", "units", "basis", "status", "provider", "site"}
)
# The segments in which a key can be read. None: in any segment; "Z": in each that follows the RXA.
_IN_ORDER = ("ORC",)
_IN_ADMINISTRATION = ("RXA", "Z")
_IN_ACTION = ("RXA", "ORC", "Z")
_IN_SITE = ("RXR", "RXA", "Z")
_IN_CHARGE = ("FT1", "ORC", "Z")
_IN_APPOINTMENT = ("SCH", "AIS", "AIG", "AIL", "AIP", "PV1", "Z")
_IN_OWN = ("Z",)
_UNIT_OR_CLINIC = ("PV1-3.1",)  # where a profile does not say where the unit or clinic stands
# No standard lists them: they are our convention, and a site writes its own in `no_authorization`.
_NO_NUMBERS = (
    *("NONE", "NO", "N", "NA", "N/A", "N.A.", "NIL", "NULL", "NOT REQUIRED", "NOT REQ", "NOTREQ"),
    *("NOT NEEDED", "NO AUTH", "NOAUTH", "NPR", "NAR", "NRQ", "PENDING", "PEND", "REQUESTED"),
    *("TBD", "TBA", "UNKNOWN", "UNK", "WAIVED", "DENIED", "SEE NOTES", "ON FILE", "YES", "Y", "X"),
    *("XXX", "XXXX", "TEST"),
)
_INSURANCE = ("IN1",)
_INSURANCE_ORDER = ("IN1-22.1", "IN1-1.1")  # the priority, else the set id
_PATIENT_CLASS = ("PV1-2.1",)  # where a profile does not say where the class stands
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-(\d{1,2})(?:\.(\d{1,2}))?")


class Place(NamedTuple):
    """One address of a profile: segment, field, and component (1 if it is left out)."""

    segment: str
    field: int
    component: int


class Profile:
    """One sender's way of writing, as tables. Build it with `make_profile`."""

    def __init__(self, table: Mapping[str, object]) -> None:
        reader = _TableReader(table)
        self.name = reader.text("name")
        self.zone = reader.text("zone")
        self.clock = Clock(reader.zone("zone"))
        self.visit = reader.places("visit")
        self.facility = reader.places("facility")
        self.patient_class = reader.places("patient_class", default=_PATIENT_CLASS)
        self.place = reader.places("place", default=_UNIT_OR_CLINIC)
        self.patient_number_types = frozenset(reader.words("patient_number_types"))
        self.processing_ids = frozenset(reader.words("processing_ids"))
        self.may_correct = frozenset(name.upper() for name in reader.words("may_correct"))
        self.open_means_running = (
            reader.one_of("empty_end", words.words_of(words.EmptyEnd)) == "running"
        )
        self.order_number = reader.inner("order", frozenset({"number"})).places("number", _IN_ORDER)
        inner = reader.inner("administration", _ADMINISTRATION_KEYS)
        read = inner.places_and_observations
        self.start, self.start_observations = read("start", _IN_ADMINISTRATION)
        self.stop, self.stop_observations = read("stop", _IN_ADMINISTRATION)
        self.action, self.action_observations = read("action", _IN_ACTION)
        self.local_number = inner.places("local_number", _IN_ADMINISTRATION)
        self.charted_by = inner.places("charted_by", _IN_ADMINISTRATION)
        self.line, self.line_observations = read("line", _IN_SITE)
        self.device, self.device_observations = read("device", _IN_SITE)
        _none, self.primary_observations = read("primary_reason", ())
        self.waste, self.waste_observations = read("waste", _IN_ADMINISTRATION)
        self.waste_by, self.waste_by_observations = read("waste_by", _IN_ADMINISTRATION)
        self.waste_reason, self.waste_reason_observations = read("waste_reason", _IN_ADMINISTRATION)
        self.vials, self.vial_observations = read("vial_ndc", _IN_ADMINISTRATION)
        self.times_elsewhere = bool(
            self.start or self.start_observations or self.stop or self.stop_observations
        )
        self.waste_note = inner.pattern("waste_note", ("amount", "unit"), ("reason",))
        self.lumens = _word_pattern(inner.words("lumen_words"))
        self.keep_open = _word_pattern(inner.words("keep_open_words"))
        self.flush = _word_pattern(inner.words("flush_words"))
        self.not_bought = _word_pattern(inner.words("not_bought_words"))
        self.discounted = _word_pattern(inner.words("discount_words"))
        self.contradicting = _word_pattern(inner.words("contradicting_words"))
        actions = reader.mapping("actions")
        self.actions = cast(
            dict[str, words.Action], {word.lower(): actions[word] for word in actions}
        )
        self.completion = cast(dict[str, words.Completion], reader.mapping("completion"))
        self.record = cast(dict[str, words.RecordStatus], reader.mapping("record"))
        self.routes = cast(dict[str, words.Route], reader.mapping("routes"))
        self.methods = cast(dict[str, words.Method], reader.mapping("methods"))
        self.devices = cast(dict[str, words.Device], reader.mapping("devices"))
        self.lines = reader.names("lines")
        self.classes = cast(dict[str, words.PatientClass], reader.mapping("classes"))
        self._read_beside_pharmacy(reader)
        self.all_places = frozenset(reader.read_places)
        """Every field that this profile reads by an address of its own."""
        self.observations = frozenset(reader.read_codes) | self.observed.keys()
        """The codes of OBX-3 that this profile reads."""
        reader.finish()

    def _read_beside_pharmacy(self, reader: "_TableReader") -> None:
        self.observed = cast(dict[str, care_words.Observed], reader.optional("observations"))
        self.values = cast(dict[str, care_words.ObservedValue], reader.optional("values"))
        self.numbers = reader.numbers("numbers")
        self.notes = cast(dict[str, care_words.NoteKind], reader.optional("notes"))
        self.note_states = cast(dict[str, care_words.NoteState], reader.optional("note_states"))
        self.credentials = cast(dict[str, care_words.AuthorKind], reader.optional("credentials"))
        self.transactions = cast(dict[str, care_words.PostedKind], reader.optional("transactions"))
        posted = reader.inner("posted", _POSTED_KEYS) if "posted" in reader.table else None
        self.course = posted.places("course", _IN_CHARGE) if posted is not None else ()
        self._read_appointments(reader)
        self._read_authorizations(reader)
        self.insurance_order = reader.places(
            "insurance_order", _INSURANCE, default=_INSURANCE_ORDER
        )
        self.insurance_numbers = reader.numbers("insurance_numbers")

    def _read_authorizations(self, reader: "_TableReader") -> None:
        """What a sender says of authorizations, and with which words."""
        self.no_authorization = frozenset(
            [word.upper() for word in reader.words("no_authorization", default=_NO_NUMBERS)]
        )
        """Words that stand where the number of an authorization belongs (IN1-14)."""
        self.authorization_states = cast(
            dict[str, authorization_words.AuthorizationStatus],
            reader.optional("authorization_states"),
        )
        self.authorization_units = cast(
            dict[str, authorization_words.UnitBasis], reader.optional("authorization_units")
        )
        self.authorization: dict[str, tuple[Place, ...]] = {}
        """The fields of a Z segment that tells of an authorization, by what they say."""
        if "authorization" in reader.table:
            told = reader.inner("authorization", _AUTHORIZATION_KEYS)
            for key in sorted(_AUTHORIZATION_KEYS):
                self.authorization[key] = told.places(key, _IN_OWN)

    def _read_appointments(self, reader: "_TableReader") -> None:
        """What is booked (SIU); without the table [appointment] no appointment is read."""
        self.appointments = cast(
            dict[str, care_words.AppointmentKind], reader.optional("appointments")
        )
        self.appointment_states = cast(
            dict[str, care_words.AppointmentState], reader.optional("appointment_states")
        )
        self.appointment: dict[str, tuple[Place, ...]] = dict.fromkeys(_APPOINTMENT_KEYS, ())
        if "appointment" in reader.table:
            told = reader.inner("appointment", _APPOINTMENT_KEYS)
            for key in sorted(_APPOINTMENT_KEYS):
                self.appointment[key] = told.places(key, _IN_APPOINTMENT)


def make_profile(table: Mapping[str, object]) -> Profile:
    """A profile from its table. Raises Hl7Error `profile.invalid` that lists every mistake."""
    return Profile(table)


def _word_pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    return re.compile(
        r"\b(?:" + "|".join(re.escape(word) for word in words) + r")\b", re.IGNORECASE
    )


def _is_read(segment: str, segments: Sequence[str] | None) -> bool:
    return segments is None or segment in segments or (segment[0] == "Z" and "Z" in segments)


def _addresses(segments: Sequence[str] | None, *, observations: bool) -> str:
    """The addresses that a key may have, in words."""
    names = {"Z": "Z of one's own"}
    fields = [f"a field of {names.get(name, name)}" for name in segments or ()]
    fields = fields if segments is not None else ["a field such as PV1-19.1"]
    return " or ".join([*fields, *(["OBX:CODE"] if observations else [])])


class _TableReader:
    """Reads a table key by key, and collects its mistakes and the addresses that it names.

    The reader of a table within another one (`outer`) adds to what that one collects.
    """

    def __init__(
        self,
        table: Mapping[str, object],
        allowed: frozenset[str] = _TOP_KEYS,
        outer: "_TableReader | None" = None,
    ) -> None:
        self.table = table
        self.mistakes: list[str] = outer.mistakes if outer is not None else []
        self.read_places: set[Place] = outer.read_places if outer is not None else set()
        self.read_codes: set[str] = outer.read_codes if outer is not None else set()
        for key in sorted(set(table) - allowed):
            self.mistakes.append(f"key {key!r} is not one of {', '.join(sorted(allowed))}")

    def inner(self, key: str, allowed: frozenset[str]) -> "_TableReader":
        value = self.table.get(key)
        if not isinstance(value, Mapping):
            self.mistakes.append(f"table [{key}] is missing")
            value = {}
        return _TableReader(value, allowed, self)

    def text(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value:
            self.mistakes.append(f"{key} must be a text")
            return ""
        return value

    def zone(self, key: str) -> ZoneInfo:
        try:
            return ZoneInfo(self.text(key) or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.mistakes.append(f"{key} must be an IANA time zone such as America/New_York")
            return ZoneInfo("UTC")

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        value = self.table.get(key)
        if value not in allowed:
            self.mistakes.append(f"{key} must be one of {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def pattern(
        self, key: str, groups: Sequence[str], or_more: Sequence[str] = ()
    ) -> re.Pattern[str] | None:
        """A regular expression with these named groups and perhaps more; None if there is none."""
        text = self.table.get(key, "")
        if text == "":
            return None
        try:
            pattern = re.compile(str(text), re.IGNORECASE)
        except re.error as error:
            self.mistakes.append(f"{key} is not a regular expression: {error}")
            return None
        if may_take_for_ever(str(text)):
            self.mistakes.append(f"{key} repeats what itself may have several lengths: {REWRITE}")
            return None
        if not set(groups) <= set(pattern.groupindex) <= {*groups, *or_more}:
            self.mistakes.append(f"{key} must have the named groups {', '.join(groups)}")
            return None
        return pattern

    def words(self, key: str, default: Sequence[str] = ()) -> list[str]:
        value = self.table.get(key, [*default])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            self.mistakes.append(f"{key} must be a list of texts")
            return []
        return value

    def names(self, key: str) -> dict[str, str]:
        """A table from each way of writing a name to the name, all in capitals; {} if absent."""
        value = self.table.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(n, str) for n in value.values()):
            self.mistakes.append(f"[{key}] must give a name for each way of writing it")
            return {}
        return {written.upper(): str(name).upper() for written, name in value.items()}

    def numbers(self, key: str) -> dict[str, int]:
        """A table from words in capitals to the whole numbers that they mean; {} if absent."""
        value = self.table.get(key, {})
        if not isinstance(value, Mapping) or not all(type(n) is int for n in value.values()):
            self.mistakes.append(f"[{key}] must give a whole number for each word")
            return {}
        return {str(word).upper(): int(number) for word, number in value.items()}

    def places(
        self, key: str, segments: Sequence[str] | None = None, *, default: Sequence[str] = ()
    ) -> tuple[Place, ...]:
        if default and key not in self.table:
            return _TableReader({key: list(default)}, frozenset({key}), self).places(key, segments)
        return self.places_and_observations(key, segments, observations=False)[0]

    def places_and_observations(
        self, key: str, segments: Sequence[str] | None = None, *, observations: bool = True
    ) -> tuple[tuple[Place, ...], frozenset[str]]:
        """The fields of a key, which stand in one of the segments, and the codes of OBX-3."""
        places, codes = [], set()
        for address in self.words(key):
            match = _PLACE.fullmatch(address)
            if observations and address.startswith("OBX:") and len(address) > 4:
                codes.add(address[4:])
            elif match is not None and _is_read(match[1], segments):
                places.append(Place(match[1], int(match[2]), int(match[3] or 1)))
            else:
                where = _addresses(segments, observations=observations)
                self.mistakes.append(f"{key}: {address!r} cannot be read, expected {where}")
        self.read_places.update(places)
        self.read_codes |= codes
        return tuple(places), frozenset(codes)

    def mapping(self, key: str) -> dict[str, Any]:
        """A sender's words in capitals, each with the word of ours that it means."""
        value = self.table.get(key)
        if not isinstance(value, Mapping):
            self.mistakes.append(f"table [{key}] is missing")
            return {}
        family = WORD_TABLES[key] if key in WORD_TABLES else CARE_TABLES[key]
        meanings = {}
        for word, meaning in value.items():
            if isinstance(meaning, str) and meaning in words.words_of(family):
                meanings[str(word).upper()] = str(meaning)
            else:
                allowed = ", ".join(sorted(words.words_of(family)))
                self.mistakes.append(f"[{key}] {word} = {meaning!r} is not one of {allowed}")
        return meanings

    def optional(self, key: str) -> dict[str, Any]:
        """Like `mapping`; {} where the profile has no such table."""
        return self.mapping(key) if key in self.table else {}

    def finish(self) -> None:
        if self.mistakes:
            raise Hl7Error(
                "profile.invalid",
                expected="an interface profile as rules/interfaces/README.md describes",
                found="; ".join(self.mistakes),
                where=f"the profile {self.table.get('name', 'without a name')!s}",
                do="correct these keys",
            )
