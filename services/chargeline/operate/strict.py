"""What a strict reader says of a message: hl7apy's validation against the standard's own tables.

It owns asking for the report and its wording, for a person who looks at a message that was put
aside. It decides nothing: the reader that drafts are made from is ours, and more tolerant.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

from hl7apy.core import Message
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

BYTES_MOST = 200_000  # it reads some forty ordinary messages a second
FINDINGS_MOST = 50
# What hl7apy ends with on input that it does not expect, besides its own errors.
_STUMBLES = (HL7apyException, TypeError, ValueError, LookupError, AttributeError)


def strict_report(raw: bytes) -> list[str]:
    """What the standard finds wrong with a message, a sentence each; it may quote the message.

    Empty when the strict reader has no objection, which is no promise that we could use it.
    """
    if len(raw) > BYTES_MOST:
        return [f"expected at most {BYTES_MOST:,} bytes for the strict reader, found {len(raw):,}"]
    text = (
        raw.decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r").strip("\x0b\x1c\r")
    )
    try:
        message = parse_message(f"{text}\r")
        return _findings(message)
    except _STUMBLES as error:
        return [f"hl7apy cannot read it: {error or type(error).__name__}"]


def _findings(message: Message) -> list[str]:
    """Its errors and warnings; it writes them into a file only."""
    with tempfile.TemporaryDirectory(prefix="chargeline-strict-") as folder:
        report = Path(folder) / "report"
        with suppress(HL7apyException):  # it raises the first finding; the file has them all
            message.validate(report_file=str(report))
        lines = report.read_text().splitlines() if report.exists() else []
    return [line.strip() for line in lines if line.strip()][:FINDINGS_MOST]
