"""The ledger: what was received, what was made of it, and how far each partition has been read.

It owns one SQLite or PostgreSQL database, in which a batch is one transaction, and the wording of
what can go wrong with it. It takes bytes and JSON text in and gives rows back; it knows no HL7 and
no rules.
"""

from chargeline.ledger.batch import Batch
from chargeline.ledger.connecting import LedgerLimits
from chargeline.ledger.errors import (
    AccessRefused,
    AlreadyThere,
    BadAddress,
    BatchFailed,
    Busy,
    DiskFull,
    Fenced,
    LedgerError,
    NotALedger,
    NotFound,
    SchemaTooNew,
    SchemaTooOld,
    Unexpected,
    Unreachable,
    Unstorable,
)
from chargeline.ledger.records import (
    Announcement,
    Counts,
    Forgotten,
    MessageKey,
    Move,
    OpenQuestions,
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
    "Ledger",
    "LedgerError",
    "LedgerLimits",
    "MessageKey",
    "Move",
    "NotALedger",
    "NotFound",
    "OpenQuestions",
    "SchemaTooNew",
    "SchemaTooOld",
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
    "stored_contribution",
]
