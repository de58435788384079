"""What the ledger keeps as JSON, read back: last revisions, answers, questions, headers.

This module owns the error about a row whose text is not what was written: it names the row and
quotes nothing of it. It does not know which visits are read, or what becomes of one that cannot be.
"""

import json

from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import (
    Announcement,
    StoredAnswer,
    StoredMessage,
    StoredParkedMessage,
    StoredQuestion,
    StoredRevision,
)
from chargeline.ledger.unreadable import unreadable
from chargeline.published.answer_file import given_of
from chargeline.published.answers import Given
from chargeline.published.drafts import RevisionDigest, digest_of
from chargeline.published.shapes import DocumentationQuestion


def revision_read(row: StoredRevision) -> RevisionDigest:
    """The digest of a revision. One of an older chargeline has its chain in its row only.

    Raises UnreadableRow.
    """
    try:
        return digest_of(row.body)._replace(chain=row.chain)
    except ValueError:
        raise unreadable(row, "a body that is no draft") from None


def answer_read(row: StoredAnswer) -> Given:
    """What a person answered. Raises UnreadableRow."""
    try:
        return given_of(row.body)
    except ValueError:
        raise unreadable(row, "a body that is no answer") from None


def question_read(row: StoredQuestion) -> DocumentationQuestion:
    """A question to a person. Raises UnreadableRow."""
    try:
        return DocumentationQuestion.model_validate_json(row.body)
    except ValueError:
        raise unreadable(row, "a body that is no question") from None


def headers_read(row: StoredMessage | StoredParkedMessage | Announcement) -> dict[str, str]:
    """The headers of a message, or of an event that waits. Raises UnreadableRow."""
    try:
        headers = json.loads(row.headers)
    except ValueError:
        headers = None
    if not isinstance(headers, dict) or not all(
        isinstance(value, str) for value in headers.values()
    ):
        raise unreadable(row, "headers that are no JSON object of texts")
    return headers


def has_headers(row: StoredMessage | StoredParkedMessage | Announcement) -> bool:
    """Whether the headers of a row can be read."""
    try:
        headers_read(row)
    except UnreadableRow:
        return False
    return True
