"""The message behind a line: used fields are marked, and nobody's identity is shown unasked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chargeline.coding.run import Run
from chargeline.ledger.records import StoredMessage
from chargeline.workbench.visit.messages import HIDDEN
from chargeline.workbench.visit.model import ChosenOnPage, MessageShown
from chargeline.workbench.visit.page import LedgerRows
from tests.trials import message, run_of, rxa
from tests.workbench.visit.pages import EVENING, POLICY, page_of

SECRETS = ["OKAPI", "ELAND", "19610704", "GNU", "ZSECRET"]
NAMES = (
    "PID|1||ZZ104417^^^ZEBRA^MR||ELAND^OKAPI||19610704|F",
    "NK1|1|GNU^OKAPI|SPO",
    "NTE|1||OKAPI felt well",
    "ZPI|ZSECRET",
)


def feed() -> str:
    text = message(
        rxa("carboplatin", "0900-1000", "450 mg", note="OKAPI was cold"),
        "RXR|IV|PORT",
        "OBX|1|TX|NOTE^^L||ELAND slept||||||F",
    )
    return text.replace("PID|1||ZZ1^^^ZEBRA^MR", "\r".join(NAMES))


def shown(run: Run, text: str | bytes, *, revealed: bool = False) -> MessageShown:
    """The only message of a run, chosen on its page."""
    raw = text.encode() if isinstance(text, str) else text
    (link,) = page_of(run).messages
    row = StoredMessage(
        facility="ZEBRA",
        visit="V1",
        digest=link.digest,
        control_id=link.control_id,
        sent=datetime(2026, 3, 2, 23, tzinfo=UTC),
        type=link.type,
        topic="in",
        partition=0,
        offset=0,
        received_at=EVENING,
        raw=raw,
    )
    page = page_of(
        run,
        chosen=ChosenOnPage(message=link.digest),
        beside=LedgerRows(message=row),
        revealed=revealed,
    )
    assert page.messages == (link._replace(is_chosen=True),)
    assert page.message is not None
    return page.message


def test_the_fields_that_the_draft_used_are_marked_with_what_for(tmp_path: Path) -> None:
    message_ = shown(run_of(tmp_path, feed(), policy=POLICY), feed())
    (given,) = [segment for segment in message_.segments if segment.name == "RXA"]
    marked = {field.text: field.used for field in given.fields if field.used}
    assert list(marked) == ["|202603020900", "|202603021000", "|CARBOPLATIN^carboplatin^L", "|450"]
    assert "a start" in marked["|202603020900"] and "technique" in marked["|202603020900"]
    assert "drug class" in marked["|CARBOPLATIN^carboplatin^L"]
    assert [use.partition(":")[0] for use in given.uses] == ["RXA-3", "RXA-4", "RXA-5", "RXA-6"]


@pytest.mark.parametrize("secret", SECRETS)
def test_identity_and_free_text_are_hidden_until_revealed(tmp_path: Path, secret: str) -> None:
    run = run_of(tmp_path, feed(), policy=POLICY)
    hidden = shown(run, feed())
    assert secret not in repr(hidden) and HIDDEN in repr(hidden) and not hidden.is_revealed
    revealed = shown(run, feed(), revealed=True)
    assert secret in repr(revealed) and revealed.is_revealed


def test_a_message_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    run = run_of(tmp_path, feed(), policy=POLICY)
    message_ = shown(run, b"not a message of ELAND")
    assert message_.segments == () and "MSH" in message_.trouble
    assert "ELAND" not in message_.trouble
