"""What must be billed for an encounter, worked out the slow way, from the printed rules alone.

It owns a second reading of the rules: the oracle counts minutes one by one, and takes as initial
service the candidate that no other candidate beats. It shares no code and no data with the engine.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.oracle.random_visits import KINDS, Given

GUIDE, FACILITY, PHYSICIAN = "guide-2026", "cms-facility-2026", "cms-physician-2026"
POLICIES = (GUIDE, FACILITY, PHYSICIAN)

Billed = dict[tuple[str, tuple[str, ...]], int]  # (code, modifiers) -> units

_INITIAL = {1: "96413", 2: "96409", 3: "96365", 4: "96374"}  # by rank


class Numbers(NamedTuple):
    """The numbers of the rules. The tests also run oracles with a wrong number, and catch them."""

    infusion_from: int = 16  # running minutes; less is a push
    concurrent_from: int = 16  # minutes together with one timed infusion
    tail: int = 31  # minutes past the last full hour that earn another one
    guide_tail: int = 30  # the same for drugs under the billing guide
    hydration_from: int = 31
    repeat_after: int = 30  # minutes since the same drug, more than which a push counts again
    dose_within: int = 15  # minutes between syringes of one dose
    guide_most_chemo_hours: int = 8
    touching: int = 1  # minutes between two bags of one dose


RIGHT = Numbers()


class Service(NamedTuple):
    """A candidate for "initial": a push, a dose infused, or all infusions of one chemotherapy drug.

    MedLearn's question of 2025-01-13 reports each later dose of an antibiotic as further hours.
    """

    drug: str
    chemo: bool
    infusion: bool
    given: tuple[Given, ...]
    key: str

    @property
    def start(self) -> int:
        return min(each.start for each in self.given)

    @property
    def minutes(self) -> frozenset[int]:
        return frozenset().union(*(each.minutes for each in self.given))

    @property
    def rank(self) -> int:
        """Chemo infusion, chemo push, therapeutic infusion, therapeutic push."""
        return 1 + 2 * (not self.chemo) + (not self.infusion)

    def beats(self, other: "Service") -> bool:
        if self.rank != other.rank:
            return self.rank < other.rank
        if len(self.minutes) != len(other.minutes):
            return len(self.minutes) > len(other.minutes)
        return (self.start, self.key) < (other.start, other.key)


def billed(visit: Sequence[Given], policy: str, numbers: Numbers = RIGHT) -> Billed:
    """All service codes of an encounter with their units, under one policy."""
    return _Encounter(visit, policy, numbers).bill()


def drug_class(drug: str, policy: str) -> str:
    """chemo, hormonal, therapeutic or hydration; the guide takes two kinds out of chemo."""
    kind = KINDS[drug]
    if kind in ("checkpoint_inhibitor", "anti_vegf_antibody"):
        return "therapeutic" if policy == GUIDE else "chemo"
    other = {"supportive": "therapeutic", "hydration_fluid": "hydration", "hormonal": "hormonal"}
    return other.get(kind, "chemo")


def line_groups(visit: Iterable[tuple[Given, str]]) -> list[list[tuple[Given, str]]]:
    """Group the drugs given into a vein by access line; lines that share a drug are one group.

    Groups that were in use at no common minute are one as well. A drug charted without a line went
    where the same drug went, else into the line used first.
    """
    items = list(visit)
    named = [each for each in items if each[0].line]
    if not named:
        return [items] if items else []
    groups = in_use_together(joined_by_drug(named))
    for item in items:
        if not item[0].line:
            same = [group for group in groups if any(o[0].drug == item[0].drug for o in group)]
            (same or groups)[0].append(item)
    return groups


def in_use_together(groups: list[list[tuple[Given, str]]]) -> list[list[tuple[Given, str]]]:
    """The groups by first use; one that no other group ran beside is joined to the first."""

    def busy(group: list[tuple[Given, str]]) -> set[int]:
        return set().union(*((each.minutes or {each.start}) for each, _ in group))

    first, *others = sorted(
        groups, key=lambda group: min((each.start, each.line) for each, _ in group)
    )
    apart: list[list[tuple[Given, str]]] = []
    for group in others:
        if any(busy(group) & busy(other) for other in (first, *apart)):
            apart.append(group)
        else:
            first.extend(group)
    return [first, *apart]


def joined_by_drug(items: list[tuple[Given, str]]) -> list[list[tuple[Given, str]]]:
    """The drugs by line; lines that share a drug are one."""
    groups: list[tuple[set[str], set[str], list[tuple[Given, str]]]] = []
    for item in items:
        lines, drugs, members = {item[0].line}, {item[0].drug}, [item]
        for other in [each for each in groups if each[0] & lines or each[1] & drugs]:
            groups.remove(other)
            lines, drugs, members = lines | other[0], drugs | other[1], other[2] + members
        # The joined group has more lines and drugs than before, so it may now touch a third group.
        while touching := [each for each in groups if each[0] & lines or each[1] & drugs]:
            groups.remove(touching[0])
            lines, drugs, members = (
                lines | touching[0][0],
                drugs | touching[0][1],
                touching[0][2] + members,
            )
        groups.append((lines, drugs, members))
    return [members for _, _, members in groups]


def unbeaten(candidates: Sequence[Service]) -> Service:
    """The one candidate that no other candidate beats."""
    best = [one for one in candidates if not any(other.beats(one) for other in candidates)]
    assert len(best) == 1, best
    return best[0]


def minutes_between(one: Given, other: Given) -> int:
    """Minutes from the end of the earlier to the start of the later; 0 if they overlap or touch."""
    return max(0, one.start - other.stop, other.start - one.stop)


class _Encounter:
    def __init__(self, visit: Sequence[Given], policy: str, numbers: Numbers) -> None:
        self.policy = policy
        self.numbers = numbers
        self.units: Counter[tuple[str, tuple[str, ...]]] = Counter()
        keyed = [(each, f"{each.order}#{number}") for number, each in enumerate(visit, start=1)]
        vein = [each for each in keyed if each[0].route == "iv"]
        self.injections = [each for each, _ in keyed if each.route != "iv"]
        self.fluids = [each for each, _ in vein if self._class(each) == "hydration"]
        self.drugs = [each for each in vein if self._class(each[0]) != "hydration"]
        self.concurrent = 0
        self.chemo_hours = 0

    def _class(self, given: Given) -> str:
        return drug_class(given.drug, self.policy)

    def _add(self, code: str, units: int = 1, modifiers: tuple[str, ...] = ()) -> None:
        if units:
            self.units[(code, modifiers)] += units

    def bill(self) -> Billed:
        lines = [self._services(group) for group in line_groups(self.drugs)]
        initials = {unbeaten(services): services for services in lines}
        while initials:
            best = unbeaten(list(initials))
            self._bill_line(best, initials.pop(best), () if not self.units else ("59",))
        self._bill_hydration(beside=bool(lines))
        self._bill_injections()
        return dict(self.units)

    def _services(self, group: Iterable[tuple[Given, str]]) -> list[Service]:
        pushes: list[Service] = []
        infusions: dict[str, list[tuple[Given, str]]] = {}
        for given, key in group:
            if given.method != "push" and len(given.minutes) >= self.numbers.infusion_from:
                infusions.setdefault(given.drug, []).append((given, key))
            else:
                pushes.append(
                    Service(given.drug, self._class(given) == "chemo", False, (given,), key)
                )
        for drug, members in infusions.items():
            members.sort(key=lambda each: (each[0].start, each[1]))
            chemo = self._class(members[0][0]) == "chemo"
            for dose in [members] if chemo else self._doses(members):
                given = tuple(each for each, _ in dose)
                pushes.append(Service(drug, chemo, True, given, dose[0][1]))
        return pushes

    def _doses(self, members: Sequence[tuple[Given, str]]) -> list[list[tuple[Given, str]]]:
        """The infusions of one drug dose by dose; bags that touch or overlap are one dose."""
        doses: list[list[tuple[Given, str]]] = []
        for member in members:
            ends = [each.stop for each, _ in doses[-1]] if doses else []
            if ends and member[0].start - max(ends) <= self.numbers.touching:
                doses[-1].append(member)
            else:
                doses.append([member])
        return doses

    # ---- one line: the initial service, further infusions, further pushes

    def _bill_line(
        self, initial: Service, services: Sequence[Service], modifiers: tuple[str, ...]
    ) -> None:
        self._add(_INITIAL[initial.rank], 1, modifiers)
        if initial.infusion:
            self._bill_hours(initial, modifiers)
        rest = sorted(
            (each for each in services if each != initial), key=lambda each: (each.start, each.key)
        )
        self._bill_infusions(initial, [each for each in rest if each.infusion], modifiers)
        infusions = [each for each in services if each.infusion]
        self._bill_pushes(initial, infusions, [each for each in rest if not each.infusion])

    def _bill_infusions(
        self, initial: Service, others: Sequence[Service], modifiers: tuple[str, ...]
    ) -> None:
        timed = [initial] if initial.infusion else []
        for infusion in others:
            if any(other.drug == infusion.drug for other in timed):
                timed.append(infusion)
                self._add("96366", 1, modifiers)
                self._bill_hours(infusion, modifiers)
                continue
            shared = [len(infusion.minutes & other.minutes) for other in timed]
            if any(minutes >= self.numbers.concurrent_from for minutes in shared):
                if not infusion.chemo and self.concurrent == 0:
                    self.concurrent = 1
                    self._add("96368")
                continue
            timed.append(infusion)
            self._add("96417" if infusion.chemo else "96367")
            self._bill_hours(infusion, modifiers)

    def _hours(self, minutes: int, tail: int) -> int:
        """Count further hours one by one: 91 minutes earn the first of them at a tail of 31."""
        hours = 0
        while minutes >= 60 * (hours + 1) + tail:
            hours += 1
        return hours

    def _bill_hours(self, service: Service, modifiers: tuple[str, ...]) -> None:
        guide = self.policy == GUIDE
        hours = self._hours(
            len(service.minutes), self.numbers.guide_tail if guide else self.numbers.tail
        )
        if service.chemo:
            if guide:
                hours = min(hours, self.numbers.guide_most_chemo_hours - self.chemo_hours)
            self.chemo_hours += hours
        self._add("96415" if service.chemo else "96366", hours, modifiers)

    def _bill_pushes(
        self, initial: Service, infusions: Sequence[Service], pushes: Sequence[Service]
    ) -> None:
        pushed = [] if initial.infusion else [initial]
        for push in pushes:
            if push.chemo:
                if self._is_within_chemo_infusion(push, infusions):
                    continue
                if all(other.drug != push.drug for other in pushed):
                    self._add("96411")
                pushed.append(push)
            elif self._bill_therapeutic_push(push, infusions, pushed):
                pushed.append(push)

    def _is_within_chemo_infusion(self, push: Service, infusions: Sequence[Service]) -> bool:
        """Whether the guide withholds a push because it began while a chemo infusion ran."""
        running = (each.minutes for each in infusions if each.chemo)
        return self.policy == GUIDE and any(push.start in minutes for minutes in running)

    def _bill_therapeutic_push(
        self, push: Service, infusions: Sequence[Service], reported: Sequence[Service]
    ) -> bool:
        """Bill a push if it is reported; the half hour counts from reported pushes of the drug."""
        pushed = [given for each in reported if each.drug == push.drug for given in each.given]
        if not pushed and all(each.drug != push.drug for each in infusions):
            self._add("96375")
            return True
        gaps = [minutes_between(push.given[0], each) for each in pushed]
        is_reported = self.policy != PHYSICIAN and all(
            gap > self.numbers.repeat_after for gap in gaps
        )
        self._add("96376", int(is_reported))
        return is_reported

    # ---- hydration and injections

    def _bill_hydration(self, *, beside: bool) -> None:
        counted: set[int] = set()
        for fluid in self.fluids:
            counted |= fluid.minutes
        if self.policy != GUIDE:
            for drug, _ in self.drugs:
                counted -= drug.minutes
        if len(counted) < self.numbers.hydration_from:
            return
        hours = self._hours(len(counted), self.numbers.tail)
        if beside:
            self._add("96361", 1 + hours)
        else:
            self._add("96360")
            self._add("96361", hours)

    def _bill_injections(self) -> None:
        codes = {"therapeutic": "96372", "hormonal": "96402", "chemo": "96401"}
        doses: Counter[str] = Counter()
        starts: dict[tuple[str, str], list[int]] = {}
        for syringe in self.injections:
            starts.setdefault((syringe.drug, syringe.order), []).append(syringe.start)
        for (drug, _order), times in starts.items():
            last = None
            for time in sorted(times):
                doses[codes[drug_class(drug, self.policy)]] += (
                    last is None or time - last > self.numbers.dose_within
                )
                last = time
        for code, count in doses.items():
            self._add(code, 1 if code == "96401" and self.policy == GUIDE else count)
