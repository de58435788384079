"""What is wrong with a file of published tables, said once for each mistake and all together.

It owns the collecting of mistakes. A file of half a million rows that is wrong in each of them is
told about in twenty lines and a number, so that the page stays one that a person reads.
"""

from typing import NamedTuple

from chargeline.engine import Finding, FindingCode, FindingError


class FileLine(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


MOST = 20
"""So many mistakes of a run are said in full."""


class RefdataError(FindingError):
    """Files of published tables, or a bundle, cannot be used. It has a finding for each mistake."""


class Mistakes:
    """The mistakes found so far: the first ones in words, and how many there are."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.count = 0

    def add(self, code: FindingCode, *, expected: str, found: str, where: str, do: str) -> None:
        """Take note of a mistake."""
        self.count += 1
        if len(self.findings) < MOST:
            self.findings.append(Finding(code, expected, found, where=where, do=do))

    def refuse(self) -> None:
        """Raise RefdataError if there are mistakes."""
        if not self.findings:
            return
        if self.count > len(self.findings):
            more = self.count - len(self.findings)
            self.findings.append(
                Finding(
                    "refdata.row",
                    expected="files without mistakes",
                    found=f"{more} mistakes more",
                    where="",
                    do="correct those above first, or download the files again",
                )
            )
        raise RefdataError(*self.findings)


def refused(code: FindingCode, *, expected: str, found: str, where: str, do: str) -> RefdataError:
    """The error of one mistake after which a file cannot be read on."""
    return RefdataError(Finding(code, expected, found, where=where, do=do))
