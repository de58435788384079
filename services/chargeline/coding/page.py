"""Drafts as a page for people: the timeline as bars, charge lines, withheld services, questions.

It owns the look of `chargeline code` in a terminal. Times are shown in the time zone of the visit.
No name, birth date or address is shown, because drafts and timelines hold none. The page decides
nothing: codes, units and reasons come from the draft.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chargeline.coding.authorization_page import print_authorizations
from chargeline.coding.course_page import print_courses
from chargeline.coding.records import set_aside_groups
from chargeline.coding.run import CodedVisit, Run
from chargeline.drafting.given_words import drug_words, route_words
from chargeline.drafting.visit_record import record_of
from chargeline.engine import (
    FAMILIES,
    MEANINGS,
    Administration,
    Asked,
    ChargeLine,
    ClaimEdit,
    EncounterDraft,
    Formulary,
    Rulebook,
    Timeline,
    Withheld,
    asked_in,
    charge_in_short,
    class_on,
    differences_in_words,
    plain,
    printable,
    with_answers,
)

# The cells of a bar by the least columns of the page: a terminal of 80 columns has 14.
BAR_WIDTHS = {110: 36, 72: 14, 0: 0}
NARROW = 72
"""Below so many columns the reason of a line stands under it and not beside it."""


def print_run(console: Console, run: Run, rulebook: Rulebook) -> None:
    """Print all visits that have administrations or questions, then the account of the feed."""
    empty = 0
    for coded in run.visits:
        if not coded.draft.encounters and not coded.draft.questions:
            empty += 1
            continue
        print_visit(console, coded, rulebook)
    _print_account(console, run, empty)


def print_visit(console: Console, coded: CodedVisit, rulebook: Rulebook) -> None:
    """Print one visit: for each encounter the timeline, lines, withheld services and questions."""
    asked, formulary = _asked_by_encounter(coded), rulebook.formulary
    timeline = with_answers(coded.timeline, formulary)
    by_key = {item.key: item for item in timeline.administrations}
    if not coded.draft.encounters:
        _print_title(console, _title(coded, "", ()))
    for encounter in coded.draft.encounters:
        held = [by_key[key] for key in encounter.administrations]
        _print_title(console, _title(coded, encounter.encounter, held))
        if held:
            console.print(_timeline(timeline, held, formulary, _bar_width(console)))
        _print_lines(console, encounter)
        _print_withheld(console, encounter.withheld)
        _print_questions(console, asked.get(encounter.encounter, ()))
        _print_edits(console, encounter.edits)
    _print_questions(console, asked.get(None, ()))
    record, narrow = record_of(coded, timeline), console.width < NARROW
    print_courses(console, coded, record, rulebook, narrow=narrow)
    print_authorizations(console, coded, record, narrow=narrow)
    console.print()


def _print_title(console: Console, title: Text) -> None:
    """The title with a rule behind it, or, where it is too long for one line, wrapped."""
    if title.cell_len + 2 <= console.width:
        console.rule(title, align="left", style="bold")
    else:
        title.stylize("bold")
        console.print(title)


def _title(coded: CodedVisit, encounter: str, items: Sequence[Administration]) -> Text:
    context = coded.timeline.context
    parts = [f"Visit {coded.timeline.key.visit}"]
    if encounter:
        parts.append(f"encounter {encounter}")
    if items:
        parts.append(class_on(context, items[0].start))
    parts.append(f"payer {context.payer or 'unknown'}")
    parts.append(f"policy {coded.draft.policy}")
    return Text(printable(" · ".join(parts)))


# ------------------------------------------------------------------ the timeline as bars


def _bar_width(console: Console) -> int:
    return next(cells for least, cells in BAR_WIDTHS.items() if console.width >= least)


def _timeline(
    timeline: Timeline, items: Sequence[Administration], formulary: Formulary, width: int
) -> Padding:
    zone = ZoneInfo(timeline.context.zone)
    intervals = [interval for item in items for interval in item.intervals]
    times = [interval.start for interval in intervals]
    times += [interval.stop for interval in intervals if interval.stop]
    first, last = min(times), max(times)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, min_width=5)
    grid.add_column(no_wrap=True, min_width=width)
    grid.add_column(no_wrap=True, min_width=5)
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    for item in items:
        grid.add_row(
            _clock(item.start, zone),
            _bar(item, first, last, width),
            Text(_stop_clock(item, zone)),
            Text(printable(drug_words(item, formulary)), style="bold"),
            Text(printable(_where_words(item))),
        )
    return Padding(grid, (0, 0, 0, 2))


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M")


def _bar(item: Administration, first: datetime, last: datetime, width: int) -> Text:
    """The administration as a bar to scale, of so many cells.

    The bar is filled while the infusion ran. An administration of one moment is a dot, and a cross
    if it was not given. An infusion without a stop time ends in an arrow.
    """
    if not width:
        return Text()
    length = max((last - first).total_seconds(), 60.0)
    cells = [" "] * width
    for interval in item.intervals:
        start = int((interval.start - first).total_seconds() / length * (width - 1))
        if interval.stop is None:
            cells[start:] = ["·"] * (width - start)
            cells[start], cells[-1] = "█", ">"
            continue
        stop = int((interval.stop - first).total_seconds() / length * (width - 1))
        for cell in range(start, stop + 1):
            cells[cell] = "█"
        if interval.stop == interval.start:
            cells[start] = "●"
    if not item.given:
        cells = ["×" if cell == "●" else cell for cell in cells]
    return Text("".join(cells), style="cyan" if item.given else "dim")


def _stop_clock(item: Administration, zone: ZoneInfo) -> str:
    stop = item.intervals[-1].stop
    if stop is None:
        return "  ?  "
    return "" if stop == item.start else _clock(stop, zone)


def given_in_words(item: Administration, formulary: Formulary, zone: ZoneInfo) -> str:
    """One administration as a line of text: when it ran, what it was, where it went.

    Example: 14:19-15:43  iron-sucrose 500 mg  IV  R ARM  pump  84 min.
    """
    times = [
        _clock(run.start, zone)
        + ("" if run.stop == run.start else f"-{_clock(run.stop, zone) if run.stop else '?'}")
        for run in item.intervals
    ]
    who = f"  charted by {item.charted_by}" if item.charted_by else ""
    return f"{', '.join(times)}  {drug_words(item, formulary)}  {_where_words(item)}{who}"


def _where_words(item: Administration) -> str:
    seconds = sum(
        ((run.stop - run.start).total_seconds() for run in item.intervals if run.stop),
        start=0.0,
    )
    words = [route_words(item)]
    if item.route == "intravenous" and item.line:
        words.append(item.line)
    if item.device:
        words.append(item.device.replace("_", " "))
    if seconds >= 60:
        words.append(f"{int(seconds // 60)} min")
    if len(item.intervals) > 1:
        words.append(f"{len(item.intervals) - 1} pause{'s' if len(item.intervals) > 2 else ''}")
    words += [f"wasted {plain(waste.amount)} {waste.unit}".rstrip() for waste in item.wasted]
    if not item.given:
        words.append("not given")
    return "  ".join(words)


# ------------------------------------------------------------------ lines, withheld, questions


def _print_lines(console: Console, encounter: EncounterDraft) -> None:
    if not encounter.lines:
        return
    if console.width < NARROW:
        console.print()
        for line in encounter.lines:
            console.print(Padding(Text(_billed(line), style="green bold"), (0, 0, 0, 2)))
            console.print(Padding(_why(line), (0, 0, 0, 4)))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1), show_header=True, header_style="dim")
    table.add_column("code", no_wrap=True)
    table.add_column("units", justify="right")
    table.add_column("for", no_wrap=True)
    table.add_column("min", justify="right")
    table.add_column("why")
    for line in encounter.lines:
        code = Text("-".join([line.code, *line.modifiers]), style="green bold")
        if line.provisional:
            code.append(" ?", style="yellow")
        minutes = str(line.minutes) if line.minutes is not None else ""
        table.add_row(code, str(line.units), printable(line.drug), minutes, _why(line))
    console.print(Padding(table, (1, 0, 0, 2)))


def _billed(line: ChargeLine) -> str:
    """A line in short: code, units, drug and minutes."""
    minutes = f"  {line.minutes} min" if line.minutes is not None else ""
    mark = " ?" if line.provisional else ""
    code = charge_in_short(line.code, line.modifiers, line.units)
    return printable(f"{code}{mark}  {line.drug}{minutes}")


def _why(line: ChargeLine) -> Text:
    """The reason of the line with its arithmetic, and what other policies would give."""
    text = Text(FAMILIES[line.family].reason_in_short(line))
    if line.provisional and line.family != "drugs":
        text.append(f" Provisional until {line.provisional} is answered.", style="yellow")
    if line.authorization:
        text.append(printable(f"; authorization {line.authorization}"))
    for said in _said(line):
        text.append(f" {said}", style="cyan")
    for position in _other_positions(line):
        text.append(f"\nanother published position: {position}", style="magenta")
    for words in differences_in_words(line):
        text.append(f"\n{words}", style="magenta")
    return text


def _said(line: ChargeLine) -> Iterator[str]:
    """What people answered about the line, and what they said of it, a sentence each."""
    for step in line.trace:
        if step.topic == "answer":
            facts = dict(step.facts)
            what = f"{facts['answered']} {facts.get('value', '')}".rstrip()
            yield printable(f"{facts['by']} answered {facts['question']}: {what}.")
    if line.instead_of:
        yield printable(f"A person bills this in place of {line.instead_of}.")
    if line.held:
        yield printable(f"Held: {line.held}.")


# The steps whose other published positions a page shows; `chargeline explain` shows those of all.
_DISPUTED = frozenset({"technique", "same drug again"})


def _other_positions(line: ChargeLine) -> list[str]:
    rules = [step.decision.rule for step in line.trace if step.decision and step.topic in _DISPUTED]
    return list(dict.fromkeys([position for rule in rules if rule for position in rule.other]))


def _print_withheld(console: Console, entries: Iterable[Withheld]) -> None:
    shown = [
        entry
        for entry in entries
        if entry.family != "drugs" or entry.trace or entry.reason.startswith("answer.")
    ]  # a fluid that carries a drug is part of it, and no rule had to say so
    for entry in shown:
        minutes = f" {entry.minutes} min" if entry.minutes else ""
        text = Text.assemble(
            ("withheld  ", "dim bold"), printable(f"{entry.drug}{minutes}: {entry.says}")
        )
        console.print(Padding(text, (0, 0, 0, 2)))
        for words in differences_in_words(entry):
            console.print(Padding(Text(words, style="magenta"), (0, 0, 0, 6)))


def _asked_by_encounter(coded: CodedVisit) -> dict[str | None, list[Asked]]:
    """The questions of a visit by encounter; None for those about the whole visit."""
    charted = {item.key: item for item in coded.timeline.administrations}
    by_encounter: dict[str | None, list[Asked]] = {}
    for asked in asked_in(coded.draft, charted):
        by_encounter.setdefault(asked.encounter, []).append(asked)
    return by_encounter


def _print_questions(console: Console, questions: Iterable[Asked]) -> None:
    for asked in questions:
        question = asked.question
        text = Text.assemble(
            ("question  ", "yellow bold"),
            printable(
                f"{question.drug + ': ' if question.drug else ''}"
                f"expected {question.finding.expected}, "
                f"found {question.finding.found}; {question.finding.do}"
            ),
        )
        if asked.offers:
            choices = ", ".join(offer.choice for offer in asked.offers)
            text.append(f" [{asked.question_id}: {choices}]", style="dim")
        console.print(Padding(text, (0, 0, 0, 2)))


def _print_edits(console: Console, edits: Iterable[ClaimEdit]) -> None:
    """Edits before the claim, those that say the same of several lines together."""
    alike: dict[tuple[str, str], list[ClaimEdit]] = {}
    for edit in edits:
        if edit.severity != "notes":
            alike.setdefault((edit.finding.code, edit.severity), []).append(edit)
    for first, *others in alike.values():
        finding = first.finding
        says = f"expected {finding.expected}, found {finding.found}; {finding.do}"
        if others:
            says = f"{MEANINGS[first.edit]} {finding.do[:1].upper()}{finding.do[1:]}."
        at_stake = {line_id for edit in (first, *others) for line_id in edit.lines}
        text = Text.assemble(
            (f"{first.severity}  ", "red bold" if first.severity == "blocks" else "magenta bold"),
            printable(f"{first.edit} on {_many(len(at_stake), 'line')} ({first.who}): {says}"),
        )
        console.print(Padding(text, (0, 0, 0, 2)))


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _print_account(console: Console, run: Run, empty: int) -> None:
    encounters = [encounter for coded in run.visits for encounter in coded.draft.encounters]
    lines = sum(len(encounter.lines) for encounter in encounters)
    asked = sum(len(coded.draft.questions) for coded in run.visits)
    asked += sum(len(encounter.questions) for encounter in encounters)
    console.print(
        f"{_many(run.read, 'message')} read, {run.used} used, {run.duplicates} of them duplicates; "
        f"{_many(len(run.visits), 'visit')} ({empty} without administrations), "
        f"{_many(lines, 'line')}, {_many(asked, 'question')}."
    )
    groups = set_aside_groups(run.set_aside)
    if groups:
        console.print(f"{len(run.set_aside)} set aside:", style="yellow bold")
    for group in groups:
        what = (
            f"  {group.count} x {group.code}: expected {group.expected}, found {group.found}, "
            f"at {group.where}; {group.do}"
        )
        others = f" and {group.count - 1} more" if group.count > 1 else ""
        places = f"      {group.places[0]}{others}"
        console.print(f"{printable(what)}\n{printable(places)}", markup=False)
    _print_oddities(console, run)


def _print_oddities(console: Console, run: Run) -> None:
    """What the reader tolerated. It changes no exit code, and may be the cause of a question."""
    if run.oddities:
        console.print("read with a warning:", style="yellow")
    for oddity in run.oddities:
        others = f" and {oddity.messages - 1} more" if oddity.messages > 1 else ""
        text = (
            f"  {oddity.messages} x {oddity.code}: {oddity.says}\n      {oddity.places[0]}{others}"
        )
        console.print("\n".join(map(printable, text.split("\n"))), markup=False)
