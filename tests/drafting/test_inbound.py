"""Claims about what a record of the inbound topic is, before anything is written."""

from datetime import UTC, datetime

import pytest

from chargeline.drafting.inbound import InboundRecord, ReadRecord, key_of_text, read_record
from chargeline.kafka.placing import KeyPlacement
from chargeline.published.inbound import MERGE_COPY, NUDGE, REKEYED, record_key
from tests.golden.messages import adt, given

from .test_processor import PROFILE

NOW = datetime(2027, 1, 1, tzinfo=UTC)
KEY = "ZEBRA|V1"
FOUR = KeyPlacement(4)
THERE = FOUR.of(KEY)
ELSEWHERE = (THERE + 1) % 4
OF_V1 = given("PACLITAXEL", "100 mg", "0900", "1000", visit="V1")
NO_HL7 = b"no HL7 at all"


def read(
    value: bytes,
    key: str = KEY,
    partition: int = THERE,
    headers: dict[str, str] | None = None,
) -> ReadRecord:
    """What a record of a topic with four partitions turns out to be."""
    record = InboundRecord(
        topic="hl7.inbound",
        partition=partition,
        offset=5,
        key=key,
        value=value,
        headers=headers or {},
        received_at=NOW,
    )
    return read_record(record, lambda _headers: PROFILE, FOUR)


# ------------------------------------------------------------------ where a record lies


@pytest.mark.parametrize(
    ("value", "headers", "kind"),
    [(OF_V1, {}, "message"), (NO_HL7, {}, "parked"), (b"", {NUDGE: "1"}, "nudge")],
)
def test_a_record_is_used_only_where_its_visit_is_drafted(
    value: bytes, headers: dict[str, str], kind: str
) -> None:
    """A message, one that cannot be read and a nudge are used in the partition of their key; from
    another partition each is sent again.
    """
    assert read(value, headers=headers).kind == kind
    elsewhere = read(value, partition=ELSEWHERE, headers=headers)
    assert (elsewhere.kind, elsewhere.misplaced) == ("rekey", "partition")


@pytest.mark.parametrize("key", ["ZEBRA|V2", "nobody", ""])
@pytest.mark.parametrize("partition", range(4))
def test_a_message_under_another_key_is_sent_again_from_wherever_it_lies(
    key: str, partition: int
) -> None:
    """The key names another visit, none, or is absent: the message itself names its visit."""
    misplaced = read(OF_V1, key, partition)
    assert (misplaced.kind, misplaced.misplaced) == ("rekey", "key")
    assert misplaced.visit == ("ZEBRA", "V1")


@pytest.mark.parametrize("partition", range(4))
def test_what_names_no_visit_is_parked_where_it_lies(partition: int) -> None:
    """Neither the message nor the key names a visit, so no partition is more right than another."""
    parked = read(NO_HL7, "nobody", partition)
    assert (parked.kind, parked.visit) == ("parked", None)


# ------------------------------------------------------------------ sent again once


def test_a_message_is_not_sent_again_a_second_time() -> None:
    """Another capture has sent it under the key of V2, and we read V1: it is parked for V2, in the
    partition of V2. So two captures with different profiles do not send it to each other for ever.
    """
    key = "ZEBRA|V2"
    parked = read(OF_V1, key, FOUR.of(key), {REKEYED: "4"})
    assert (parked.kind, parked.visit) == ("parked", ("ZEBRA", "V2"))
    assert parked.problem is not None
    assert parked.problem.finding.code == "key.disputed"


def test_a_message_follows_its_visit_when_partitions_are_added() -> None:
    """It was placed by fewer partitions, and then some were added: it is sent again once more."""
    before = next(count for count in (3, 2, 1) if KeyPlacement(count).of(KEY) != THERE)
    lies = KeyPlacement(before).of(KEY)
    again = read(OF_V1, KEY, lies, {REKEYED: str(before)})
    assert (again.kind, again.misplaced) == ("rekey", "partition")


@pytest.mark.parametrize("header", ["4", "5", "99999999999999999999", "-1", "", "²", "many"])
def test_a_forged_header_makes_no_message_go_round(header: str) -> None:
    """The header says that the message was placed by this number of partitions, or says nothing
    that makes sense, and the message lies elsewhere: it is parked, for no visit of ours.
    """
    parked = read(OF_V1, KEY, ELSEWHERE, {REKEYED: header})
    assert (parked.kind, parked.visit) == ("parked", None)


# ------------------------------------------------------------------ what a header may say

MERGE = adt("A41", visit="V1", prior_visit="V9")
OF_V9 = "ZEBRA|V9"
COPY = {MERGE_COPY: "prior"}


def test_the_copy_of_a_merge_is_for_the_visit_that_the_message_merges_away() -> None:
    """The header says that it is a copy, and MRG-5 names the visit of the key."""
    copy = read(MERGE, OF_V9, FOUR.of(OF_V9), COPY)
    assert (copy.kind, copy.visit) == ("prior", ("ZEBRA", "V9"))


@pytest.mark.parametrize("message", [OF_V1, MERGE], ids=["a dose", "another merge"])
def test_a_header_makes_no_copy_of_a_message_that_merges_nothing_away(message: bytes) -> None:
    """The header calls it the copy for V8, and the message merges no V8: it goes to its own visit,
    and counts there.
    """
    key = "ZEBRA|V8"
    forged = read(message, key, FOUR.of(key), COPY)
    assert (forged.kind, forged.visit) == ("rekey", ("ZEBRA", "V1"))
    assert read(message, headers=COPY).kind == "message"


def test_a_message_with_the_header_of_a_nudge_is_a_message() -> None:
    """A nudge has no value, so the header suppresses nothing."""
    assert read(OF_V1, headers={NUDGE: "1"}).kind == "message"


# ------------------------------------------------------------------ keys

NAMES = ["A", "A|B", "A%B", "A%7CB", "A%257CB", "%", "|", "", "Ä|é"]


@pytest.mark.parametrize("facility", NAMES)
@pytest.mark.parametrize("visit", ["C", "B|C", "%7C", "|C|"])
def test_a_key_names_one_visit_only(facility: str, visit: str) -> None:
    """Whatever stands in a facility or a visit number, the key leads back to both."""
    assert key_of_text(record_key(facility, visit)) == (facility, visit)


def test_a_bar_in_a_facility_makes_no_two_visits_share_a_key() -> None:
    """(A|B, C) and (A, B|C) are two visits; a key without a bar or a percent sign is as before."""
    assert record_key("A|B", "C") == "A%7CB|C"
    assert record_key("A", "B|C") == "A|B|C"
    assert record_key("ZEBRA", "V%1") == "ZEBRA|V%1"
