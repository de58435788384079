"""A wrong number, a wrong name or a repeated record never changes a bill without a question.

Each test spoils one record of a simulated visit and drafts the visit again. The bill may stay as it
was, or a person is asked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from chargeline import code
from chargeline.coding.run import Run
from chargeline.hl7.reader import read_message
from chargeline.simulator.feed import simulate

VISITS, SEED = 120, 91


def visits_of() -> list[list[str]]:
    """The messages of each visit of a feed without mess, as text."""
    by_visit: dict[str, list[str]] = defaultdict(list)
    for _style, data in simulate(visits=VISITS, seed=SEED, style="standard", mess=0.0).messages:
        by_visit[read_message(data).value("PV1-19.1") or "none"].append(data.decode())
    return list(by_visit.values())


MESSAGES = visits_of()


def bill(run: Run) -> list[tuple[str, int, tuple[str, ...]]]:
    """What a visit is billed for: codes, units and modifiers, sorted."""
    lines = [line for v in run.visits for e in v.draft.encounters for line in e.lines]
    return sorted((line.code, line.units, line.modifiers) for line in lines)


def questions(run: Run) -> list[str]:
    """The codes of all questions of a visit, sorted."""
    drafts = [each for v in run.visits for each in (v.draft, *v.draft.encounters)]
    return sorted(question.finding.code for draft in drafts for question in draft.questions)


def drafted(messages: list[str]) -> Run:
    """A visit from its messages."""
    return code("".join(messages).encode())


def spoilt(change: Callable[[list[str]], list[str]]) -> Iterator[tuple[list[str], list[str]]]:
    """Each visit as it was sent, and with the first RXA of one message changed by `change`.

    Fluids and flushes are left alone: their amounts are worth no question.
    """
    for messages in MESSAGES:
        for number, text in enumerate(messages):
            rows = text.split("\r")
            where = next((n for n, row in enumerate(rows) if row.startswith("RXA|")), None)
            if where is None or not rows[where].split("|")[6]:
                continue
            if any(word in rows[where].lower() for word in ("chloride", "saline", "flush", "ml|")):
                continue
            fields = change(rows[where].split("|"))
            changed = "\r".join([*rows[:where], "|".join(fields), *rows[where + 1 :]])
            yield messages, [*messages[:number], changed, *messages[number + 1 :]]
            break


def twice_the_dose(fields: list[str]) -> list[str]:
    """RXA-6 doubled."""
    return [*fields[:6], str(Decimal(fields[6]) * 2), *fields[7:]]


def a_day_longer(fields: list[str]) -> list[str]:
    """RXA-4 one day later."""
    if len(fields[4]) < 12 or fields[4] == fields[3]:
        return fields
    stop = datetime.strptime(fields[4][:12], "%Y%m%d%H%M") + timedelta(days=1)
    return [*fields[:4], stop.strftime("%Y%m%d%H%M"), *fields[5:]]


def another_suffix(fields: list[str]) -> list[str]:
    """RXA-5 without its code, and with a suffix of four letters behind the name."""
    parts = fields[5].split("^")
    name = parts[1] if len(parts) > 1 and parts[1] else parts[0]
    return [*fields[:5], f"^{name}-zzzz^L", *fields[6:]]


@pytest.mark.parametrize("change", [twice_the_dose, a_day_longer, another_suffix])
def test_a_changed_bill_has_a_new_question(change: Callable[[list[str]], list[str]]) -> None:
    """Twice the dose, a day more, another product's suffix."""
    asked = 0
    for before, after in spoilt(change):
        was, now = drafted(before), drafted(after)
        if bill(was) != bill(now):
            assert questions(now) != questions(was), (change.__name__, after)
            asked += 1
    assert asked > 20, "too few bills changed to claim anything"


def test_a_record_that_comes_twice_is_asked_about() -> None:
    """The same record under another order number, in a message of its own."""
    asked = 0
    for messages, _same in spoilt(lambda fields: fields):
        number = next(n for n, text in enumerate(messages) if "\rRXA|" in text)
        rows = messages[number].split("\r")
        again = [
            "|".join([*row.split("|")[:2], "ZZ99", "ZZ99", *row.split("|")[4:]])
            if row.startswith("ORC|")
            else row
            for row in rows
        ]
        was, now = drafted(messages), drafted([*messages, "\r".join(again)])
        if bill(was) != bill(now):
            assert questions(now) != questions(was), messages
            asked += 1
    assert asked > 20, "too few bills changed to claim anything"
