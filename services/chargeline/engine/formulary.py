"""Which product the sender means, and how that product is billed.

It owns the look-up of a drug by code or name, and knows no drug: the table is data from
rules/formulary. A product is known by its exact code, or by a name of which every word is accounted
for. The beginning of a name is not a product: `bevacizumab-tnjn` begins like bevacizumab and is
billed under another code. What is not known is None, never a guess. A drug is looked up for the day
on which it was given, because billing codes change.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from chargeline.engine.claim_words import PatientsCharted
from chargeline.engine.containers import Container, Containers
from chargeline.engine.ndc import Ndc, NotAnNdc, read_ndc
from chargeline.engine.quantities import convert
from chargeline.engine.words import DrugKind, RouteCharted

_SHORTEST_NDC = 10  # digits
_WORD = re.compile(r"[0-9]+(?:\.[0-9]+)?%|[0-9]+(?:[.,][0-9]+)*|[a-z]+(?:[0-9]+[a-z0-9]*)?")
_PERCENT = re.compile(r"(?<=[0-9])\s+%")


class AmountRange(NamedTuple):
    """Amounts from `least` to `most`, both included; None: no bound."""

    least: Decimal | None
    most: Decimal | None

    def holds(self, amount: Decimal) -> bool:
        """Whether an amount lies in the range."""
        above = self.least is None or amount >= self.least
        return above and (self.most is None or amount <= self.most)


class Drug(NamedTuple):
    """One row of the formulary: `unit_amount` of `unit` is one HCPCS billing unit.

    `routes` are the routes by which the product is given, and `amounts` the doses or bag sizes in
    which it comes, in `unit`; empty where any will do. They choose among rows that share a name:
    leuprolide of 7.5 mg is one product, and leuprolide of 11.25 mg another. `most` is the largest
    dose at once that the label gives to anybody, in `unit`; None where nobody looked it up. One
    product may be billed under a second code for some `patients`: that is a further row of its id.
    """

    id: str
    names: tuple[str, ...]
    hcpcs: str
    unit_amount: Decimal
    unit: str
    kind: DrugKind
    container: str
    starts: date
    ends: date | None
    cite: str
    note: str
    routes: frozenset[RouteCharted] = frozenset()
    amounts: tuple[AmountRange, ...] = ()
    most: Decimal | None = None
    patients: PatientsCharted = ""

    @property
    def is_fluid(self) -> bool:
        """Whether it hydrates, carries other drugs or flushes a line, and treats nothing itself."""
        return self.kind in ("hydration_fluid", "flush")

    def in_force(self, day: date) -> bool:
        """Whether the row holds for a drug given on that day."""
        return self.starts <= day and (self.ends is None or day < self.ends)


class NameWords(NamedTuple):
    """What the words of a name are worth, as rules/formulary/words.toml says.

    `harmless` words may stand beside a name and change no product: dose, form, salt, way of giving.
    `alike` gives each word that is written in several ways in one way: liposome as liposomal.
    """

    harmless: frozenset[str] = frozenset()
    alike: Mapping[str, str] = {}


class Given(NamedTuple):
    """What else is known of a drug that was given: its route, and its amount with a unit.

    "" and None stand for what is not charted.
    """

    route: RouteCharted = ""
    amount: Decimal | None = None
    unit: str = ""


NOTHING_ELSE = Given()


class Match(NamedTuple):
    """The product that a sender means; None, and the ids of the nearest rows, if nobody knows.

    `misfit` says what does not fit the nearest rows, where their name does.
    """

    drug: Drug | None
    nearest: tuple[str, ...] = ()
    misfit: Literal["", "route", "amount"] = ""


def normal(text: str) -> str:
    """A name as it is compared: lower case, one blank between words, no punctuation.

    The point of a number and the sign behind a percentage stay: `Sodium chloride 0.9 %` and
    `SODIUM-CHLORIDE (0.9%)` are both `sodium chloride 0.9%`.
    """
    return " ".join(_WORD.findall(_PERCENT.sub("%", text.lower())))


class _Name(NamedTuple):
    """One name of a row as a set of words."""

    words: frozenset[str]
    drug: Drug


class Formulary:
    """Drugs by id, HCPCS, code and name, and the containers in which they are bought, by NDC.

    `packages` are further NDCs that a published table lists, of whatever drug.
    """

    def __init__(
        self,
        drugs: Iterable[Drug],
        words: NameWords | None = None,
        containers: Containers | None = None,
        packages: frozenset[str] = frozenset(),
    ) -> None:
        self.packages = packages
        self.containers = containers or Containers()
        self.drugs = tuple(sorted(drugs, key=lambda drug: (drug.id, drug.starts)))
        self._words = words or NameWords()
        self._by_name: dict[str, list[Drug]] = {}
        self._names: dict[str, list[_Name]] = {}  # by each of their words
        self._vocabulary: dict[str, set[str]] = {}  # the words of all names, by id
        self._for_patients: dict[tuple[str, PatientsCharted], list[Drug]] = {}
        for drug in self.drugs:
            if drug.patients:  # its names are those of the row for all others
                self._for_patients.setdefault((drug.id, drug.patients), []).append(drug)
                continue
            for name in dict.fromkeys(normal(each) for each in (drug.id, *drug.names)):
                self._by_name.setdefault(name, []).append(drug)
                of_name = frozenset(self._in_words(name))
                self._vocabulary.setdefault(drug.id, set()).update(of_name)
                for word in of_name:
                    self._names.setdefault(word, []).append(_Name(of_name, drug))
        self._by_hcpcs: dict[str, list[Drug]] = {}
        for drug in self.drugs:
            if drug.hcpcs:
                self._by_hcpcs.setdefault(drug.hcpcs, []).append(drug)
        self._memo: dict[tuple[tuple[str, ...], str, date, Given], Match] = {}

    def with_containers(
        self, containers: Iterable[Container], packages: Iterable[str] = ()
    ) -> "Formulary":
        """The same drugs, with more containers, and further NDCs that exist."""
        more = Containers([*self.containers.rows, *containers])
        return Formulary(self.drugs, self._words, more, self.packages | frozenset(packages))

    def ndc_of(self, text: str, day: date) -> Ndc | NotAnNdc:
        """The NDC of a text, as `read_ndc` says.

        A barcode has ten digits, and three NDCs that they may be: it is the one that a table knows,
        if that is one and no more. Ten digits that a person wrote are never read.
        """
        read = read_ndc(text, day)
        if isinstance(read, Ndc) or not read.is_barcode:
            return read
        listed = [
            reading
            for reading in dict.fromkeys(read.readings)
            if reading in self.packages or self.containers.of(reading, day) is not None
        ]
        return Ndc(listed[0], read.lot, read.serial) if len(listed) == 1 else read

    def of_code(self, hcpcs: str) -> Sequence[Drug]:
        """The rows that are billed under a HCPCS code, on whatever days."""
        return self._by_hcpcs.get(hcpcs, ())

    def for_patients(self, drug: Drug, patients: PatientsCharted, day: date) -> Drug | None:
        """How the product of a row is billed for some patients; None where it has no such code."""
        if not patients:
            return self.row(drug.id, day).drug
        rows = self._for_patients.get((drug.id, patients), ())
        return next(iter(self._in_force(rows, day)), None)

    def has(self, id_: str) -> bool:
        """Whether a row has this id, on whatever days."""
        return any(drug.id == id_ for drug in self._by_name.get(normal(id_), ()))

    def is_fluid(self, id_: str) -> bool:
        """Whether the rows of this id are fluids."""
        return any(drug.is_fluid for drug in self._by_name.get(normal(id_), ()) if drug.id == id_)

    def row(self, id_: str, day: date) -> Match:
        """The product of an id on a day."""
        rows = [drug for drug in self._by_name.get(normal(id_), ()) if drug.id == id_]
        return Match(next(iter(self._in_force(rows, day)), None))

    def find(
        self, codes: Sequence[str], text: str, day: date, given: Given = NOTHING_ELSE
    ) -> Match:
        """The product that one of the codes names, else the one whose name the text is.

        Codes of two products name none. A name counts if each word of the text belongs to it, to
        another name of the same product, or to the harmless words. Where several rows have the
        name, route and amount choose.
        """
        key = (tuple(codes), text, day, given)
        match = self._memo.get(key)
        if match is None:
            if len(self._memo) > 20_000:
                self._memo.clear()
            match = self._memo[key] = self._find(key[0], text, day, given)
        return match

    def _find(self, codes: Sequence[str], text: str, day: date, given: Given) -> Match:
        misfitting = Match(None)
        named: dict[str, Match] = {}  # by id
        for code in codes:
            rows = self._in_force(self._by_name.get(normal(code), ()), day)
            rows = rows or self._only(self.of_code(code.upper()), day)
            rows = rows or self._of_ndc(code, day)
            match = _chosen(rows, given)
            if match.drug is not None and (match.drug.patients or match.drug.id not in named):
                named[match.drug.id] = match
            misfitting = misfitting if misfitting.nearest else match
        if named:
            first, *others = named.values()
            assert first.drug is not None, "only products are kept"
            if others:
                return Match(None, tuple(named))
            return self._unless_text_differs(first.drug, text, day, given)
        match = self._by_text(text, day, given)
        return match if match.drug is not None or match.nearest else misfitting._replace(drug=None)

    def _of_ndc(self, code: str, day: date) -> list[Drug]:
        """The rows of the drugs that an NDC may be; none where the code is no known NDC."""
        ndc = read_ndc(code, day) if len(code) >= _SHORTEST_NDC else None
        container = self.containers.of(ndc.digits, day) if isinstance(ndc, Ndc) else None
        ids = container.drugs if container is not None else ()
        return [row for id_ in ids for row in self._in_force(self._by_name[normal(id_)], day)]

    def _unless_text_differs(self, drug: Drug, text: str, day: date, given: Given) -> Match:
        """The product of a code, unless the text beside it names another product.

        A text may say less than the code (`trastuzumab` beside a biosimilar's code), and may be a
        local name that nobody knows. A text that says another product makes both doubtful.
        """
        named = self._by_text(text, day, given).drug if text else None
        sent = frozenset(self._in_words(normal(text)))
        if named is None or named.id == drug.id or self._explains(drug, sent):
            return Match(drug)
        return Match(None, _ids([drug, named]))

    def _by_text(self, text: str, day: date, given: Given) -> Match:
        """The product whose name a text is: the one with the longest name that explains it."""
        sent = frozenset(self._in_words(normal(text)))
        inside: dict[_Name, None] = {}
        for word in sent:
            for name in self._names.get(word, ()):
                if name.words <= sent and name.drug.in_force(day):
                    inside[name] = None
        ordered = sorted(inside, key=lambda name: (-len(name.words), name.drug.id))
        explaining = [name for name in ordered if self._explains(name.drug, sent)]
        if not explaining:
            return Match(None, _ids([name.drug for name in ordered]))
        longest = len(explaining[0].words)
        return _chosen([name.drug for name in explaining if len(name.words) == longest], given)

    def _explains(self, drug: Drug, sent: frozenset[str]) -> bool:
        """Whether each word that was sent belongs to the row or is harmless.

        A number is a dose or a strength. A percentage tells fluids apart, and is a strength of
        anything else.
        """
        for word in sent - self._vocabulary[drug.id]:
            if word[0].isdigit():
                if word[-1] == "%" and drug.kind == "hydration_fluid":
                    return False
            elif word not in self._words.harmless:
                return False
        return True

    def _in_words(self, name: str) -> list[str]:
        return [self._words.alike.get(word, word) for word in name.split()]

    @staticmethod
    def _in_force(rows: Sequence[Drug], day: date) -> list[Drug]:
        return [row for row in rows if row.in_force(day)]

    def _only(self, rows: Sequence[Drug], day: date) -> list[Drug]:
        """The drug of a HCPCS code; none where several drugs share the code on that day."""
        in_force = self._in_force(rows, day)
        return in_force if len(in_force) == 1 else []


def _chosen(rows: Sequence[Drug], given: Given) -> Match:
    """The one row that fits the route and the amount; None, and all rows, if none or several do.

    An amount that is not charted, or is charted in another kind of unit, chooses nothing: then the
    first row stands for all, and the missing amount is asked about.
    """
    fitting = [row for row in rows if _fits_route(row, given.route)]
    sized = [row for row in fitting if _fits_amount(row, given)]
    if len({row.id for row in sized}) == 1 or (sized and _amount_in(sized[0], given) is None):
        return Match(sized[0])
    if not rows:
        return Match(None)
    return Match(None, _ids(sized or fitting or rows), _misfit(fitting, sized))


def _misfit(fitting: Sequence[Drug], sized: Sequence[Drug]) -> Literal["", "route", "amount"]:
    if not fitting:
        return "route"
    return "" if sized else "amount"


def _fits_route(row: Drug, route: RouteCharted) -> bool:
    return not row.routes or not route or route in row.routes


def _amount_in(row: Drug, given: Given) -> Decimal | None:
    """The amount in the unit of the row; None if it is not charted or cannot be converted."""
    return convert(given.amount, given.unit, row.unit) if given.amount else None


def _fits_amount(row: Drug, given: Given) -> bool:
    amount = _amount_in(row, given)
    return not row.amounts or amount is None or any(each.holds(amount) for each in row.amounts)


def _ids(rows: Iterable[Drug]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([row.id for row in rows]))[:3]
