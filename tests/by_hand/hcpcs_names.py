"""Reads CMS's file of HCPCS codes, and lists the names that find another product's code.

It is run by hand on the file of a quarter (`HCPC20yy_..._CONTR_ANWEB`, fixed width), because the
project ships no published table:

    python -m tests.by_hand.hcpcs_names FILE YYYY-MM-DD

Whoever runs it mends the formulary for each line: add the product, or make its name one that is
asked about. A name that finds nothing, or a product without a code, is asked about and is not
listed.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from chargeline.engine import Formulary, Given
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory

FIRST, FURTHER = "3", "4"  # lines of one code, in the order of their sequence
DENTAL = "D"  # these codes are not CMS's to publish
_OPENING = re.compile(r"\A(?:injection|infusion),? ", re.IGNORECASE)
_DOSE = re.compile(r",? (?:per |up to )?(?P<amount>\d[\d,.]*) ?(?P<unit>[a-z]+)\Z", re.IGNORECASE)


class HcpcsCode(NamedTuple):
    """A code of the file; `ends` is its last day, None if it has none."""

    code: str
    description: str
    starts: date | None
    ends: date | None

    def in_force(self, day: date) -> bool:
        """Whether the code holds on a day."""
        begun = self.starts is None or self.starts <= day
        return begun and (self.ends is None or day <= self.ends)


class WrongCode(NamedTuple):
    """A name of the file that the formulary takes for another product."""

    code: str
    name: str
    drafted: str


def read_codes(data: bytes) -> list[HcpcsCode]:
    """The codes of the file, without modifiers; a description may go on over several lines."""
    codes: list[HcpcsCode] = []
    for line in data.decode("latin-1").splitlines():
        code, kind, text = line[0:5].strip(), line[10:11], line[11:91].strip()
        if code.startswith(DENTAL):
            continue
        if kind == FIRST:
            codes.append(HcpcsCode(code, text, _day(line[268:276]), _day(line[284:292])))
        elif kind == FURTHER:
            whole = f"{codes[-1].description} {text}"
            codes[-1] = codes[-1]._replace(description=whole)
    return codes


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text.strip() else None


def wrong_codes(codes: Iterable[HcpcsCode], formulary: Formulary, day: date) -> Iterator[WrongCode]:
    """Each name in force that neither finds its own code nor is asked about."""
    for each in codes:
        if each.in_force(day):
            name, given = _as_sent(each.description)
            drug = formulary.find((), name, day, given).drug
            if drug is not None and drug.hcpcs not in ("", each.code):
                yield WrongCode(each.code, name, drug.hcpcs)


def _as_sent(description: str) -> tuple[str, Given]:
    """A description as a pharmacy would write it: the name, and the amount of a unit beside it."""
    name = _OPENING.sub("", description)
    dose = _DOSE.search(name)
    if dose is None:
        return name, Given("")
    amount = Decimal(dose["amount"].replace(",", "").rstrip("."))
    return name[: dose.start()], Given("", amount, dose["unit"].lower())


if __name__ == "__main__":
    shipped = load_rulebook(rules_directory()).formulary
    for wrong in wrong_codes(
        read_codes(Path(sys.argv[1]).read_bytes()), shipped, date.fromisoformat(sys.argv[2])
    ):
        print(f"{wrong.code}  drafted as {wrong.drafted}  {wrong.name}")
