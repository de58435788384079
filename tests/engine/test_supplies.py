"""What the pharmacy handed out and nobody charted: by drug, and not by order alone."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from chargeline.engine import Draft, Timeline, VisitContext, draft
from chargeline.engine.supplies import not_charted
from chargeline.rulebook.cases import edits_in_short, timeline_with
from chargeline.rulebook.notation import administration_of, dispensed_of

from .short import rulebook

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("handed_out", "given", "missing"),
    [
        ("rituximab 750 mg", "rituximab 750 mg iv 09:00-13:00", []),
        ("rituximab 750 mg", "rituximab 750 mg iv 09:00 notgiven", []),
        ("rituximab 750 mg", "trastuzumab 450 mg iv 09:00-10:30", ["rituximab"]),
        ("rituximab 750 mg", "trastuzumab 450 mg iv 09:00-10:30 order=D0", []),
        ("sodium-chloride-0.9 250 mL", "trastuzumab 450 mg iv 09:00-10:30", []),
        ("zebrastatin 5 mg", "trastuzumab 450 mg iv 09:00-10:30", []),
    ],
    ids=["given", "not given", "other drug", "same order", "fluid", "unknown drug"],
)
def test_what_was_handed_out_is_missing_where_neither_its_drug_nor_its_order_is_charted(
    handed_out: str, given: str, missing: list[str]
) -> None:
    """A drug may be given under another order than it was handed out for. An unknown drug has no
    product that could be missed; the balance tells it.
    """
    timeline = timeline_with([administration_of(given, 1)], VisitContext(patient="ZZCASE"))
    timeline = timeline._replace(dispensed=(dispensed_of(handed_out, 0, DAY),))
    supplies = not_charted(timeline, rulebook().formulary)
    assert [supply.drug.id for supply in supplies if supply.drug is not None] == missing


WEEK = timedelta(days=7)


def visit(given: Sequence[str], handed_out: Sequence[str]) -> Timeline:
    """A recurring visit. `1 rituximab 750 mg order=R1` is of the week 1, after or before."""
    items = [
        item._replace(
            day=item.day + WEEK * int(text[0]),
            key=text,
            intervals=tuple(
                stretch._replace(
                    start=stretch.start + WEEK * int(text[0]),
                    stop=stretch.stop + WEEK * int(text[0]) if stretch.stop else None,
                )
                for stretch in item.intervals
            ),
        )
        for text in given
        for item in [administration_of(text[2:], 1)]
    ]
    supplied = [
        dispensed_of(text[2:].partition(" order=")[0], number, DAY + WEEK * int(text[0]))._replace(
            order=text.partition(" order=")[2]
        )
        for number, text in enumerate(handed_out)
    ]
    context = VisitContext(patient="ZZCASE", classes=((None, "recurring"),))
    return timeline_with(items, context)._replace(dispensed=tuple(supplied))


def drafted(timeline: Timeline) -> Draft:
    """The draft of a visit under the policy of a facility."""
    return draft(timeline, rulebook(), policy="cms-facility-2026")


@pytest.mark.parametrize(
    ("given", "handed_out", "missing"),
    [
        ([], ["0 rituximab 750 mg order=R1"], ["2026-03-02"]),
        (
            ["0 rituximab 750 mg iv 09:00-13:00 order=R1"],
            ["0 rituximab 750 mg order=R1", "0 rituximab 500 mg order=R2"],
            ["2026-03-02"],
        ),
        (
            ["0 rituximab 750 mg iv 09:00-13:00 order=R1"],
            ["0 rituximab 750 mg order=R1", "2 rituximab 750 mg order=R1"],
            ["2026-03-16"],
        ),
        (["1 rituximab 750 mg iv 09:00-13:00 order=R1"], ["0 rituximab 750 mg order=R1"], []),
        (["1 rituximab 750 mg iv 09:00-13:00 order=R9"], ["0 rituximab 750 mg order=R1"], []),
    ],
    ids=["nothing charted", "second order", "third week", "charted later", "other number"],
)
def test_what_was_handed_out_is_missed_by_its_order_and_day(
    given: list[str], handed_out: list[str], missing: list[str]
) -> None:
    """Each order and day answers for itself; a day on which nothing else happened says it too."""
    told = [
        encounter.encounter
        for encounter in drafted(visit(given, handed_out)).encounters
        if any(edit.edit == "drug.not_given" for edit in encounter.edits)
    ]
    assert told == missing


def test_a_day_of_which_only_a_dispense_is_known_lacks_no_diagnosis_and_no_table() -> None:
    """There is no line, so nothing of a claim is missing yet."""
    told = drafted(visit([], ["0 rituximab 750 mg order=R1"]))
    assert edits_in_short(told) == ["drug.not_given warns nurse"]


def test_what_an_inpatient_was_handed_out_is_not_missed() -> None:
    """An inpatient day is not billed by line, so nobody is asked for the row."""
    timeline = visit([], ["0 rituximab 750 mg order=R1"])
    timeline = timeline._replace(context=timeline.context._replace(classes=((None, "inpatient"),)))
    assert edits_in_short(drafted(timeline)) == []


VIAL, LARGE = "50242-0132-01", "50242-0333-01"


def with_ndcs(*ndcs: str, vials: str = "") -> Draft:
    """420 mg of trastuzumab of an order for which these NDCs were handed out, one a message."""
    timeline = visit(
        [f"0 trastuzumab 420 mg iv 09:00-10:30 order=R1 waste=30mg{vials}"],
        ["0 trastuzumab 420 mg order=R1" for _ndc in ndcs],
    )
    supplied = [
        item._replace(ndcs=(ndc,) if ndc else ())
        for item, ndc in zip(timeline.dispensed, ndcs, strict=True)
    ]
    return drafted(timeline._replace(dispensed=tuple(supplied)))


def ndcs_of(told: Draft) -> list[str]:
    """The NDC of each drug line, "" for none."""
    lines = [line for line in told.lines if line.family == "drugs"]
    return [line.ndc.digits if line.ndc is not None else "" for line in lines]


def test_the_ndc_that_was_handed_out_is_billed_where_nobody_scanned_one() -> None:
    """Two messages of the order name one NDC; the line says that it is the pharmacy's."""
    told = with_ndcs(VIAL, VIAL)
    assert ndcs_of(told) == ["50242013201", "50242013201"]
    steps = [step for line in told.lines for step in line.trace if step.topic == "ndc"]
    assert [dict(step.facts)["from"] for step in steps] == ["handed out; no vial was scanned"] * 2


@pytest.mark.parametrize(
    ("ndcs", "found"),
    [
        ((VIAL, LARGE), f"none scanned, and several of the pharmacy: {VIAL} and {LARGE}"),
        ((VIAL, ""), "none"),
        (("50242-0051-21",), "none"),
    ],
    ids=["two", "one without", "other drug"],
)
def test_ndcs_that_do_not_agree_are_not_billed(ndcs: tuple[str, ...], found: str) -> None:
    """The edit names what the pharmacy says; which vial was used, nobody knows."""
    told = with_ndcs(*ndcs)
    assert set(ndcs_of(told)) == {""}
    edits = [edit.finding.found for edit in told.edits if edit.edit == "ndc.missing"]
    assert edits == [found]


def test_a_scanned_vial_counts_before_what_was_handed_out() -> None:
    """The nurse scanned the small vials, whatever the pharmacy names."""
    assert set(ndcs_of(with_ndcs(LARGE, vials=f" vials={VIAL}x3"))) == {"50242013201"}
