"""Claims about what one message says: which messages are used, for which visit, and which segments
belong together.

The messages have a few segments each. What the engine makes of their events is tested in
tests/engine.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pytest

from chargeline.engine import (
    OrderFact,
    PatientMerge,
    Policy,
    Reading,
    Record,
    Unreadable,
    VisitFact,
    VisitKey,
    VisitMerge,
    fold,
)
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import adt, message, orc, rxa, rxc, rxr, segment

PHARMACY = (
    *("RDE^O11", "RDE^O25", "RDE^O01", "RAS^O17", "RAS^O01"),
    *("RDS^O13", "RDS^O01", "RGV^O15", "RGV^O01"),
)
ADT = (
    *("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A31"),
    *("A23", "A34", "A35", "A36", "A38", "A40", "A41", "A44"),
)
VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.2", "2.9")
DRUGS = {
    "RDE": segment("RXE", {2: "VANCOMYCIN^vancomycin^L", 3: "1", 5: "g"}),
    "RAS": rxa("VANCOMYCIN", "1 g", "0900", "1000"),
    "RDS": segment("RXD", {2: "VANCOMYCIN^vancomycin^L", 4: "1", 5: "g"}),
    "RGV": segment("RXG", {4: "VANCOMYCIN^vancomycin^L", 5: "1", 7: "g"}),
}


@cache
def profile() -> Profile:
    return make_profile(read_interface(rules_directory(), "standard"))


@cache
def base_rules() -> Policy:
    return load_rulebook(rules_directory()).base


def read(data: bytes) -> Reading:
    return read_events(read_message(data), profile())


def records(data: bytes) -> list[Record]:
    return [event for event in read(data).events if isinstance(event, Record)]


def unreadable(data: bytes) -> list[Unreadable]:
    return [event for event in read(data).events if isinstance(event, Unreadable)]


def fact(data: bytes) -> VisitFact:
    (visit_fact,) = [event for event in read(data).events if isinstance(event, VisitFact)]
    return visit_fact


def ras(*segments: str) -> bytes:
    return message("RAS^O17", *segments)


# ------------------------------------------------------------------ which messages are used


@pytest.mark.parametrize("kind", PHARMACY)
def test_every_pharmacy_message_is_used_in_every_version(kind: str) -> None:
    """1 g of vancomycin comes out as an event of visit V1 and order R1."""
    for version in VERSIONS:
        reading = read(message(kind, orc(), DRUGS[kind[:3]], rxr("IV"), version=version))
        assert reading.set_aside is None
        assert reading.visit == "V1"
        (event,) = [item for item in reading.events if isinstance(item, Record | OrderFact)]
        assert (event.order, event.route) == ("R1", "intravenous")
        assert [(drug.codes, drug.amount, drug.unit) for drug in event.drugs] == [
            (("VANCOMYCIN",), Decimal(1), "g")
        ]


@pytest.mark.parametrize("trigger", ADT)
def test_every_visit_message_is_used_in_every_version(trigger: str) -> None:
    """Every ADT of the list gives a fact about visit V1, with its own trigger."""
    merging = {"prior_patient": "ZZ9", "prior_visit": "V9"} if trigger in ADT[12:] else {}
    for version in VERSIONS:
        data = adt(trigger, **merging).replace(b"|T|2.5.1", f"|T|{version}".encode())
        reading = read(data)
        assert reading.set_aside is None
        assert reading.visit == "V1"
        assert fact(data).trigger == trigger


@pytest.mark.parametrize("kind", ["RAS", "RDE"])
def test_a_pharmacy_message_may_come_without_trigger(kind: str) -> None:
    """MSH-9 of `RAS` or `RDE` alone, as old senders write it, is used."""
    reading = read(message(kind, orc(), DRUGS[kind], rxr("IV")))
    assert reading.set_aside is None
    assert reading.visit == "V1"


@pytest.mark.parametrize("kind", ["ORU^R21", "ADT^A60", "ADT", "RAS^O99", "MDM^T12", "VXU^V04"])
def test_other_messages_are_set_aside_by_name(kind: str) -> None:
    """The finding names the type of the message, the types that are used, and what to do."""
    reading = read(message(kind, orc(), DRUGS["RAS"], rxr("IV")))
    assert reading.events == ()
    assert reading.set_aside is not None
    assert (reading.set_aside.finding.code, reading.set_aside.finding.found) == (
        "message.unknown",
        kind,
    )
    assert reading.set_aside.finding.where == "MSH-9"
    assert reading.set_aside.finding.expected.startswith("RDE, RAS, RDS, RGV, ORU^R01")
    assert reading.set_aside.finding.do


def test_a_message_remembers_where_it_came_from() -> None:
    """An event has MSH-10, type and MSH-7 of its message; 18:00 in New York is 23:00 UTC."""
    reference = read(message("RAS^O17", orc(), DRUGS["RAS"], rxr("IV"), control="C4711")).message
    assert (reference.control_id, reference.type) == ("C4711", "RAS^O17")
    assert reference.sent == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "sent", [b"202602301800", b"2006052911150700", b"2026030211", b"Mar 2 2026 11:00AM"]
)
def test_an_unreadable_time_of_sending_costs_no_message(sent: bytes) -> None:
    """No minute of a bill comes from MSH-7; without it the digest decides between corrections."""
    reading = read(
        ras(orc(), DRUGS["RAS"], rxr("IV")).replace(b"|202603021800||", b"|" + sent + b"||")
    )
    assert reading.set_aside is None
    assert reading.message.sent is None
    assert [type(event) for event in reading.events] == [VisitFact, Record]


# ------------------------------------------------------------------ whose visit


def test_the_visit_number_falls_back_on_the_account() -> None:
    """Without PV1-19 the account number PID-18 is the visit; with both, PV1-19 wins."""
    rows = (orc(), DRUGS["RAS"], rxr("IV"))
    assert read(message("RAS^O17", *rows, visit="", account="ACC1")).visit == "ACC1"
    assert read(message("RAS^O17", *rows, visit='""', account="ACC1^4^M10")).visit == "ACC1"
    assert read(message("RAS^O17", *rows, visit="V1", account="ACC1")).visit == "V1"


def test_a_message_without_visit_is_set_aside() -> None:
    """The finding says in which fields a visit number was looked for."""
    reading = read(message("RAS^O17", orc(), DRUGS["RAS"], rxr("IV"), visit=""))
    assert (reading.visit, reading.events) == (None, ())
    assert reading.set_aside is not None
    assert (reading.set_aside.finding.code, reading.set_aside.finding.where) == (
        "visit.missing",
        "PV1-19.1, PID-18.1",
    )
    assert reading.set_aside.finding.found == "none of them valued"


def test_a_patient_update_without_visit_is_no_fault() -> None:
    """A31 is about a person and needs no visit; A08 is about a visit and is set aside."""
    assert read(adt("A31", visit="")).set_aside is None
    assert read(adt("A08", visit="")).set_aside is not None


def test_the_patient_is_the_medical_record_number() -> None:
    """The repetition of PID-3 with the type MR is taken, wherever it stands; else the first."""
    typed = adt("A04").replace(b"ZZ1^^^ZEBRA^MR", b"E5^^^ZEBRA^EI~ZZ1^^^ZEBRA^MR")
    untyped = adt("A04").replace(b"ZZ1^^^ZEBRA^MR", b"ZZ7~ZZ8")
    assert (fact(typed).patient, fact(untyped).patient) == ("ZZ1", "ZZ7")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("O", "outpatient"),
        ("obs", "observation"),
        ("R^x", "recurring"),
        ("Q", "unknown"),
        ("", None),
        ('""', None),
    ],
)
def test_the_class_of_the_visit(code: str, expected: str | None) -> None:
    """A class of the profile is translated, any other is `unknown`, an empty one is None."""
    assert fact(adt("A04", patient_class=code)).patient_class == expected


# ------------------------------------------------------------------ insurance and diagnoses


def with_rows(*rows: str) -> bytes:
    return adt("A04") + "".join(f"{row}\r" for row in rows).encode()


@pytest.mark.parametrize(
    ("row", "payer"),
    [
        ("IN1|1|PLAN9^Gold|ZEBRACARE^^^X|Zebra Care", "ZEBRACARE"),
        ("IN1|1|PLAN9^Gold||Zebra Care", "PLAN9"),
        ("IN1|1|||Zebra Care", None),
        ('IN1|1|PLAN9|""', ""),
    ],
    ids=["IN1-3", "IN1-2", "neither", "deleted"],
)
def test_the_payer_is_the_company_else_the_plan(row: str, payer: str | None) -> None:
    """IN1-3 is the payer, else IN1-2; without both it is None, and `""` deletes."""
    assert fact(with_rows(row)).payer == payer


def test_the_first_insurance_is_the_payer() -> None:
    """A second IN1 changes neither the payer nor its name."""
    visit = fact(with_rows("IN1|1|P1|ZEBRACARE|Zebra Care", "IN1|2|P2|YAKCARE|Yak Care"))
    assert (visit.payer, visit.payer_name) == ("ZEBRACARE", "Zebra Care")


def test_diagnoses_are_the_codes_in_their_order() -> None:
    """A code of DG1-3 that comes twice is kept once; a DG1 with a text only gives none."""
    rows = (
        "DG1|1||Z51.11^Chemo^I10",
        "DG1|2||C34.90^^I10",
        "DG1|3||Z51.11^Chemo^I10",
        "DG1|4||^Cough",
    )
    assert fact(with_rows(*rows)).diagnoses == ("Z51.11", "C34.90")
    assert fact(adt("A04")).diagnoses is None


def test_a_pharmacy_message_may_carry_insurance_and_diagnoses() -> None:
    """An RDE with IN1 and DG1 gives payer and diagnoses; an RDE without them gives None."""
    rows = (orc(), DRUGS["RDE"], rxr("IV"))
    plain = fact(message("RDE^O11", *rows))
    assert (plain.payer, plain.diagnoses) == (None, None)
    told = fact(message("RDE^O11", "DG1|1||Z51.11^^I10", "IN1|1|P1|ZEBRACARE", *rows))
    assert (told.payer, told.diagnoses) == ("ZEBRACARE", ("Z51.11",))


# ------------------------------------------------------------------ merges


@pytest.mark.parametrize("trigger", ["A34", "A36", "A40"])
def test_a_patient_merge_joins_two_numbers(trigger: str) -> None:
    """The patient of MRG-1 is merged into the one of PID-3."""
    merges = read(adt(trigger, prior_patient="ZZ9")).merges
    patients = [merge for merge in merges if isinstance(merge, PatientMerge)]
    assert [(merge.prior, merge.surviving) for merge in patients] == [("ZZ9", "ZZ1")]


@pytest.mark.parametrize("trigger", ["A35", "A36", "A41"])
def test_a_visit_merge_joins_two_visits(trigger: str) -> None:
    """The visit of MRG-5, or the account of MRG-3, is merged into the visit of the message."""
    by_visit = adt(trigger, prior_visit="V9")
    by_account = adt(trigger, prior_patient="ZZ9").replace(
        b"MRG|ZZ9^^^ZEBRA^MR", b"MRG|ZZ9^^^ZEBRA^MR||V9"
    )
    for data in (by_visit, by_account):
        merges = [merge for merge in read(data).merges if isinstance(merge, VisitMerge)]
        assert [(merge.prior, merge.surviving) for merge in merges] == [("V9", "V1")]


def test_an_account_that_moves_leaves_its_former_patient() -> None:
    """A44 moves visit V1 from ZZ9 to ZZ1; the two patients are not merged."""
    data = adt("A44", prior_patient="ZZ9", prior_visit="V1")
    assert read(data).merges == ()
    assert (fact(data).patient, fact(data).replaces_patient) == ("ZZ1", "ZZ9")


def test_every_pair_of_a_patient_merge_is_read() -> None:
    """A40 may repeat PID and MRG: two pairs are two merges (HL7 v2.5 structure ADT_A39)."""
    data = adt("A40", prior_patient="ZZ9", visit="")
    data += b"PID|2||ZZ2^^^ZEBRA^MR||TESTPATIENT^YAK\rMRG|ZZ8^^^ZEBRA^MR\r"
    merges = [(merge.prior, merge.surviving) for merge in read(data).merges]
    assert merges == [("ZZ9", "ZZ1"), ("ZZ8", "ZZ2")]


# ------------------------------------------------------------------ what belongs together


def test_two_administrations_of_one_order_have_their_own_routes() -> None:
    """ORC RXA RXR RXA RXR: one dose into the vein and one under the skin, both of order R1."""
    data = ras(
        orc(),
        rxa("ONDANSETRON", "8 mg", "0900"),
        rxr("IV"),
        rxa("ONDANSETRON", "8 mg", "1000", number=2),
        rxr("SC"),
    )
    charted = records(data)
    assert [(row.order, row.sub_id, row.route, row.ordinal) for row in charted] == [
        ("R1", "1", "intravenous", 1),
        ("R1", "2", "subcutaneous", 2),
    ]


def test_administrations_before_one_route_share_it() -> None:
    """RXA RXA RXR are two drugs by one route, as RAS_O17 of the standard allows."""
    data = ras(
        orc(),
        rxa("ONDANSETRON", "8 mg", "0900"),
        rxa("FAMOTIDINE", "20 mg", "0902", number=2),
        rxr("IV"),
    )
    assert [record.route for record in records(data)] == ["intravenous", "intravenous"]


def test_a_route_before_the_first_administration_is_the_order_s() -> None:
    """In ORC RXO RXR RXA the route is the order's; an RXR after the RXA wins over it."""
    ordered = (orc(), "RXO|VANCOMYCIN^^L", rxr("IV"), rxa("VANCOMYCIN", "1 g", "0900"))
    assert [record.route for record in records(ras(*ordered))] == ["intravenous"]
    assert [record.route for record in records(ras(*ordered, rxr("IM")))] == ["intramuscular"]


def test_components_belong_to_the_administration_before_them() -> None:
    """Each of two bags has the base and additives of its own RXC, with their places."""
    data = ras(
        orc(),
        rxa("BAG", "1 each", "0900"), rxr("IV"),
        rxc("B", "D5W", "250 mL"), rxc("A", "ONDANSETRON", "8 mg"),
        rxa("BAG", "1 each", "1000", number=2), rxr("IV"), rxc("A", "FAMOTIDINE", "20 mg"),
    )  # fmt: skip
    first, second = records(data)
    assert [(drug.codes[0], drug.component, drug.address) for drug in first.drugs] == [
        ("BAG", "", "RXA[1]-5"),
        ("D5W", "base", "RXA[1]/RXC[1]-2"),
        ("ONDANSETRON", "additive", "RXA[1]/RXC[2]-2"),
    ]
    assert [drug.codes[0] for drug in second.drugs] == ["BAG", "FAMOTIDINE"]


def test_two_orders_in_one_message_stay_apart() -> None:
    """Each ORC begins an order with its own RXA; the RXA of a message are numbered 1, 2, ..."""
    data = ras(
        orc("R1"),
        rxa("VANCOMYCIN", "1 g", "0900"),
        rxr("IV"),
        orc("R2"),
        rxa("CEFEPIME", "2 g", "1000"),
        rxr("IM"),
    )
    assert [
        (record.order, record.drugs[0].codes[0], record.route, record.ordinal)
        for record in records(data)
    ] == [
        ("R1", "VANCOMYCIN", "intravenous", 1),
        ("R2", "CEFEPIME", "intramuscular", 2),
    ]


def test_an_administration_without_order_is_not_lost() -> None:
    """Without ORC the order is `~` and the drug's code, so that its records stay together."""
    data = ras(
        rxa("VANCOMYCIN", "1 g", "0900"),
        rxr("IV"),
        rxa("CEFEPIME", "2 g", "1000", number=2),
        rxr("IV"),
    )
    assert [(record.order, record.drugs[0].codes[0]) for record in records(data)] == [
        ("~VANCOMYCIN", "VANCOMYCIN"),
        ("~CEFEPIME", "CEFEPIME"),
    ]


def test_an_order_says_its_drug_its_minutes_and_where_they_stand() -> None:
    """The minutes come from TQ1-6, else from RXE-1, else from volume and rate.

    250 mL at 125 mL/hr run 120 minutes.
    """
    rxe = segment(
        "RXE", {1: "^^M90", 2: "VANCOMYCIN^^L", 3: "250", 5: "mL", 23: "125", 24: "mL/hr"}
    )
    for row, timing, expected in (
        (rxe, "TQ1|1|||||2^h", (120, "TQ1[1]-6")),
        (rxe, "TQ1|1|||||45^min", (45, "TQ1[1]-6")),
        (rxe, "TQ1|1||||||", (90, "RXE-1")),
        (rxe.replace("^^M90", ""), "TQ1|1", (120, "RXE-23")),
        (DRUGS["RDE"], "TQ1|1", (None, "")),
    ):
        (order,) = [
            event
            for event in read(message("RDE^O11", orc(), row, timing, rxr("IV"))).events
            if isinstance(event, OrderFact)
        ]
        assert (order.minutes, order.minutes_address) == expected


@pytest.mark.parametrize("duration", ["9" * 18, "1" + "0" * 17])
def test_an_order_of_a_million_years_stops_nothing(duration: str) -> None:
    """An absurd duration is left out or refused, and two bags of the order are still placed."""
    data = [
        message("RDE^O11", orc(), DRUGS["RDE"], f"TQ1|1|||||{duration}^min", rxr("IV")),
        *(
            ras(orc(), rxa("VANCOMYCIN", "1 g", time, note="New Bag^^L"), rxr("IV"))
            for time in ("0900", "1000")
        ),
    ]
    assert fold([read(raw) for raw in data], base_rules())[VisitKey("ZEBRA", "V1")].days


# ------------------------------------------------------------------ fields of an administration


def test_a_reason_for_refusing_means_not_given() -> None:
    """A reason of refusal in RXA-18 wins over `CP` in RXA-20."""
    data = ras(
        orc(),
        rxa("VANCOMYCIN", "1 g", "0900", refused="00^Parent decision^NIP002", completion="CP"),
        rxr("IV"),
    )
    assert records(data)[0].completion == "not_given"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("CP", "complete"), ("PA", "partial"), ("RE", "not_given"), ("NA", "not_given"), ("", "")],
)
def test_the_completion_is_translated(code: str, meaning: str) -> None:
    """RXA-20 has the words of HL7 table 0322."""
    data = ras(orc(), rxa("VANCOMYCIN", "1 g", "0900", completion=code), rxr("IV"))
    assert records(data)[0].completion == meaning


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("A", "add"), ("U", "update"), ("D", "delete"), ("X", "add"), ("", "add"), ('""', "add")],
)
def test_the_status_is_translated(code: str, meaning: str) -> None:
    """RXA-21 has the words of HL7 table 0323; an empty one means a new record."""
    data = ras(orc(), rxa("VANCOMYCIN", "1 g", "0900", status=code), rxr("IV"))
    assert records(data)[0].status == meaning


def test_an_unknown_status_costs_its_own_record_only() -> None:
    """A record with the status Q is unreadable, because Q could add or delete; the next is read."""
    data = ras(
        orc(), rxa("VANCOMYCIN", "1 g", "0900", status="Q"), rxr("IV"),
        rxa("CEFEPIME", "2 g", "1000", number=2), rxr("IV"),
    )  # fmt: skip
    (problem,) = unreadable(data)
    assert (problem.finding.code, problem.finding.where) == ("status.unknown", "RXA[1]-21")
    assert (problem.finding.expected, problem.finding.found) == (
        "one of A, D, U, X",
        "1 character, letters",
    )
    assert [record.drugs[0].codes[0] for record in records(data)] == ["CEFEPIME"]


@pytest.mark.parametrize("amount", ["ten", "1,000", "1e3", "1.2.3", "--5", "nan", "9" * 19])
def test_an_amount_that_is_no_number_has_a_shape(amount: str) -> None:
    """`ten`, `1,000`, `1e3` and 19 digits give no amount; only their shapes are shown."""
    (record,) = records(ras(orc(), rxa("VANCOMYCIN", f"{amount} mg", "0900"), rxr("IV")))
    (drug,) = record.drugs
    assert (drug.amount, drug.unit, drug.amount_address) == (None, "mg", "RXA[1]-6")
    assert drug.unreadable.startswith(f"{len(amount)} characters, ")


@pytest.mark.parametrize(
    ("amount", "number"), [("250", "250"), ("0.5", "0.5"), (".5", "0.5"), (" 8 ", "8"), ("", None)]
)
def test_an_amount_is_exact(amount: str, number: str | None) -> None:
    """0.5 stays exactly 0.5, and an empty amount is None."""
    data = ras(
        orc(),
        segment("RXA", {2: "1", 3: "202603020900", 5: "VANCOMYCIN^^L", 6: amount, 7: "mg"}),
        rxr("IV"),
    )
    assert records(data)[0].drugs[0].amount == (Decimal(number) if number else None)


def test_deleted_fields_say_nothing() -> None:
    """`""` in RXA-4, -6, -7, -9, -12, -18, -20, -21 and -22 counts as empty."""
    fields = dict.fromkeys((4, 6, 7, 9, 12, 18, 20, 21, 22), '""')
    data = ras(
        orc(), segment("RXA", {2: "1", 3: "202603020900", 5: "VANCOMYCIN^^L"} | fields), rxr("IV")
    )
    (record,) = records(data)
    assert unreadable(data) == []
    assert (record.until, record.action, record.rate, record.completion) == (None, "", "", "")
    assert (record.status, record.recorded) == ("add", None)
    assert (record.drugs[0].amount, record.drugs[0].unit) == (None, "")


def test_a_deleted_drug_is_the_order_s() -> None:
    """`""` in RXA-5 names no drug, so the drug is that of the order."""
    data = ras(orc(), segment("RXA", {2: "1", 3: "202603020900", 5: '""'}), rxr("IV"))
    assert records(data)[0].drugs == ()


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("", "time.missing"),
        ('""', "time.missing"),
        ("20260302", "time.imprecise"),
        ("202603080230", "time.impossible"),
    ],
)
def test_a_record_without_a_minute_cannot_be_placed(start: str, code: str) -> None:
    """An RXA-3 that is empty, deleted, a day only or skipped by summer time is unreadable."""
    (problem,) = unreadable(
        ras(orc(), segment("RXA", {2: "1", 3: start, 5: "VANCOMYCIN^^L"}), rxr("IV"))
    )
    assert (problem.finding.code, problem.finding.where) == (code, "RXA[1]-3")


def test_a_rate_of_nothing_is_a_pause() -> None:
    """`Rate Change` to 0 mL/hr is a pause; to 50 mL/hr it is a change of rate."""
    for rate, action in (
        ("0 mL/hr", "pause"),
        ("0", "pause"),
        ("0.0", "pause"),
        ("50 mL/hr", "rate"),
        ("", "rate"),
    ):
        data = ras(
            orc(), rxa("VANCOMYCIN", "", "0900", note="Rate Change^^L", rate=rate), rxr("IV")
        )
        assert records(data)[0].action == action


def test_words_mark_fluid_that_only_keeps_the_vein_open() -> None:
    """`KVO` and `flush` as words of RXA-9 give the purpose; `flushed` does not."""
    for note, purpose in (
        ("KVO", "keep_open"),
        ("saline flush", "flush"),
        ("flushed face", ""),
        ("", ""),
    ):
        data = ras(orc(), rxa("SALINE", "10 mL", "0900", note=note), rxr("IV"))
        assert records(data)[0].purpose == purpose


def test_escaped_characters_of_a_drug_are_what_they_mean() -> None:
    r"""`\T\` in a name is an ampersand, and the alternate code is a code as well."""
    row = r"RXA|0|1|202603020900||D1^IRON \T\ SUGAR^L^D2^^LL|1|g"
    (drug,) = records(ras(orc(), row, rxr("IV")))[0].drugs
    assert (drug.codes, drug.text) == (("D1", "D2"), "IRON & SUGAR")
