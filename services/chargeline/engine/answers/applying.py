"""What an answer does to an administration, before anything is drafted from it.

It owns one effect for each choice, in a table at the end; which answers hold, `standing` says. A
fact that a person gave has the answer as its source, as a charted fact has a field of a message. An
answer that settles a question and changes no fact leaves its mark only; `settling` reads that.

One sequence, worked through. Carboplatin runs from 09:00, and no stop is charted: stop.missing. At
14:00 somebody answers `stop` with 10:05, so the drug is drafted as an infusion of 65 minutes. At
15:00 the nurse charts the stop at 10:15. The facts are others now, the answer holds no longer, and
the infusion has 75 minutes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.authorizations import answered_authorizations
from chargeline.engine.answers.beside import answers_beside
from chargeline.engine.answers.drug_in_question import first_drug, other_parts, place_of_drug
from chargeline.engine.answers.standing import said_of
from chargeline.engine.answers.values import amount_of, route_of, time_of
from chargeline.engine.events import Answer, DrugAmount, LineAnswer, Source, WastedAmount
from chargeline.engine.formulary import Formulary
from chargeline.engine.services.facts import product_of
from chargeline.engine.timeline.records import (
    Administration,
    Day,
    Interval,
    Timeline,
    clock_order,
    days_of_visit,
)

_Items = dict[str, Administration]
ADDRESS = "answer"


def with_answers(timeline: Timeline, formulary: Formulary) -> Timeline:
    """The timeline after what people answered; the very same one where nobody did.

    The result has no answers any more, so that they take effect once.
    """
    if not timeline.answers:
        return timeline
    items = {item.key: item for item in timeline.administrations}
    answers = [said.answer for said in said_of(timeline, formulary) if said.holds]
    for answer in answers:
        if answer.administrations:
            items.update(_answered(answer, items, formulary))
    return timeline._replace(
        days=_days(timeline, items),
        answers=(),
        authorizations=answered_authorizations(timeline, answers_beside(answers)),
    )


def _days(timeline: Timeline, items: Mapping[str, Administration]) -> tuple[Day, ...]:
    """The days with the answered administrations; a day that nobody spoke of is the same object."""
    now = [items[item.key] for item in timeline.administrations]
    if any(item.day != was.day for item, was in zip(now, timeline.administrations, strict=True)):
        return days_of_visit(now, timeline.days)
    return tuple([_day(day, items) for day in timeline.days])


def _day(day: Day, items: Mapping[str, Administration]) -> Day:
    after = [items[item.key] for item in day.administrations]
    if all(item is was for item, was in zip(after, day.administrations, strict=True)):
        return day
    return day._replace(administrations=tuple(sorted(after, key=clock_order)))


def _answered(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The administrations that an answer changes, each with the answer on it."""
    changed = EFFECTS[answer.choice](answer, items, formulary)
    marked = {key: changed.get(key, items[key]) for key in (*answer.administrations, *changed)}
    return {key: item._replace(answered=(*item.answered, answer)) for key, item in marked.items()}


def source_of(answer: Answer | LineAnswer) -> Source:
    """The answer as the source of a fact."""
    return Source(answer.message, ADDRESS)


# ------------------------------------------------------------------ what each choice does


def change_nothing(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """Change no fact: the answer settles the question."""
    return {}


def left_to_the_authorization(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """Change no administration: `authorizations.py` of this folder, or `unpaid.py`, takes it."""
    return {}


def left_to_the_visit(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """Change no administration: the charge family of visits with a practitioner takes it."""
    return {}


def _first(answer: Answer, items: _Items) -> Administration:
    return items[answer.administrations[0]]


def _last(answer: Answer, items: _Items) -> Administration:
    return items[answer.administrations[-1]]


def _by_key(item: Administration) -> _Items:
    return {item.key: item}


def _without_problem(item: Administration, answer: Answer) -> Administration:
    """The administration without the problem that the answer settles."""
    left = tuple([problem for problem in item.problems if problem.finding.code != answer.code])
    return item._replace(problems=left)


def _stop(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The last stretch ends at the time that the person gave."""
    item, moment = _first(answer, items), time_of(answer.value)
    last = item.intervals[-1]._replace(stop=moment, stop_source=source_of(answer))
    return _by_key(
        _without_problem(item, answer)._replace(
            intervals=(*item.intervals[:-1], last),
            charted="interval",
            may_have_run=False,
            left_paused=False,
        )
    )


def _start(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The first stretch begins at the time that the person gave, on that day as it is written."""
    item, moment = _first(answer, items), time_of(answer.value)
    assert moment is not None, "the value was looked at"
    first = item.intervals[0]
    began = Interval(moment, first.stop, source_of(answer), first.stop_source)
    return _by_key(
        _without_problem(item, answer)._replace(
            day=datetime.fromisoformat(answer.value).date(),
            intervals=(began, *item.intervals[1:]),
            charted="interval" if item.charted == "instant" else item.charted,
            may_have_run=False,
        )
    )


def _dose(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The drug in question has the amount that the person gave; a pause at the end was the stop."""
    item, given = _first(answer, items), amount_of(answer.value)
    assert given is not None, "the value was looked at"
    place = place_of_drug(answer, item, formulary)
    parts = other_parts(place, item, formulary)
    drugs = [
        drug._replace(
            amount=given.amount,
            unit=given.unit,
            amount_address=ADDRESS,
            unreadable="",
            by_body=None,
        )
        if number == place
        else drug
        for number, drug in enumerate(item.drugs)
        if number not in parts
    ]
    settled = _without_problem(item, answer)
    return _by_key(settled._replace(drugs=tuple(drugs), left_paused=False))


def _product(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The drug that nobody knew, or that was not ordered, is the one that the person names."""
    item = _first(answer, items)
    place = next(
        (
            number
            for number, drug in enumerate(item.drugs)
            if drug.component != "base" and product_of(item, drug, formulary).drug is None
        ),
        first_drug(item),
    )
    if not item.drugs:
        named = DrugAmount(
            codes=(),
            text="",
            amount=None,
            unit="",
            component="",
            address=ADDRESS,
            amount_address=ADDRESS,
            product=answer.value,
        )
        return _by_key(item._replace(drugs=(named,), drug_source=source_of(answer)))
    drugs = [
        drug._replace(product=answer.value) if number == place else drug
        for number, drug in enumerate(item.drugs)
    ]
    return _by_key(item._replace(drugs=tuple(drugs), drug_source=source_of(answer)))


def _route(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    route = route_of(answer.value)
    assert route is not None, "the value was looked at"
    return _by_key(_first(answer, items)._replace(route=route, route_text=""))


def _push(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The drug was given by hand at the moment of its start."""
    item = _first(answer, items)
    start = item.intervals[0]
    moment = start._replace(stop=start.start, stop_source=start.start_source)
    return _by_key(
        item._replace(method="push", charted="instant", may_have_run=False, intervals=(moment,))
    )


def _infusion(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    return _by_key(_first(answer, items)._replace(method="infusion"))


def _stopped_early(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    return _by_key(_first(answer, items)._replace(partial=True))


def _not_given(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The last administration in question was not given: of two records that is the second."""
    return _by_key(_last(answer, items)._replace(given=False))


def _not_required(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """All that went into the second line on that day counts as given into the first."""
    second = _first(answer, items)
    return {
        key: item._replace(line="")
        for key, item in items.items()
        if item.line == second.line and item.day == second.day
    }


def _primary(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    return _by_key(items[answer.value]._replace(primary=True))


def _treatment(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    return _by_key(_first(answer, items)._replace(purpose=""))


def _not_bought(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    return {key: items[key]._replace(not_bought=True) for key in answer.administrations}


def _discarded(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """So much was discarded of all doses together, whatever is charted of each."""
    written = amount_of(answer.value)
    assert written is not None, "the value was looked at"
    return _with_waste(answer, items, WastedAmount(written.amount, written.unit, ADDRESS))


def _none_discarded(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    item = _first(answer, items)
    unit = item.drugs[place_of_drug(answer, item, formulary)].unit if item.drugs else ""
    return _with_waste(answer, items, WastedAmount(Decimal(0), unit, ADDRESS))


def _with_waste(answer: Answer, items: _Items, waste: WastedAmount) -> _Items:
    entry = waste._replace(message=answer.message, is_signed=True, has_reason=bool(answer.reason))
    first, *others = answer.administrations
    return {
        first: items[first]._replace(wasted=(entry,)),
        **{key: items[key]._replace(wasted=()) for key in others},
    }


def _ndc(answer: Answer, items: _Items, formulary: Formulary) -> _Items:
    """The NDC of the answer takes the place of every code that was charted for these doses."""
    changed = {}
    for key in answer.administrations:
        item = items[key]
        codes = [
            vial._replace(ndc=answer.value, address=ADDRESS, message=answer.message)
            for vial in item.vials
        ]
        changed[key] = item._replace(vials=tuple(codes))
    return changed


EFFECTS: Mapping[AnswerChoice, Callable[[Answer, _Items, Formulary], _Items]] = {
    "confirm": change_nothing,
    "stop": _stop,
    "start": _start,
    "dose": _dose,
    "product": _product,
    "route": _route,
    "push": _push,
    "infusion": _infusion,
    "stopped_early": _stopped_early,
    "not_given": _not_given,
    "one_record": _not_given,
    "other_visit": _not_given,
    "required": change_nothing,
    "not_required": _not_required,
    "treatment": _treatment,
    "primary": _primary,
    "discarded": _discarded,
    "none_discarded": _none_discarded,
    "ndc": _ndc,
    "on_dialysis": change_nothing,  # the choice of the code reads it (drugs/codes.py)
    "not_on_dialysis": change_nothing,
    "not_bought": _not_bought,
    "new": left_to_the_visit,
    "established": left_to_the_visit,
    "minutes": left_to_the_visit,
    "level": left_to_the_visit,
    "lower": left_to_the_visit,
    "higher": left_to_the_visit,
    "together": left_to_the_visit,
    "separate_note": left_to_the_visit,
    "one_visit": left_to_the_visit,
    "same_group": left_to_the_visit,
    "other_group": left_to_the_visit,
    "no_visit": left_to_the_visit,
    "not_done": left_to_the_visit,
    "this_account": left_to_the_visit,
    "other_account": left_to_the_visit,
    "two_visits": left_to_the_visit,
    "continuing": left_to_the_visit,
    "not_continuing": left_to_the_visit,
    "takes_back": left_to_the_visit,
    "takes_nothing": left_to_the_visit,
    "two_isocentres": left_to_the_visit,
    "two_sessions": left_to_the_visit,
    "granted": left_to_the_authorization,
    "denied": left_to_the_authorization,
    "pended": left_to_the_authorization,
    "codes": left_to_the_authorization,
    "units": left_to_the_authorization,
    "this_payer": left_to_the_authorization,
    "other_payer": left_to_the_authorization,
    "elsewhere": left_to_the_visit,
    "same_course": left_to_the_visit,
    "new_course": left_to_the_visit,
    "said": left_to_the_visit,
    "unknown": change_nothing,
    "by_hand": change_nothing,
    "withdraw": change_nothing,
}
SETTLES: frozenset[AnswerChoice] = frozenset(
    {
        "confirm",
        "required",
        "not_required",
        "primary",
        "on_dialysis",
        "not_on_dialysis",
        "unknown",
        "by_hand",
        "not_bought",
    }
)
"""Choices after which the question is settled, whatever is charted."""
