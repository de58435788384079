"""Claims about what another policy would give for sessions and charges of a radiation course."""

from collections.abc import Mapping
from datetime import date

import pytest

from chargeline.engine import ChargeLine, Draft, Rule, Rulebook, VisitKey, Withheld, draft
from chargeline.engine.radiation.concerns import MANAGEMENT, ManagementAnswer
from chargeline.engine.rules import Condition
from chargeline.engine.trace import WITHHELD
from tests.engine import rulebook, visits_of
from tests.engine.short import FACILITY, GUIDE, PHYSICIAN, with_rules
from tests.golden.messages import given
from tests.golden.sessions import examined, fraction, posted

Differing = dict[str, tuple[str, ...]]
WEEK = [f"202603{day:02}1000" for day in (2, 3, 4, 5, 6)]
IMRT_CODE = "radiation.intensity_modulated.complex"
PARTS = "radiation.part.all"


def differing(entry: ChargeLine | Withheld) -> Differing:
    """What each policy that differs would give."""
    return {other.policy: other.says for other in entry.other_policies}


def ruled(entry: ChargeLine | Withheld) -> dict[str, str]:
    """The rule that makes the difference, by policy."""
    return {other.policy: other.rule for other in entry.other_policies}


def told(*messages: bytes, policy: str = GUIDE, book: Rulebook | None = None) -> Draft:
    return draft(visits_of(messages)[VisitKey("ZEBRA", "V1")], book or rulebook(), policy=policy)


def by_code(drafted: Draft) -> Mapping[str, Differing]:
    return {"-".join([line.code, *line.modifiers]): differing(line) for line in drafted.lines}


def line_of(drafted: Draft, code: str) -> ChargeLine:
    (line,) = [line for line in drafted.lines if line.code == code]
    return line


def withheld(drafted: Draft) -> Withheld:
    (entry,) = [entry for encounter in drafted.encounters for entry in encounter.withheld]
    return entry


def week(**more: str) -> list[bytes]:
    """Five fractions, with the examination among them."""
    sessions = [fraction(n, when, technique="3D", **more) for n, when in enumerate(WEEK, 1)]
    return [*sessions, examined("202603041100")]


@pytest.mark.parametrize(
    ("day", "policy", "expected"),
    [
        ("20251231", GUIDE, {"77386": {PHYSICIAN: ("G6016 x1",)}}),
        ("20251231", FACILITY, {"77386": {PHYSICIAN: ("G6016 x1",)}}),
        (
            "20251231",
            PHYSICIAN,
            {"G6016": {FACILITY: ("77386 x1",), GUIDE: ("77386 x1",)}},
        ),
        ("20260101", GUIDE, {"77407": {PHYSICIAN: ("77407 x1", "77387-26 x1")}}),
        (
            "20260101",
            PHYSICIAN,
            {
                "77407": {FACILITY: ("77407 x1",), GUIDE: ("77407 x1",)},
                "77387-26": {FACILITY: ("77407 x1",), GUIDE: ("77407 x1",)},
            },
        ),
    ],
)
def test_delivery_of_imrt_differs_until_2025_and_its_guidance_from_2026(
    day: str, policy: str, expected: Mapping[str, Differing]
) -> None:
    """One session with pictures: G6016 of the office ends with 2025, its 77387-26 begins then."""
    session = fraction(1, f"{day}1000", technique="IMRT", guidance="Y", planned="25")
    assert by_code(told(session, policy=policy)) == expected


@pytest.mark.parametrize(("code", "office"), [("77385", "G6015"), ("77386", "G6016")])
def test_a_posted_delivery_of_imrt_has_the_other_code_in_the_office(code: str, office: str) -> None:
    """On the last day of both, nothing but the posted charge says how it was delivered."""
    drafted = told(posted(code, "202512311000"))
    assert by_code(drafted) == {code: {PHYSICIAN: (f"{office} x1",)}}


def test_two_sessions_of_a_day_are_compared_as_one_line() -> None:
    """Six hours apart: two deliveries, and for the physician guidance twice."""
    sessions = [
        fraction(n, f"20260302{clock}", technique="IMRT", guidance="Y")
        for n, clock in enumerate(("0800", "1400"), 1)
    ]
    assert by_code(told(*sessions)) == {"77407": {PHYSICIAN: ("77407 x2", "77387-26 x2")}}


def test_management_is_on_the_physicians_claim_and_delivery_says_nothing_of_it() -> None:
    """Of the fifth day both lines are for the course, and only 77427 ends differently."""
    drafted = told(*week())
    assert by_code(drafted) == {"77407": {}, "77427": {FACILITY: ("withheld",)}}
    assert ruled(line_of(drafted, "77427")) == {FACILITY: "facility.radiation.professional"}


def test_withheld_management_says_what_others_bill_and_by_which_rule() -> None:
    """The hospital withholds 77427; the rule that lets others report it is named, not its code."""
    entry = withheld(told(*week(), policy=FACILITY))
    assert differing(entry) == {GUIDE: ("77427 x1",), PHYSICIAN: ("77427 x1",)}
    assert ruled(entry) == {GUIDE: PARTS, PHYSICIAN: PARTS}


def test_the_rule_of_another_delivery_is_named() -> None:
    """From both sides."""
    session = fraction(1, "202512311000", technique="IMRT")
    office = ruled(line_of(told(session), "77386"))
    assert office == {PHYSICIAN: "physician.radiation.modulated.complex"}
    hospital = ruled(line_of(told(session, policy=PHYSICIAN), "G6016"))
    assert hospital == {FACILITY: IMRT_CODE, GUIDE: IMRT_CODE}


def test_services_of_planning_are_compared_each_by_itself() -> None:
    """The physician's planning is not the hospital's; the plan of IMRT has both parts."""
    drafted = told(posted("77263", "202603021000"), posted("77301", "202603021000"))
    assert by_code(drafted) == {"77263": {FACILITY: ("withheld",)}, "77301": {}}


def test_courses_of_one_day_are_compared_each_by_itself() -> None:
    """Pictures guided one of two courses only."""
    first = fraction(1, "202603020800", technique="IMRT", guidance="Y")
    second = fraction(1, "202603021400", technique="3D", guidance="N", course="C2")
    drafted = told(first, second)
    assert {line.drug: differing(line) for line in drafted.lines} == {
        "course C1": {PHYSICIAN: ("77407 x1", "77387-26 x1")},
        "course C2": {},
    }


def test_an_infusion_beside_a_session_is_compared_by_itself() -> None:
    """Half an hour of pembrolizumab differs by its class, and the session by its guidance."""
    drafted = told(
        given("PEMBROLIZUMAB", "200 mg", "0900", "0930"),
        fraction(1, "202603021000", technique="3D", guidance="Y"),
    )
    assert differing(line_of(drafted, "96365")) == {
        FACILITY: ("96413 x1",),
        PHYSICIAN: ("96413 x1",),
    }
    assert differing(line_of(drafted, "77407")) == {PHYSICIAN: ("77407 x1", "77387-26 x1")}


def test_a_unit_that_has_no_code_under_another_policy_ends_there_with_a_question() -> None:
    """A site takes the code of management out of the guide."""
    book = with_rules(without="code.radiation.management.2024-01-01", policy=GUIDE)
    drafted = told(*week(), policy=PHYSICIAN, book=book)
    assert differing(line_of(drafted, "77427"))[GUIDE] == ("a question",)


def test_a_delivery_that_another_policy_asks_about_says_so() -> None:
    """A site takes the second level out of Medicare's rules: nothing says what it is there."""
    book = with_rules(without="code.radiation.delivery.level_two.2026-01-01")
    drafted = told(fraction(1, WEEK[0], technique="3D"), book=book)
    assert differing(line_of(drafted, "77407")) == {FACILITY: ("a question",)}


def test_a_unit_that_another_policy_does_not_count_is_not_a_question_there() -> None:
    """A site lets Medicare's office count no management: the line says that it would not be."""
    none = ManagementAnswer(per="none")
    own = Rule(
        "site.no_management", MANAGEMENT, "site", date(2026, 1, 1), None,
        (Condition("beam", frozenset({"external"})),), (("per", "none"),), none, "Because.",
        (), ("radiation.management.fractions",), (), "site.toml",
    )  # fmt: skip
    drafted = told(*week(), book=with_rules(own, policy=PHYSICIAN))
    assert differing(line_of(drafted, "77427")) == {FACILITY: ("withheld",), PHYSICIAN: ()}


def test_a_late_session_moves_the_unit_and_its_differences() -> None:
    """Four of five reports draft no unit; the fifth brings it with what the facility does."""
    sessions = week()
    assert by_code(told(*sessions[:4])) == {"77407": {}}
    assert by_code(told(*sessions[1:], sessions[0]))["77427"] == {FACILITY: ("withheld",)}


def in_a_stay(data: bytes) -> bytes:
    return data.replace(b"PV1|1|O", b"PV1|1|I")


STAY = [in_a_stay(data) for data in week(guidance="Y", planned="30")]
PLANNED = in_a_stay(posted("77301", "202603020900"))
BOTH = "radiation.stay.both"
IN_A_STAY: list[tuple[str, dict[str, Differing]]] = [
    (
        GUIDE,
        {
            "77427": {FACILITY: (WITHHELD,)},
            "77301-26": {FACILITY: (WITHHELD,)},
            "withheld": {PHYSICIAN: ("77387-26 x1", WITHHELD)},
        },
    ),
    (
        PHYSICIAN,
        {
            "77427": {FACILITY: (WITHHELD,)},
            "77301-26": {FACILITY: (WITHHELD,)},
            "77387-26": {GUIDE: (WITHHELD,), FACILITY: (WITHHELD,)},
            "withheld": {GUIDE: (WITHHELD,), FACILITY: (WITHHELD,)},
        },
    ),
]


@pytest.mark.parametrize(("policy", "expected"), IN_A_STAY)
def test_what_is_billed_beside_a_stay_says_where_policies_differ(
    policy: str, expected: dict[str, Differing]
) -> None:
    """The physician's part is none of the hospital's claim, in whatever policy it is drafted."""
    drafted = told(*STAY, PLANNED, policy=policy)
    entries = [entry for encounter in drafted.encounters for entry in encounter.withheld]
    assert len(entries) == 5
    assert [differing(entry) for entry in entries] == [expected["withheld"]] * 5
    assert {**by_code(drafted), "withheld": expected["withheld"]} == expected


def test_the_hospital_says_what_the_physician_bills_beside_a_stay() -> None:
    """The unit, the plan and the pictures of each session, with the rule of each."""
    drafted = told(*STAY, PLANNED, policy=FACILITY)
    entries = [entry for encounter in drafted.encounters for entry in encounter.withheld]
    unit, plan = ("77427 x1",), ("77301-26 x1",)
    assert drafted.lines == () and len(entries) == 7
    assert [differing(e) for e in entries if e.reason == "facility.radiation.professional"] == [
        {PHYSICIAN: unit, GUIDE: unit}
    ]
    (planned,) = [entry for entry in entries if entry.reason == "facility.radiation.stay"]
    assert differing(planned) == {PHYSICIAN: plan, GUIDE: plan}
    assert ruled(planned) == {PHYSICIAN: BOTH, GUIDE: BOTH}
    assert [differing(e) for e in entries if e.reason == "radiation.stay.technical"] == [
        {PHYSICIAN: ("77387-26 x1", WITHHELD)}
    ] * 5


def test_a_session_that_nobody_described_is_paid_with_the_stay_in_all_policies() -> None:
    """Nobody has said how it was delivered, and no policy needs to know."""
    drafted = told(in_a_stay(fraction(1, WEEK[0])), policy=FACILITY)
    assert differing(withheld(drafted)) == {}
