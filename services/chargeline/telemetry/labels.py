"""The labels of the metrics, and the values that each label may have.

It owns the closed sets of values and the limit for labels whose values come from data. No label
names a visit, a patient or a message, so a scrape shows nobody, and the number of time series stays
small. It does not know which metric uses which label.
"""

from collections.abc import Mapping

OTHER = "other"
# A label whose values come from data has at most so many; further values are counted as `other`.
MOST_VALUES = 200

# The values of each label. A tuple is a closed set. A text says what bounds the number of values,
# such as the partitions of a topic.
LABELS: Mapping[str, tuple[str, ...] | str] = {
    "message_type": ("ADT", "RDE", "RAS", "RDS", "RGV", "ORU", "MDM", "DFT", OTHER),
    "outcome": ("used", "set_aside", "parked", "duplicate"),
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
    "table": "the published tables of the bundle",
    "version": "one value at a time",
    "program": "one value at a time",
}


def message_type(text: str) -> str:
    """The value of the label for an MSH-9: RAS^O17 becomes RAS, ORU^R01 becomes `other`.

    A sender may write anything into MSH-9, so only the words of the closed set pass.
    """
    kind = text.partition("^")[0].upper()
    return kind if kind in LABELS["message_type"] else OTHER
