"""The published tables as the engine asks them: by code or NDC, and by day of service.

It owns the shapes of the rows and the look-ups. It knows neither files nor how CMS lays them out:
refdata/ reads those and hands over this value, which is frozen, so that a draft that asks it stays
a pure function. Nothing published is in this repository; without a bundle there is `NO_TABLES`.

A look-up has three answers, and they never look alike:

- a row (or several), as it was published for the quarter of the day;
- None, or an empty tuple: the table is there for that day, and has no such row;
- `NotLoaded`: nobody knows, because the table is not there for that day, or the bundle was built
  without that code. It is an answer and no error, because an edit then says that it did not run.

    limit = tables.mue("J9271", day, "hospital")
    if isinstance(limit, NotLoaded):
        ...  # say once that this edit did not run: str(limit) says why
    elif limit is not None and units > limit.units:
        ...

The type checker asks for the first branch. Who forgets it and writes `if not limit` gets an error.
Crosswalk, payment limits, Addendum B, ANWEB and MUE hold for one quarter. PTP and add-on codes are
cumulative: the latest file of a setting has its whole history with dates, so a bundle keeps the
latest, and it answers for each day up to the end of its quarter.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Literal, NamedTuple

from chargeline.engine.claim_words import ClaimSetting, CrosswalkList, PublishedTable


class Quarter(NamedTuple):
    """A quarter of a year, `number` from 1 to 4, in which one issue of a table holds."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def first(self) -> date:
        """The first day of the quarter."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        """The last day of the quarter."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> "Quarter":
        """The quarter after this one."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)


def quarter_of(day: date) -> Quarter:
    """The quarter in which a day lies."""
    return Quarter(day.year, (day.month + 2) // 3)


class NotLoaded(NamedTuple):
    """A look-up that could not be made: the table, the quarter of the day, and why, in words."""

    table: PublishedTable
    quarter: Quarter
    why: str

    def __str__(self) -> str:
        return f"{self.table} of {self.quarter}: {self.why}"

    def __bool__(self) -> bool:
        raise TypeError("a look-up that was not made is neither yes nor no: ask for NotLoaded")


class CrosswalkRow(NamedTuple):
    """One package (NDC) and the HCPCS code that it is billed under.

    `hcpcs` is "" in the list of drugs without a code of their own (NOC). `dosage` is the text of
    one billing unit, such as `10 MG`. `package_size` is mL of a liquid and 1 of a powder (but
    liquids of 1 mL exist), `pieces` the vials in the package. `billing_units` is per piece in some
    rows and per package in others: ask `units_of_piece`. `package_units` are those of the whole
    package. Amounts may have fractions: a vial of 133.33 units exists.
    """

    ndc: str
    hcpcs: str
    lists: tuple[CrosswalkList, ...]
    labeler: str
    drug_name: str
    dosage: str
    package_size: Decimal
    pieces: Decimal
    billing_units: Decimal
    package_units: Decimal

    @property
    def units_of_piece(self) -> Decimal | None:
        """Billing units of one vial or syringe; None where the row contradicts itself.

        The published units count per piece, per package, or per mL of a piece, whichever gives the
        units of the package. A package of 133.33 units that is billed as 134 has 133.33.
        """
        per_piece = self.billing_units * self.pieces
        if self.package_units in (per_piece, per_piece.to_integral_value(ROUND_CEILING)):
            return self.billing_units
        if self.package_units in (self.billing_units, per_piece * self.package_size):
            return self.package_units / self.pieces
        return None


class PaymentLimit(NamedTuple):
    """What Medicare Part B allows for one billing unit of a drug, in dollars; None: no limit.

    `coinsurance` is in percent, and below 20 for some drugs; None where the file has no column.
    """

    hcpcs: str
    dosage: str
    dollars: Decimal | None
    coinsurance: Decimal | None


class OppsStatus(NamedTuple):
    """How OPPS pays a code: status indicator, APC ("": none) and rate in dollars (None: none).

    G and K are paid apart, N is packaged.
    """

    hcpcs: str
    indicator: str
    apc: str
    dollars: Decimal | None


class HcpcsDates(NamedTuple):
    """When a HCPCS Level II code was added, and its last day (None: it goes on)."""

    hcpcs: str
    added: date
    ended: date | None


Validity = Literal[
    "valid",  # the code may be billed on that day
    "not_yet",  # it is valid from a later day
    "ended",  # its last day lies before
    "unlisted",  # the quarter's list does not have the code
]


class MueLimit(NamedTuple):
    """The most units of a code for one line (indicator 1) or one day (2 and 3).

    Above the limit all units are denied, not only those above it. 2 is absolute (policy); 3 may be
    appealed. 0 units is a legal limit: the code is never paid in that setting.
    """

    hcpcs: str
    units: int
    indicator: Literal[1, 2, 3]
    rationale: str


class PtpEdit(NamedTuple):
    """Beside the column 1 code, the column 2 code is not paid.

    `indicator` 0: never; 1: unless a modifier says that they are separate. The edit binds from
    `starts` to `ends`, both included (None: it goes on).
    """

    column1: str
    column2: str
    indicator: Literal["0", "1"]
    starts: date
    ends: date | None
    rationale: str


class AddOnCode(NamedTuple):
    """An add-on code and the primary codes of which one must stand beside it.

    Type 1: no others. Type 2: CMS names none, the contractor does. Type 3: the contractor may allow
    others.
    """

    hcpcs: str
    type: Literal[1, 2, 3]
    primaries: tuple[str, ...]


class AddOnPair(NamedTuple):
    """One add-on code with one primary code ("": the contractor's), both days included."""

    hcpcs: str
    type: Literal[1, 2, 3]
    primary: str
    starts: date
    ends: date | None


class Crosswalk(NamedTuple):
    """The rows of one quarter, by NDC and by HCPCS code."""

    by_ndc: Mapping[str, tuple[CrosswalkRow, ...]]
    by_hcpcs: Mapping[str, tuple[CrosswalkRow, ...]]


class PtpTable(NamedTuple):
    """The latest edits of one setting, by the two codes in alphabetical order."""

    quarter: Quarter
    pairs: Mapping[tuple[str, str], tuple[PtpEdit, ...]]


class AddOnTable(NamedTuple):
    """The latest add-on codes, by code."""

    quarter: Quarter
    pairs: Mapping[str, tuple[AddOnPair, ...]]


_BY_QUARTER = frozenset({"crosswalk", "payment_limits", "status_indicators", "hcpcs"})
"""The tables that are one issue a quarter for all settings, each in a field of its own name."""


class PublishedTables(NamedTuple):
    """The tables of one bundle. `version` names its text; "" where nothing is loaded.

    `codes` are those that the bundle was built for: the tables that would be too large otherwise
    (MUE, PTP, Addendum B, add-on codes) hold these only. Drug codes of the other tables are among
    them.
    """

    version: str = ""
    codes: frozenset[str] = frozenset()
    crosswalk: Mapping[Quarter, Crosswalk] = {}
    payment_limits: Mapping[Quarter, Mapping[str, PaymentLimit]] = {}
    status_indicators: Mapping[Quarter, Mapping[str, OppsStatus]] = {}
    hcpcs: Mapping[Quarter, Mapping[str, HcpcsDates]] = {}
    mues: Mapping[ClaimSetting, Mapping[Quarter, Mapping[str, MueLimit]]] = {}
    ptps: Mapping[ClaimSetting, PtpTable] = {}
    add_ons: AddOnTable | None = None

    def covers(
        self, table: PublishedTable, day: date, setting: ClaimSetting = "hospital"
    ) -> NotLoaded | None:
        """None where a table answers for a day, else why not. MUE and PTP are asked by setting."""
        if not self.version:
            return self._missing(table, day, "no published tables are loaded")
        if self._is_there(table, quarter_of(day), setting):
            return None
        place = f" for the setting {setting}" if table in ("mue", "ptp") else ""
        return self._missing(table, day, f"the bundle does not have it{place}")

    def _is_there(self, table: PublishedTable, quarter: Quarter, setting: ClaimSetting) -> bool:
        if table in _BY_QUARTER:
            return quarter in getattr(self, table)
        if table == "mue":
            return quarter in self.mues.get(setting, {})
        cumulative = self.ptps.get(setting) if table == "ptp" else self.add_ons
        return cumulative is not None and quarter <= cumulative.quarter

    def products_of_ndc(self, ndc: str, day: date) -> tuple[CrosswalkRow, ...] | NotLoaded:
        """The rows of an NDC of eleven digits. One package may be billed under several codes."""
        missing = self.covers("crosswalk", day)
        if missing is not None:
            return missing
        return self.crosswalk[quarter_of(day)].by_ndc.get(ndc, ())

    def ndcs_of(self, hcpcs: str, day: date) -> tuple[CrosswalkRow, ...] | NotLoaded:
        """The packages that are billed under a code, in the order of their NDCs."""
        missing = self.covers("crosswalk", day)
        if missing is not None:
            return missing
        return self.crosswalk[quarter_of(day)].by_hcpcs.get(hcpcs, ())

    def packages(self) -> frozenset[str]:
        """The NDCs of all crosswalks."""
        return frozenset(ndc for rows in self.crosswalk.values() for ndc in rows.by_ndc)

    def last_listed(self, ndc: str, day: date) -> Quarter | None:
        """The last quarter before that of a day that lists an NDC, where the day's own does not.

        None where the day's quarter lists it or is not loaded, and where no earlier one has it.
        """
        rows = self.products_of_ndc(ndc, day)
        if isinstance(rows, NotLoaded) or rows:
            return None
        earlier = [quarter for quarter in self.crosswalk if quarter < quarter_of(day)]
        listing = [quarter for quarter in earlier if ndc in self.crosswalk[quarter].by_ndc]
        return max(listing, default=None)

    def payment_limit(self, hcpcs: str, day: date) -> PaymentLimit | NotLoaded | None:
        """What Medicare allows for one unit of a code."""
        missing = self.covers("payment_limits", day)
        if missing is not None:
            return missing
        return self.payment_limits[quarter_of(day)].get(hcpcs)

    def status_indicator(self, hcpcs: str, day: date) -> OppsStatus | NotLoaded | None:
        """How OPPS pays a code."""
        missing = self._missing_of(hcpcs, "status_indicators", day)
        if missing is not None:
            return missing
        return self.status_indicators[quarter_of(day)].get(hcpcs)

    def valid(self, hcpcs: str, day: date) -> Validity | NotLoaded:
        """Whether a code of HCPCS Level II may be billed on a day; ANWEB has no CPT codes."""
        missing = self.covers("hcpcs", day)
        if missing is not None:
            return missing
        if hcpcs[:1].isdigit():
            return self._missing("hcpcs", day, f"{hcpcs} is no code of Level II")
        dates = self.hcpcs[quarter_of(day)].get(hcpcs)
        if dates is None:
            return "unlisted"
        if day < dates.added:
            return "not_yet"
        return "ended" if dates.ended is not None and day > dates.ended else "valid"

    def mue(self, hcpcs: str, day: date, setting: ClaimSetting) -> MueLimit | NotLoaded | None:
        """The most units of a code in a setting."""
        missing = self._missing_of(hcpcs, "mue", day, setting)
        if missing is not None:
            return missing
        return self.mues[setting][quarter_of(day)].get(hcpcs)

    def ptp(
        self, code: str, other: str, day: date, setting: ClaimSetting
    ) -> PtpEdit | NotLoaded | None:
        """The edit between two codes that binds on a day, whichever of them is in column 1.

        On a day on which one edit ends and another begins it is the later one.
        """
        first, second = sorted((code, other))
        for asked in (first, second):
            missing = self._missing_of(asked, "ptp", day, setting)
            if missing is not None:
                return missing
        edits = self.ptps[setting].pairs.get((first, second), ())
        binding = [edit for edit in edits if _holds(edit.starts, edit.ends, day)]
        return max(binding, key=lambda edit: edit.starts, default=None)

    def addon_primaries(self, code: str, day: date) -> AddOnCode | NotLoaded | None:
        """The primary codes that a code needs beside it; None where it is no add-on code."""
        missing = self._missing_of(code, "add_on", day)
        if missing is not None:
            return missing
        assert self.add_ons is not None, "a table that answers for a day is there"
        pairs = [
            pair for pair in self.add_ons.pairs.get(code, ()) if _holds(pair.starts, pair.ends, day)
        ]
        if not pairs:
            return None
        return AddOnCode(
            code, pairs[0].type, tuple([pair.primary for pair in pairs if pair.primary])
        )

    def _missing_of(
        self, code: str, table: PublishedTable, day: date, setting: ClaimSetting = "hospital"
    ) -> NotLoaded | None:
        """Why a table that holds the codes of the bundle only cannot say anything of a code."""
        missing = self.covers(table, day, setting)
        if missing is not None or code in self.codes:
            return missing
        return self._missing(table, day, f"the bundle was built without the code {code}")

    @staticmethod
    def _missing(table: PublishedTable, day: date, why: str) -> NotLoaded:
        return NotLoaded(table, quarter_of(day), why)


NO_TABLES = PublishedTables()
"""No bundle: each look-up answers NotLoaded."""


def _holds(starts: date, ends: date | None, day: date) -> bool:
    return starts <= day and (ends is None or day <= ends)
