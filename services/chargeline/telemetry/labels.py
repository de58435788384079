"""The labels of the metrics, and the values that each label may have.

It owns the closed sets of values and the limit for labels whose values come from data. No label
names a visit, a patient or a message, so a scrape shows nobody, and the number of time series stays
small. It does not know which metric uses which label.
"""

import re
from collections.abc import Mapping

OTHER = "other"
# A label whose values come from data has at most so many; further values are counted as `other`.
MOST_VALUES = 200

OUTCOMES = ("used", "set_aside", "parked", "duplicate")
# The values of each label. A tuple is a closed set. A text says what bounds the number of values,
# such as the partitions of a topic.
LABELS: Mapping[str, tuple[str, ...] | str] = {
    "message_type": ("ADT", "RDE", "RAS", "RDS", "RGV", "ORU", "MDM", "DFT", "SIU", OTHER),
    "outcome": OUTCOMES,
    "phase": ("read", "fold", "draft", "ledger"),
    "since": ("sent", "queued"),
    "status": ("open", "final", "merged"),
    "state": ("opened", "closed"),
    "frame": ("complete", "too_large", "broken", "idle"),
    "acknowledgement": ("AA", "AE", "AR", "CA", "CE", "CR"),
    "warning": (
        "delimiters.doubled",
        "delimiters.order",
        "encoding.declared",
        "encoding.doubtful",
        "terminators.mixed",
        "continuation.coded",
    ),
    "edit": "the edits before the claim",
    "severity": ("blocks", "warns", "notes"),
    "partition": "the partitions of the inbound topic",
    "role": "the service roles of the rulebook",
    "policy": "the policies of the rulebook",
    "question": "the question codes of the engine and the rulebook",
    "reason": "the codes of the reader, the rules that withhold, or what the gateway counts",
    "family": "the charge families of the engine",
    "rule": "the rules of the rulebook",
    "trigger": "the trigger events of ADT, else the message type",
    "interface": "the folders of rules/interfaces",
    "sender": "the senders of the file, or the interface of the listener",
    "unit": "at most UNITS_MOST nursing units, each of some visits",
    "stop": ("in_time", "late", "charted", "said", "missing"),
    "waits_for": "discharge, parked, hold, nothing, and the codes of questions and edits",
    "result": ("committed", "fenced", "disk_full", "unreachable", "failed", "undone"),
    "standing": "well, waiting, over, and the codes of what to see to at an authorization",
    "pace": ("going_on", "silent", "ended"),
    "task": (
        "reader",
        "relay",
        "timers",
        "counts",
        "records",
        "redrafting",
        "retention",
        "kafka",
    ),
    "topic": "the topics of the settings",
    "table": "the published tables of the bundle",
    "version": "one value at a time",
    "program": "one value at a time",
}


_ADT_TRIGGERS = frozenset(f"A{number:02}" for number in range(1, 63))
UNITS_MOST = 40
UNIT_VISITS = 5
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,15}")


def trigger(text: str) -> str:
    """The value of the label for an MSH-9: A42 for ADT^A42, ORU for ORU^R01, else `other`."""
    event = text.partition("^")[2].upper()
    kind = message_type(text)
    return event if kind == "ADT" and event in _ADT_TRIGGERS else kind


class UnitWords:
    """The nursing units that may become a label: at most UNITS_MOST, each of UNIT_VISITS visits.

    A sender may write anything into PV1-3, even a name. What stands there in five visits is a
    place; what stands there in fewer is counted as `other`.
    """

    def __init__(self) -> None:
        self._visits: dict[str, set[int]] = {}
        self._shown: set[str] = set()

    def label(self, place: str, visit: str) -> str:
        """The value of the label for a visit at this place, or `other`."""
        word = place.partition("^")[0].strip()
        if word in self._shown:
            return word
        if not _UNIT.fullmatch(word) or len(self._shown) >= UNITS_MOST:
            return OTHER
        if word not in self._visits and len(self._visits) >= MOST_VALUES:
            return OTHER
        visits = self._visits.setdefault(word, set())
        visits.add(hash(visit))
        if len(visits) < UNIT_VISITS:
            return OTHER
        self._shown.add(word)
        del self._visits[word]
        return word


def message_type(text: str) -> str:
    """The value of the label for an MSH-9: RAS^O17 becomes RAS, ORU^R01 becomes `other`.

    A sender may write anything into MSH-9, so only the words of the closed set pass.
    """
    kind = text.partition("^")[0].upper()
    return kind if kind in LABELS["message_type"] else OTHER
