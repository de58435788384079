"""What a record of the inbound topic carries beside the message: its key, and headers of ours.

It owns the key of a visit, which decides the partition, and the names of the headers by which the
gateway tells a consumer what it knows and chargeline speaks to itself. None of them shows a
patient.
"""

# Written by the gateway.
TYPE = "chargeline-type"  # MSH-9, "" if it is not one
DIGEST = "chargeline-digest"  # of the body, the same for a message sent again
INTERFACE = "chargeline-interface"  # the name of the profile
PEER = "chargeline-peer"  # the sender's host, and the name in its certificate
PROBLEM = "chargeline-problem"  # the code of a finding: the message cannot be read
NO_VISIT = "chargeline-no-visit"  # no visit was found, so the key ends in a digest
# A merge of visits comes once under the key of each visit; it says `prior` or `surviving`.
MERGE_COPY = "chargeline-merge"

# Written by chargeline to itself.
NUDGE = "chargeline-nudge"  # no message: look at this visit again, something of it is in the ledger
REKEYED = "chargeline-rekeyed"  # sent again under the key of its visit
RETRIED = "chargeline-retried"  # the number of the parked message that this one is again


def record_key(facility: str | None, visit: str | None) -> str:
    """`facility|visit`, which puts all of a visit into one partition; an unknown part is left
    empty.
    """
    return f"{facility or ''}|{visit or ''}"
