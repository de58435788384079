"""Claims about interface profiles: a site's words and addresses are used, its mistakes reported.

Each test changes the shipped profile `standard` as a site might.
"""

import copy
from collections.abc import Iterable
from typing import Any

import pytest

from chargeline.engine import Record
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import read_interface
from chargeline.rulebook.location import rules_directory
from tests.golden.messages import message, orc, rxa, rxr, segment


def table(**changes: object) -> dict[str, Any]:
    """The standard profile with other values; `administration__line` is `line` in that table."""
    changed = copy.deepcopy(read_interface(rules_directory(), "standard"))
    for name, value in changes.items():
        place: dict[str, Any] = changed
        *outer, last = name.split("__")
        for key in outer:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return changed


def mistakes(**changes: object) -> str:
    with pytest.raises(Hl7Error) as caught:
        make_profile(table(**changes))
    error = caught.value
    assert error.finding.code == "profile.invalid"
    assert error.finding.do == "correct these keys"
    return error.finding.found


def records(data: bytes, **changes: object) -> list[Record]:
    reading = read_events(read_message(data), make_profile(table(**changes)))
    assert reading.set_aside is None
    return [event for event in reading.events if isinstance(event, Record)]


def only(records_read: Iterable[Record]) -> Record:
    (record,) = records_read
    return record


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize("name", ["standard", "action-stream"])
def test_the_shipped_profiles_are_in_order(name: str) -> None:
    """Both shipped profiles load, with the names of their folders."""
    assert make_profile(read_interface(rules_directory(), name)).name == name


def test_all_mistakes_of_a_profile_come_together() -> None:
    """Seven mistakes in seven places are reported at once."""
    reported = mistakes(
        zone="Mars/Olympus",
        empty_end="maybe",
        stripes=12,
        visit=["PV1"],
        administration__action=["PV1-2"],
        actions__hung="hang",
        routes=None,
    ).split("; ")
    assert len(reported) == 7
    for said in (
        "zone must be an IANA time zone such as America/New_York",
        "empty_end must be one of at_once, running",
        "key 'stripes' is not one of ",
        "visit: 'PV1' cannot be read, expected a field such as PV1-19.1",
        "action: 'PV1-2' cannot be read, expected a field of RXA or a field of ORC or a field of Z "
        "of one's own or OBX:CODE",
        "[actions] hung = 'hang' is not one of bolus, given, ",
        "table [routes] is missing",
    ):
        assert [mistake for mistake in reported if mistake.startswith(said)], said


def test_the_profile_is_named() -> None:
    """The error names the profile."""
    with pytest.raises(Hl7Error) as caught:
        make_profile(table(name="zebra", zone=""))
    assert caught.value.finding.where == "the profile zebra"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"visit": "PV1-19.1"}, "visit must be a list of texts"),
        (
            {"order__number": ["ORC-3-1"]},
            "number: 'ORC-3-1' cannot be read, expected a field of ORC",
        ),
        ({"order__stripes": []}, "key 'stripes' is not one of number"),
        ({"administration": None}, "table [administration] is missing"),
        (
            {"completion__CP": "done"},
            "[completion] CP = 'done' is not one of complete, not_given, partial",
        ),
        ({"classes__O": "in"}, "[classes] O = 'in' is not one of emergency, "),
        ({"actions__hung": ["start"]}, "[actions] hung = ['start'] is not one of "),
        ({"zone": "America"}, "zone must be an IANA time zone"),
        ({"zone": "../UTC"}, "zone must be an IANA time zone"),
        ({"name": None}, "name must be a text"),
    ],
    ids=str,
)
def test_each_mistake_says_what_was_expected(changes: dict[str, object], said: str) -> None:
    """A wrong kind of value, address, key, table, word or zone is told with what was expected."""
    assert said in mistakes(**changes)


@pytest.mark.parametrize(
    ("name", "address", "read"),
    [("action", "ZRX-5.1", "stop"), ("line", "ZRX-2.1", "PORT"), ("device", "ZRX-3.1", "pump")],
)
def test_an_address_is_read_or_refused(name: str, address: str, read: str) -> None:
    """An address of a profile is either read or refused, and never ignored without a word."""
    data = message(
        "RAS^O17", segment("ORC", {1: "RE", 3: "R1", 5: "PAUSED"}),
        rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV"), "ZRX|1|PORT|INFUSION-PUMP||STOPPED",
    )  # fmt: skip
    try:
        record = only(records(data, **{f"administration__{name}": [address]}))
    except Hl7Error as error:
        assert error.finding.code == "profile.invalid"
        assert address in error.finding.found
    else:
        assert getattr(record, name) == read


# ------------------------------------------------------------------ a site's own words


def test_a_site_has_its_own_words_for_actions() -> None:
    """`Hung` starts and `Down` stops, in any case of letters."""
    words = {"actions": {"hung": "start", "DOWN": "stop"}}
    for word, meaning in (("HUNG", "start"), ("Hung", "start"), ("down", "stop"), ("New Bag", "")):
        data = message(
            "RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900", note=f"{word}^^L"), rxr("IV")
        )
        assert only(records(data, **words)).action == meaning


def test_the_first_place_with_a_known_word_is_the_action() -> None:
    """`CP` in RXA-20 means nothing as an action, so ORC-5 is asked."""
    data = message(
        "RAS^O17",
        segment("ORC", {1: "RE", 3: "R1", 5: "PAUSED"}),
        rxa("VANCOMYCIN", "", "0900"),
        rxr("IV"),
    )
    record = only(records(data, administration__action=["RXA-20.1", "ORC-5.1"]))
    assert (record.action, record.action_address) == ("pause", "ORC-5")


def test_an_action_remembers_which_administration_said_it() -> None:
    """The word of the second RXA stands in RXA[2]-9."""
    data = message(
        "RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900", note="New Bag^^L"), rxr("IV"),
        rxa("VANCOMYCIN", "", "1000", number=2, note="Stopped^^L"), rxr("IV"),
    )  # fmt: skip
    actions = [(record.action, record.action_address) for record in records(data)]
    assert actions == [("start", "RXA[1]-9"), ("stop", "RXA[2]-9")]


def test_a_site_has_its_own_routes_methods_devices_and_classes() -> None:
    """Words of the site's tables are translated; without them a route is kept as text only."""
    data = message(
        "RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900"),
        segment("RXR", {1: "VEIN", 3: "ZPUMP", 4: "SLOW"}), patient_class="DAY",
    )  # fmt: skip
    changes = {
        "routes__VEIN": "intravenous",
        "methods__SLOW": "infusion",
        "devices__ZPUMP": "portable_pump",
    }  # fmt: skip
    record = only(records(data, **changes))
    assert (record.route, record.method, record.device) == (
        "intravenous",
        "infusion",
        "portable_pump",
    )
    plain = only(records(data))
    assert (plain.route, plain.route_text, plain.method, plain.device) == ("", "VEIN", "", "")


def test_a_number_of_the_administration_in_rxa_is_read() -> None:
    """The number in RXA-2.2, if the site's profile names that address, is the record's own."""
    data = message("RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV"))
    data = data.replace(b"RXA|0|1|", b"RXA|0|1^MAR77|")
    assert only(records(data, administration__local_number=["RXA-2.2"])).local_number == "MAR77"


def test_a_number_of_the_administration_in_a_z_segment_is_read() -> None:
    """The Z segment that follows an RXA belongs to it: two RXA have two numbers."""
    data = message(
        "RAS^O17", orc(),
        rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV"), "ZMA|1|MAR77",
        rxa("CEFEPIME", "1 g", "1000", number=2), rxr("IV"), "ZMA|1|MAR78",
    )  # fmt: skip
    numbered = records(data, administration__local_number=["ZMA-2.1"])
    assert [record.local_number for record in numbered] == ["MAR77", "MAR78"]


def test_the_visit_may_stand_elsewhere() -> None:
    """The first of the site's addresses that is valued wins, in a Z segment or in PV1."""
    data = message(
        "RAS^O17", "ZVN|1|VIS9^X", orc(), rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV"), visit="V1"
    )
    for places, expected in (
        (["ZVN-2.1"], "VIS9"),
        (["ZVN-9.1", "PV1-19.1"], "V1"),
        (["ZVN-2.2"], "X"),
    ):
        reading = read_events(read_message(data), make_profile(table(visit=places)))
        assert reading.visit == expected


def test_the_facility_may_stand_elsewhere() -> None:
    """The facility is MSH-6 if the site's profile says so, and MSH-4 by default."""
    data = message("RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV")).replace(
        b"|CHARGELINE|ZEBRA|", b"|CHARGELINE|YAK|"
    )
    assert (
        read_events(read_message(data), make_profile(table(facility=["MSH-6.1"]))).facility == "YAK"
    )
    assert read_events(read_message(data), make_profile(table())).facility == "ZEBRA"


def test_the_order_number_is_the_first_valued() -> None:
    """The filler number comes before the placer number, unless the site turns them round."""
    data = message("RAS^O17", orc("R1"), rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV"))
    assert only(records(data)).order == "R1"
    assert only(records(data, order__number=["ORC-2.1", "ORC-3.1"])).order == "PR1"
    assert only(records(data, order__number=["ORC-4.1", "ORC-2.1"])).order == "PR1"


def test_the_zone_of_the_profile_moves_the_wall_clock() -> None:
    """9:00 is 14:00 UTC in New York and 15:00 in Chicago."""
    data = message("RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV"))
    hours = [
        only(records(data, zone=zone)).at.hour for zone in ("America/New_York", "America/Chicago")
    ]
    assert hours == [14, 15]


@pytest.mark.parametrize(
    "text", ["PICC-proximal", "PICC RED", "picc distal lumen", "PICC_DISTAL", "PICC"]
)
def test_the_line_is_read_without_words_for_a_lumen(text: str) -> None:
    """`PICC-proximal` and `PICC RED` are lumens of one catheter, so both are the line PICC."""
    data = message("RAS^O17", orc(), rxa("VANCOMYCIN", "1 g", "0900"), rxr("IV", site=text))
    assert only(records(data)).line == "PICC"


def test_an_observation_may_name_the_line() -> None:
    """An OBX with the site's code wins over RXR-2; an OBX with another code is not read."""
    data = message(
        "RAS^O17",
        orc(),
        rxa("VANCOMYCIN", "1 g", "0900"),
        rxr("IV", site="ARM"),
        "OBX|1|ST|WHERE^^L||PORT",
    )
    assert only(records(data, administration__line=["OBX:WHERE", "RXR-2.1"])).line == "PORT"
    assert only(records(data)).line == "ARM"


def test_a_pattern_that_could_take_hours_is_a_mistake() -> None:
    """A repeat of what may have several lengths is refused before a note is read by it."""
    pattern = r"(?P<amount>(\d+,?)+)(?P<unit>x)$"
    with pytest.raises(Hl7Error, match="waste_note repeats what itself may have several lengths"):
        make_profile(table(administration__waste_note=pattern))
