"""Claims about merges: in whatever order merges and messages arrive, the same visits remain.

The feeds have two to six messages, and each claim is tried in every order of arrival.
"""

from collections.abc import Iterable
from itertools import permutations

import pytest

from chargeline.engine import Timeline, VisitKey, draft
from tests.engine import read, rulebook, visits_of
from tests.golden.messages import adt, given


def dose(visit: str, time: str, drug: str = "VANCOMYCIN", patient: str = "ZZ1") -> bytes:
    return given(
        drug,
        "1000 mg",
        time,
        f"{int(time) + 30:04}",
        visit=visit,
        patient=patient,
        order=f"R-{time}",
    )


def merge(prior: str, surviving: str, sent: str, patient: str = "ZZ1") -> bytes:
    return adt("A41", prior_visit=prior, visit=surviving, sent=sent, patient=patient)


def timelines(messages: Iterable[bytes]) -> dict[str, Timeline]:
    visits = visits_of(messages)
    return {key.visit: visits[key] for key in visits}


def orders_by_visit(messages: Iterable[bytes]) -> dict[str, list[str]]:
    return {
        visit: [item.order for item in timeline.administrations]
        for visit, timeline in timelines(messages).items()
    }


def always(messages: list[bytes]) -> dict[str, list[str]]:
    """The orders of each visit; every order of arrival must give the same timelines."""
    first = timelines(messages)
    for arrival in permutations(messages):
        assert timelines(arrival) == first
    return orders_by_visit(messages)


# ------------------------------------------------------------------ visits


def test_without_a_merge_two_visits_are_two() -> None:
    """V1 and V2 stay apart as long as no merge joins them."""
    assert always([dose("V1", "0900"), dose("V2", "1000")]) == {"V1": ["R-0900"], "V2": ["R-1000"]}


def test_a_merged_visit_lives_on_under_the_surviving_number() -> None:
    """V1 is merged into V2: V2 has both doses, in the order of the clock."""
    assert always([dose("V1", "0900"), dose("V2", "1000"), merge("V1", "V2", "1200")]) == {
        "V2": ["R-0900", "R-1000"]
    }


def test_a_chain_of_merges_ends_at_its_last_number() -> None:
    """V1 is merged into V2, and V2 into V3: in all 120 orders of arrival V3 has all doses."""
    messages = [
        dose("V1", "0900"), dose("V2", "1000"), dose("V3", "1100"),
        merge("V1", "V2", "1200"), merge("V2", "V3", "1300"),
    ]  # fmt: skip
    assert always(messages) == {"V3": ["R-0900", "R-1000", "R-1100"]}


def test_messages_after_a_merge_join_the_surviving_visit() -> None:
    """The sender still writes V1 after the merge, and the late dose goes to V2."""
    messages = [merge("V1", "V2", "0800"), dose("V1", "0900")]
    assert always(messages) == {"V2": ["R-0900"]}


def test_the_later_of_two_merges_of_a_number_holds() -> None:
    """V1 was merged into V2 by mistake and later into V3: V2 keeps only its own dose."""
    messages = [
        dose("V1", "0900"), dose("V2", "1000"),
        merge("V1", "V2", "1200"), merge("V1", "V3", "1300"),
    ]  # fmt: skip
    assert always(messages) == {"V2": ["R-1000"], "V3": ["R-0900"]}


def test_a_ring_of_two_is_one_visit() -> None:
    """V1 into V2 and V2 into V1 contradict each other, yet every dose is in one visit."""
    messages = [
        dose("V1", "0900"), dose("V2", "1000"),
        merge("V1", "V2", "1200"), merge("V2", "V1", "1300"),
    ]  # fmt: skip
    assert list(always(messages).values()) == [["R-0900", "R-1000"]]


def test_a_ring_of_three_is_one_visit() -> None:
    """V1 into V2 into V3 into V1: in all 720 orders of arrival one visit has all doses."""
    messages = [
        dose("V1", "0900"), dose("V2", "1000"), dose("V3", "1100"),
        merge("V1", "V2", "1200"), merge("V2", "V3", "1300"), merge("V3", "V1", "1400"),
    ]  # fmt: skip
    assert list(always(messages).values()) == [["R-0900", "R-1000", "R-1100"]]


@pytest.mark.parametrize("first", ["V0", "V9"])
def test_a_number_that_leads_into_a_ring_is_in_its_visit(first: str) -> None:
    """V0 into V1, V1 into V2, V2 into V1: the dose of V0 is in the visit of the ring."""
    messages = [
        dose(first, "0900"), dose("V2", "1000"),
        merge(first, "V1", "1100"), merge("V1", "V2", "1200"), merge("V2", "V1", "1300"),
    ]  # fmt: skip
    assert list(orders_by_visit(messages).values()) == [["R-0900", "R-1000"]]
    assert list(always(messages).values()) == [["R-0900", "R-1000"]]


def test_a_merge_of_a_number_into_itself_is_nothing() -> None:
    """V1 into V1 changes nothing."""
    assert always([dose("V1", "0900"), merge("V1", "V1", "1200")]) == {"V1": ["R-0900"]}


def test_a_merge_that_comes_twice_is_one() -> None:
    """The same merge comes again under its own MSH-10 and under another one."""
    again = merge("V1", "V2", "1200")
    messages = [dose("V1", "0900"), again, again, again.replace(b"|C", b"|D", 1)]
    assert always(messages) == {"V2": ["R-0900"]}


def test_a_merge_stays_in_its_hospital() -> None:
    """V1 of facility YAK is another visit than V1 of ZEBRA, so ZEBRA's merge does not touch it."""
    elsewhere = dose("V1", "1000").replace(b"|MAR|ZEBRA|", b"|MAR|YAK|")
    visits = visits_of([dose("V1", "0900"), elsewhere, merge("V1", "V2", "1200")])
    assert sorted(visits) == [VisitKey("YAK", "V1"), VisitKey("ZEBRA", "V2")]


def test_a_merged_visit_is_drafted_as_one() -> None:
    """Two hours of vancomycin under two numbers are one initial service and a further hour."""
    messages = [
        given("VANCOMYCIN", "1000 mg", "0900", "1000", visit="V1", order="R1"),
        given("VANCOMYCIN", "1000 mg", "1100", "1200", visit="V2", order="R2"),
        merge("V1", "V2", "1300"),
    ]
    visits = visits_of(messages)
    (key,) = visits
    (encounter,) = draft(visits[key], rulebook()).encounters
    assert [(line.code, line.units) for line in encounter.lines][:2] == [("96365", 1), ("96366", 1)]


def test_the_message_that_merges_says_whom_it_touches() -> None:
    """The visit that ended and the visit that stands are both to be drafted again."""
    visits = visits_of([dose("V1", "0900"), dose("V2", "1000")])
    touched = visits.add(read(merge("V1", "V2", "1200")))
    assert touched == {VisitKey("ZEBRA", "V1"), VisitKey("ZEBRA", "V2")}
    assert list(visits) == [VisitKey("ZEBRA", "V2")]


# ------------------------------------------------------------------ patients


def patients(messages: list[bytes]) -> tuple[str, ...]:
    """Whose visit V1 is, in every order of arrival."""
    first = timelines(messages)["V1"].patients
    for arrival in permutations(messages):
        assert timelines(arrival)["V1"].patients == first
    return first


def merged_patient(prior: str, surviving: str, sent: str) -> bytes:
    return adt("A40", prior_patient=prior, patient=surviving, visit="", sent=sent)


def test_two_numbers_of_one_visit_are_two_patients() -> None:
    """As long as no merge joins ZZ1 and ZZ2, V1 has two patients."""
    messages = [dose("V1", "0900", patient="ZZ1"), dose("V1", "1000", patient="ZZ2")]
    assert patients(messages) == ("ZZ1", "ZZ2")


def test_a_patient_merge_makes_them_one() -> None:
    """ZZ2 is merged into ZZ1, and the merge may come before, between or after the doses."""
    messages = [
        dose("V1", "0900", patient="ZZ1"), dose("V1", "1000", patient="ZZ2"),
        merged_patient("ZZ2", "ZZ1", "1200"),
    ]  # fmt: skip
    assert patients(messages) == ("ZZ1",)


def test_a_chain_of_patients_ends_at_its_last_number() -> None:
    """ZZ2 is merged into ZZ3, and ZZ3 into ZZ1: V1 has the patient ZZ1."""
    messages = [
        dose("V1", "0900", patient="ZZ1"), dose("V1", "1000", patient="ZZ2"),
        merged_patient("ZZ2", "ZZ3", "1200"), merged_patient("ZZ3", "ZZ1", "1300"),
    ]  # fmt: skip
    assert patients(messages) == ("ZZ1",)


@pytest.mark.parametrize("first", ["ZZ0", "ZZ9"])
def test_a_patient_that_leads_into_a_ring_is_in_it(first: str) -> None:
    """ZZ0 into ZZ1, ZZ1 into ZZ2, ZZ2 into ZZ1: the three numbers are one person."""
    messages = [
        dose("V1", "0900", patient=first), dose("V1", "1000", patient="ZZ2"),
        merged_patient(first, "ZZ1", "1100"), merged_patient("ZZ1", "ZZ2", "1200"),
        merged_patient("ZZ2", "ZZ1", "1300"),
    ]  # fmt: skip
    assert len(patients(messages)) == 1


def test_a_visit_that_moves_to_another_patient_has_one() -> None:
    """A44 takes V1 from ZZ2 and gives it to ZZ1."""
    messages = [
        dose("V1", "0900", patient="ZZ2"),
        adt("A44", patient="ZZ1", prior_patient="ZZ2", prior_visit="V1", sent="1200"),
    ]  # fmt: skip
    assert patients(messages) == ("ZZ1",)
