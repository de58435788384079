"""The report of a strict HL7 reader: hl7apy validates one message against the HL7 standard.

It owns how the report is made and worded, for a person who looks at a parked message. The report
decides nothing. Drafts are made with our own reader, which accepts more than the standard, because
real senders deviate from the standard.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

from hl7apy.core import Message
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

BYTES_MOST = 200_000  # hl7apy is slow: it reads some forty ordinary messages a second
SEPARATORS_MOST = 5_000  # and slower than their number: 60,000 repetitions take it 17 seconds
FINDINGS_MOST = 50
# What hl7apy raises on input that it does not expect, besides its own errors.
_STUMBLES = (HL7apyException, TypeError, ValueError, LookupError, AttributeError)


def strict_report(raw: bytes) -> list[str]:
    """The deviations of a message from the standard, a sentence each; they may quote the message.

    The list is empty if hl7apy finds no mistake. Our reader may still not be able to use the
    message.
    """
    if len(raw) > BYTES_MOST:
        return [f"expected at most {BYTES_MOST:,} bytes for the strict reader, found {len(raw):,}"]
    separators = sum([raw.count(sign) for sign in (b"~", b"^", b"&")])
    if separators > SEPARATORS_MOST:
        return [
            f"expected at most {SEPARATORS_MOST:,} repetitions and components for the strict "
            f"reader, found {separators:,}"
        ]
    text = (
        raw.decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r").strip("\x0b\x1c\r")
    )
    try:
        message = parse_message(f"{text}\r")
        return _findings(message)
    except _STUMBLES as error:
        return [f"hl7apy cannot read it: {error or type(error).__name__}"]


def _findings(message: Message) -> list[str]:
    """The errors and warnings of a message. hl7apy writes all of them into a file only."""
    with tempfile.TemporaryDirectory(prefix="chargeline-strict-") as folder:
        report = Path(folder) / "report"
        with suppress(HL7apyException):  # hl7apy raises the first; the file has them all
            message.validate(report_file=str(report))
        lines = report.read_text().splitlines() if report.exists() else []
    return [line.strip() for line in lines if line.strip()][:FINDINGS_MOST]
