"""What a record of the inbound topic carries beside the message: its key and our headers.

This module owns the key of a visit, which decides the partition, and the names of our headers. With
some the gateway tells `capture` what it knows of a message; with others chargeline speaks to
itself. The module does not know what a message says, and no header shows a patient.
"""

# The gateway writes these.
TYPE = "chargeline-type"  # MSH-9, "" if MSH-9 is not a message type
DIGEST = "chargeline-digest"  # a hash of the body, the same for a message that is sent again
INTERFACE = "chargeline-interface"  # the name of the profile
PEER = "chargeline-peer"  # the sender's host, and the name in its certificate
PROBLEM = "chargeline-problem"  # the code of a finding: the message cannot be read
NO_VISIT = "chargeline-no-visit"  # the message names no visit, so the key ends in a digest
# A merge of visits comes once under the key of each visit. The value is `prior` or `surviving`.
MERGE_COPY = "chargeline-merge"

# chargeline writes these to itself.
NUDGE = "chargeline-nudge"  # no message: look at this visit again, the ledger has news of it
# The record is sent again under the key of its visit. The value is the number of partitions by
# which it was placed, 1 where there is no choice.
REKEYED = "chargeline-rekeyed"
RETRIED = "chargeline-retried"  # a person retried the parked message with this number


def record_key(facility: str | None, visit: str | None) -> str:
    """`facility|visit`: with this key all records of a visit go to one partition.

    A part that is not known is left empty. The first bar ends the facility, so a bar in a facility
    is written %7C, and a percent sign there %25: the facility A|B with the visit C has another key
    than A with B|C. `parts_of_key` reads it back.
    """
    return f"{_written(facility or '')}|{visit or ''}"


def parts_of_key(key: str) -> tuple[str, str]:
    """Facility and visit of a key; the visit is empty if the key names none."""
    facility, _bar, visit = key.partition("|")
    if "%" in facility:
        facility = facility.replace("%7C", "|").replace("%25", "%")
    return facility, visit


def _written(facility: str) -> str:
    if "%" not in facility and "|" not in facility:
        return facility
    return facility.replace("%", "%25").replace("|", "%7C")
