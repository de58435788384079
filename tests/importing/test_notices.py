"""Claims about the messages of a list: they are HL7, say what the row says, and repeat exactly."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargeline.engine import authorization_words
from chargeline.hl7.authorization_messages import AuthorizationNotice, notice_message
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.importing.notices import messages_of, misread
from chargeline.importing.rows import RowNotice
from chargeline.operate.strict import strict_report
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.importing import GOOD, NOW, listed, read

STANDARD = make_profile(read_interface(rules_directory(), "standard"))
FULL = {
    "codes": "J9271 J9299",
    "diagnosis": "C34.90 C50.911",
    "provider": "1234567893",
    "site": "ZEBRA | TOWER & SONS",
    "member": "W1",
    "decided": "2026-09-24",
}
STATUSES = get_args(authorization_words.AuthorizationStatus)


def of_status(status: str) -> RowNotice:
    row = {**FULL, "status": status, "decided": "" if status == "requested" else "2026-09-24"}
    (entry,) = read(listed(row)).notices
    return entry


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_is_a_message_of_the_standard(status: str) -> None:
    """hl7apy finds no mistake: REF^I12 of a request, RPA^I08 to I10 of an answer."""
    ((_row, data),) = messages_of([of_status(status)])
    assert strict_report(data) == []
    kinds = {"requested": "REF^I12", "modified": "RPA^I09", "appealed": "RPA^I10"}
    kinds |= {"cancelled": "RPA^I11"}
    message = read_message(data)
    assert f"{message.type}^{message.trigger}" == kinds.get(status, "RPA^I08")


@pytest.mark.parametrize("status", STATUSES)
def test_a_message_says_what_its_row_says(status: str) -> None:
    """Read by the standard interface, nothing is lost and nothing is added."""
    assert misread([of_status(status)], STANDARD) == []


def test_the_same_row_is_the_same_message_byte_for_byte() -> None:
    """Imported a second time it is a repeat: its number comes of its content and nothing else."""
    data = listed(FULL)
    first, again = (messages_of(read(data).notices) for _time in range(2))
    later = messages_of(read(data, now=NOW.replace(hour=13)).notices)
    assert first == again == later
    other = messages_of(read(listed({**FULL, "units": "900"})).notices)
    control_ids = [read_message(message.data).control_id for message in (*first, *other)]
    assert control_ids[0] != control_ids[1] and all(len(number) <= 20 for number in control_ids)


def test_an_interface_that_reads_something_else_is_told_before_anything_is_sent() -> None:
    """A sender's profile that knows no status, or no number of the type MR."""
    entry = of_status("approved")
    table = read_interface(rules_directory(), "standard")
    (finding,) = misread([entry, entry], make_profile({**table, "authorization_states": {}}))
    assert finding.found == "it reads otherwise: status"
    elsewhere = make_profile({**table, "facility": ["MSH-6.1"]})
    (finding,) = misread([entry], elsewhere)
    assert finding.found == "it reads otherwise: facility"


WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)


@given(WORDS, WORDS, WORDS, st.integers(1, 10**6))
@settings(max_examples=100)
def test_whatever_characters_it_holds_a_row_survives(
    number: str, payer: str, patient: str, units: int
) -> None:
    """Delimiters, letters of any alphabet, quotation marks: read back as they were."""
    if '""' in (number, payer, patient):
        return  # what HL7 writes for "delete this"
    notice = AuthorizationNotice(
        facility=str(GOOD["facility"]),
        payer=payer,
        patient=patient,
        number=number,
        status="approved",
        received=NOW,
        codes=("J9271",),
        units=units,
        basis="units",
    )
    assert misread([RowNotice(2, notice, None)], STANDARD) == [], notice_message(notice)
