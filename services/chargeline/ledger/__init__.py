"""The ledger: the messages received, the drafts written from them, and how far each partition of
Kafka has been read.

The ledger owns one database, SQLite or PostgreSQL, and the wording of everything that can go wrong
with it. A batch is one transaction: the messages of a poll, the drafts, the offsets and the events
to publish are stored together or not at all. The ledger takes in bytes and JSON text and gives rows
back. It knows no HL7 and no rules.
"""

from chargeline.ledger.auditing import Act
from chargeline.ledger.batch import Batch
from chargeline.ledger.connecting import LedgerLimits
from chargeline.ledger.counting import Counts, OpenQuestions, WaitingVisits
from chargeline.ledger.errors import (
    AccessRefused,
    AlreadyThere,
    BadAddress,
    BatchFailed,
    Busy,
    DiskFull,
    Fenced,
    KeyGone,
    KeyMissing,
    KeyUnusable,
    KeyWrong,
    LedgerError,
    NotALedger,
    NotAsWritten,
    NotFound,
    SchemaTooNew,
    SchemaTooOld,
    Unexpected,
    Unreachable,
    Unstorable,
)
from chargeline.ledger.records import (
    Announcement,
    Forgotten,
    MessageKey,
    Move,
    StoredAct,
    StoredContribution,
    StoredMerge,
    StoredMessage,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
    StoredVisit,
    stored_contribution,
)
from chargeline.ledger.store import Ledger
from chargeline.ledger.view import View

__all__ = [
    "AccessRefused",
    "Act",
    "AlreadyThere",
    "Announcement",
    "BadAddress",
    "Batch",
    "BatchFailed",
    "Busy",
    "Counts",
    "DiskFull",
    "Fenced",
    "Forgotten",
    "KeyGone",
    "KeyMissing",
    "KeyUnusable",
    "KeyWrong",
    "Ledger",
    "LedgerError",
    "LedgerLimits",
    "MessageKey",
    "Move",
    "NotALedger",
    "NotAsWritten",
    "NotFound",
    "OpenQuestions",
    "SchemaTooNew",
    "SchemaTooOld",
    "StoredAct",
    "StoredContribution",
    "StoredMerge",
    "StoredMessage",
    "StoredParkedMessage",
    "StoredQuestion",
    "StoredRevision",
    "StoredVisit",
    "Unexpected",
    "Unreachable",
    "Unstorable",
    "View",
    "WaitingVisits",
    "stored_contribution",
]
