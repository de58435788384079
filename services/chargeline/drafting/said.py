"""What a person said of a visit, put into the ledger so that the visit is drafted again.

It owns that the answer, the nudge to the program that owns the visit and the act of the audit trail
are one transaction. It does not check the answer: `answering.py` made it of a question or a line.
"""

from chargeline.drafting.acting import act_of
from chargeline.drafting.announcing import nudge
from chargeline.engine import VisitKey
from chargeline.ledger.auditing import Act
from chargeline.ledger.batch import Batch
from chargeline.ledger.records import StoredAnswer
from chargeline.published.answers import Given, GivenAnswer, number_of


async def keep_said(batch: Batch, given: Given, inbound_topic: str) -> None:
    """Keep an answer or a word on a line, as the last step of a transaction."""
    key = VisitKey(given.facility, given.visit)
    row = StoredAnswer(*key, number_of(given), given.at, given.model_dump_json())
    await batch.add_answers([row])
    await batch.announce([nudge(inbound_topic, key, given.at)])
    await batch.audit([_act(given)])


def _act(given: Given) -> Act:
    """What was said, as an act: its value stays in the answer, because it may be a patient's."""
    told = {
        "facility": given.facility,
        "visit": given.visit,
        "choice": given.choice,
        "answer": number_of(given),
    }
    said = {"who": given.by, "why": given.reason}
    if isinstance(given, GivenAnswer):
        return act_of("answer", "question", given.question_id, details=told, **said)
    if given.line_id:
        return act_of("line", "line", given.line_id, details=told, **said)
    return act_of("line", "visit", given.visit, details=told, **said)
