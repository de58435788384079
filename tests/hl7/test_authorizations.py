"""What messages say of authorizations: REF and RPA with AUT, IN3, Z segments, and bad parts."""

from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine import Authorization, Reading, Unreadable, VisitFact
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory

PROFILE = make_profile(read_interface(rules_directory(), "standard"))
HEAD = "MSH|^~\\&|PAYER|ZEBRA|||202602010800||{kind}|M1|P|2.5.1\r"
PERSON = "PID|1||ZZ1^^^ZEBRA^MR\rIN1|1|PLAN|AETNA|Aetna\rDG1|1||C34.90\r"
AUT = "AUT|PLAN|AETNA|Aetna|20260101|20260630|A77||{asked}|{granted}\r"


def read(body: str, kind: str = "REF^I12", profile: object = PROFILE) -> Reading:
    return read_events(read_message((HEAD.format(kind=kind) + body).encode()), profile)  # type: ignore[arg-type]


def told(reading: Reading) -> list[Authorization]:
    return [event for event in reading.events if isinstance(event, Authorization)]


def test_a_referral_is_kept_under_a_visit_named_for_its_number() -> None:
    """REF^I12 with AUT and PR1: number, code, payer, diagnosis, days and units."""
    reading = read("RF1|A\r" + PERSON + "PR1|1||J9271\r" + AUT.format(asked="", granted="800"))
    assert (reading.visit, reading.set_aside) == ("AUTH.A77", None)
    (entry,) = told(reading)
    assert (entry.number, entry.codes, entry.payer) == ("A77", ("J9271",), "AETNA")
    assert (entry.starts, entry.until) == (date(2026, 1, 1), date(2026, 6, 30))
    assert (entry.units, entry.status, entry.diagnoses) == (Decimal(800), "approved", ("C34.90",))


@pytest.mark.parametrize(
    ("state", "status"),
    [
        *(("P", "pended"), ("R", "denied"), ("E", "expired")),
        *(("A1", "approved"), ("A2", "modified"), ("A3", "denied"), ("A4", "pended")),
        *(("A6", "modified"), ("C", "cancelled"), ("CT", "pended")),
        *(("cancelled", "cancelled"), ("Canceled", "cancelled"), ("VOID", "cancelled")),
        *(("withdrawn", "cancelled"), (" Certified  in total ", "approved")),
    ],
)
def test_the_life_cycle_is_that_of_the_profile(state: str, status: str) -> None:
    """RF1-1 by the table [authorization_states]."""
    body = f"RF1|{state}\r" + PERSON + AUT.format(asked="800", granted="")
    assert [entry.status for entry in told(read(body, "RPA^I08"))] == [status]


@pytest.mark.parametrize(("asked", "granted"), [("800", ""), ("", "800"), ("", "")])
def test_a_referral_without_a_status_is_a_request(asked: str, granted: str) -> None:
    """REF^I12: somebody asked, and nobody has answered, whatever the counts (AUT-8, AUT-9) are."""
    (entry,) = told(read(PERSON + AUT.format(asked=asked, granted=granted)))
    assert (entry.status, entry.unsaid) == ("requested", ())


def test_a_cancelled_referral_is_over() -> None:
    """REF^I14 cancels: what was asked for or granted ends."""
    (entry,) = told(read(PERSON + AUT.format(asked="800", granted=""), "REF^I14"))
    assert entry.status == "cancelled"


@pytest.mark.parametrize("kind", ["REF^I12", "RPA^I08"])
@pytest.mark.parametrize("word", ["NA", "OVERTURNED", "51"])
def test_a_word_that_nobody_knows_grants_nothing_and_is_not_lost(word: str, kind: str) -> None:
    """It is asked about what was decided; number, codes, days and units stay on file."""
    body = f"RF1|{word}\r" + PERSON + "PR1|1||J9271\r" + AUT.format(asked="", granted="800")
    reading = read(body, kind)
    (entry,) = told(reading)
    assert (entry.status, entry.unclear, entry.unusable) == ("", ("status",), ("status",))
    assert (entry.codes, entry.units, entry.since) == (("J9271",), 800, date(2026, 2, 1))
    assert not [event for event in reading.events if isinstance(event, Unreadable)]


@pytest.mark.parametrize(
    ("state", "is_kept"), [("R", True), ("C", True), ("P", True), ("A", False), ("", True)]
)
@pytest.mark.parametrize("day", ["20260101", "20260630"])
def test_a_refusal_with_a_bad_day_still_refuses(day: str, state: str, is_kept: bool) -> None:
    """A grant whose days nobody can read is none; a refusal is one, and the day is told.

    So is an answer without a decision.
    """
    aut = AUT.format(asked="", granted="800").replace(day, "20260631")
    reading = read(f"RF1|{state}\r" + PERSON + "PR1|1||J9271\r" + aut, "RPA^I08")
    assert len(told(reading)) == is_kept
    (bad,) = [event for event in reading.events if isinstance(event, Unreadable)]
    assert bad.finding.code == "time.impossible"


@pytest.mark.parametrize(("asked", "granted"), [("800", ""), ("", "800"), ("", "")])
def test_an_answer_without_a_status_grants_nothing(asked: str, granted: str) -> None:
    """RPA^I08 with neither AUT-14 nor RF1-1: what was decided is asked, and never assumed."""
    (entry,) = told(
        read("MSA|AA|A77\r" + PERSON + AUT.format(asked=asked, granted=granted), "RPA^I08")
    )
    assert (entry.status, entry.unclear[0]) == ("", "status")


def test_each_code_has_its_own_count_where_each_has_its_aut() -> None:
    """Two PR1, each with an AUT of one number, are two parts of it."""
    body = PERSON + "".join(
        f"PR1|{place}||{code}\r" + AUT.format(asked="", granted=units)
        for place, (code, units) in enumerate([("J9271", "800"), ("J9305", "320")], 1)
    )
    assert [(entry.item, entry.units) for entry in told(read(body))] == [
        ("J9271", Decimal(800)),
        ("J9305", Decimal(320)),
    ]


def test_an_aut_of_the_head_is_of_the_referral_as_a_whole() -> None:
    """RF1 AUT before PID: it is of all procedures that have no AUT of their own."""
    procedures = "PR1|1||J9271\rPR1|2||J9305\r"
    (entry,) = told(read("RF1|A\r" + AUT.format(asked="", granted="800") + PERSON + procedures))
    assert (entry.item, entry.codes) == ("", ("J9271", "J9305"))


def test_an_aut_behind_its_procedure_is_a_part_of_the_number() -> None:
    """PR1 AUT by itself: other codes of the number may come in other messages."""
    (entry,) = told(read(PERSON + "PR1|1||J9271\r" + AUT.format(asked="", granted="800")))
    assert (entry.item, entry.codes) == ("J9271", ("J9271",))


def test_several_procedures_before_one_aut_have_one_count() -> None:
    """PR1 PR1 AUT: 800 for both together."""
    procedures = "PR1|1||J9271\rPR1|2||J9305\r"
    (entry,) = told(read(PERSON + procedures + AUT.format(asked="", granted="800")))
    assert (entry.item, entry.codes) == ("J9271,J9305", ("J9271", "J9305"))


def test_a_quantity_says_what_it_counts() -> None:
    """CQ of 2.7 and later: 5^VS are visits, and 800^UN are units."""
    for quantity, basis in (("5^VS", "visits"), ("800^UN", "units"), ("800", "")):
        (entry,) = told(read(PERSON + AUT.format(asked="", granted=quantity)))
        assert (entry.units, entry.basis) == (Decimal(quantity.partition("^")[0]), basis)


PROVIDERS = "PRD|RP^^HL70286|DOE|||||1999999999^NPI\rPRD|RT^^HL70286||||||{npi}^NPI\r"


def test_the_provider_is_the_one_that_is_referred_to() -> None:
    """PRD RT and not PRD RP; from 2.8 on AUT-24 and AUT-23 say who and where."""
    (entry,) = told(
        read(PROVIDERS.format(npi="1234567893") + PERSON + AUT.format(asked="", granted="9"))
    )
    assert (entry.provider, entry.site) == ("1234567893", "")
    place = "PRD|RT||| ^^^ZEBRA TOWER\r"
    (entry,) = told(read(place + PERSON + AUT.format(asked="", granted="9")))
    assert (entry.provider, entry.site) == ("", "ZEBRA TOWER")
    aut = AUT.format(asked="", granted="9").rstrip("\r") + "|" * 14 + "ZEBRA TOWER|1234567893\r"
    (entry,) = told(read(PERSON + aut))
    assert (entry.provider, entry.site) == ("1234567893", "ZEBRA TOWER")


def test_it_is_pended_and_denied_since_the_payer_said_so() -> None:
    """AUT-10, else the time of the message; a request has no decision."""
    said = {}
    for state in ("P", "R", "REQUESTED"):
        (entry,) = told(read(f"RF1|{state}\r" + PERSON + AUT.format(asked="800", granted="")))
        said[state] = (entry.requested, entry.decided)
    sent = read(PERSON + AUT.format(asked="", granted="9")).message.sent
    assert said == {"P": (None, sent), "R": (None, sent), "REQUESTED": (sent, None)}


def test_a_state_counts_from_the_day_on_which_it_was_told() -> None:
    """AUT-10, else MSH-7, in the facility's zone; an end that lies before that counts itself."""
    days = {}
    for state in ("E", "R", "A6"):
        aut = AUT.format(asked="", granted="9").rstrip("\r") + "|202601200300\r"
        (entry,) = told(read(f"RF1|{state}\r" + PERSON + aut, "RPA^I08"))
        days[state] = entry.since
    assert days == {"E": date(2026, 1, 20), "R": date(2026, 1, 20), "A6": date(2026, 1, 1)}
    (entry,) = told(
        read(
            "RF1|E\r" + PERSON + AUT.format(asked="", granted="9").replace("20260630", "20260110"),
            "RPA^I08",
        )
    )
    assert entry.since == date(2026, 1, 11)


def test_a_referral_without_a_number_is_set_aside() -> None:
    """Nobody can say which authorization is meant."""
    reading = read(PERSON + "PR1|1||J9271\r")
    assert reading.set_aside is not None
    assert reading.set_aside.finding.code == "authorization.no_number"


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (AUT.format(asked="", granted="800").replace("20260630", "20260631"), "time.impossible"),
        (AUT.format(asked="", granted="800").replace("20260101", "first"), "time.impossible"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_reason(part: str, code: str) -> None:
    """A day that no calendar has, and a word in place of one."""
    events = read(PERSON + part).events
    assert [event.finding.code for event in events if isinstance(event, Unreadable)] == [code]


def test_registration_tells_one_in_in3() -> None:
    """IN3 of an ADT, with the payer of the IN1 before it; it belongs to the visit."""
    body = (
        "EVN|A08\rPID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\r"
        "IN1|1|PLAN|AETNA|Aetna\rIN3|1|A9|||||||20260101|20260630\r"
    )
    reading = read(body, "ADT^A08")
    (entry,) = told(reading)
    assert (reading.visit, entry.number, entry.payer) == ("V1", "A9", "AETNA")
    assert (entry.starts, entry.until) == (date(2026, 1, 1), date(2026, 6, 30))
    assert entry.status == "", "registration does not say whether the payer has decided"


@pytest.mark.parametrize(
    ("written", "numbers", "words"),
    [
        *((word, (), (word,)) for word in ("NONE", "n/a", "0", "000", "PENDING", "-", "TBD")),
        ("A77", ("A77",), ()),
        ("10020", ("10020",), ()),
        ("", None, ()),
    ],
)
def test_a_word_in_place_of_a_number_is_no_authorization(
    written: str, numbers: tuple[str, ...] | None, words: tuple[str, ...]
) -> None:
    """IN1-14 of registration: NONE and its like, and noughts; they are kept to be told."""
    body = "EVN|A08\rPID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\r"
    body += f"IN1|1|PLAN|AETNA|Aetna||||||||||{written}\r"
    (fact,) = [event for event in read(body, "ADT^A08").events if isinstance(event, VisitFact)]
    assert (fact.authorizations, fact.not_numbers) == (numbers, words)


def test_a_site_says_which_words_are_no_numbers() -> None:
    """`no_authorization` of the profile takes the place of our list."""
    table = {**read_interface(rules_directory(), "standard"), "no_authorization": ["keine"]}
    body = "EVN|A08\rPID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\rIN1|1|PLAN|AETNA|Aetna"
    for word, numbers in (("KEINE", ()), ("NONE", ("NONE",))):
        reading = read(f"{body}||||||||||{word}\r", "ADT^A08", make_profile(table))
        (fact,) = [event for event in reading.events if isinstance(event, VisitFact)]
        assert fact.authorizations == numbers


@pytest.mark.parametrize("granted", ["two hundred^UN", "8x0", "-80", "800^BOXES"])
def test_units_that_are_none_are_asked_and_grant_nothing(granted: str) -> None:
    """It stays on file with its number, codes and days, and is not without a limit."""
    body = "RF1|A\r" + PERSON + "PR1|1||J9271\r" + AUT.format(asked="", granted=granted)
    (entry,) = told(read(body))
    assert (entry.units, entry.unclear, entry.codes) == (None, ("units",), ("J9271",))


def test_an_answer_without_codes_is_asked_for_them() -> None:
    """RPA without PR1: not all codes in silence; a refusal needs none."""
    aut = AUT.format(asked="", granted="800")
    for state, unclear in (("A", ("codes",)), ("R", ())):
        (entry,) = told(read(f"RF1|{state}\r" + PERSON + aut, "RPA^I08"))
        assert entry.unclear == unclear


def test_a_site_tells_one_in_a_segment_of_its_own() -> None:
    """ZAU by the table [authorization] of the profile."""
    table = {
        **read_interface(rules_directory(), "standard"),
        "authorization": {
            "number": ["ZAU-1"],
            "code": ["ZAU-2"],
            "units": ["ZAU-3"],
            "basis": ["ZAU-4"],
        },
    }
    body = "EVN|A08\rPID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\rZAU|A5|J9271|800|VS\r"
    (entry,) = told(read(body, "ADT^A08", make_profile(table)))
    assert (entry.number, entry.codes, entry.units) == ("A5", ("J9271",), Decimal(800))
    assert entry.basis == "visits"


@pytest.mark.parametrize(
    ("segment", "npis"),
    [
        ("PV1|1|O|CLINIC^^^TOWER||||1234567893^DOE~Z77||||||||||||V1\r", ("1234567893",)),
        (
            "PV1|1|O|CLINIC^^^TOWER||||Z77^DOE||||||||||||V1\rORC|RE|||||||||||1999999984\r",
            ("1999999984",),
        ),
        ("PV1|1|O|CLINIC^^^TOWER||||||||||||||||V1\r", ()),
    ],
)
def test_who_treats_the_patient_is_known_by_npi(segment: str, npis: tuple[str, ...]) -> None:
    """PV1-7 and ORC-12; a local number is no NPI. PV1-3 says the clinic and its facility."""
    body = "PID|1||ZZ1^^^ZEBRA^MR\r" + segment
    (fact,) = [event for event in read(body, "RAS^O17").events if isinstance(event, VisitFact)]
    assert fact.practitioners == npis
    assert (fact.place, fact.site) == ("CLINIC", "TOWER")


def test_a_code_in_small_letters_is_the_same_code() -> None:
    """Portals write j9271; one written both ways is one."""
    body = "RF1|A\r" + PERSON + "PR1|1||j9271\rPR1|2||J9271\r" + AUT.format(asked="", granted="1")
    (entry,) = told(read(body, "RPA^I08"))
    assert (entry.codes, entry.item) == (("J9271",), "J9271")
