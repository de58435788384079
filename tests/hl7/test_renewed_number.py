"""Claims about one number of an authorization that has two periods with a gap between."""

from datetime import date

from chargeline.engine import Authorization, Feed, state_of
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory


def answer(sent: str, starts: str, until: str) -> bytes:
    """The payer's approval of 200 units under A1."""
    return (
        f"MSH|^~\\&|P|Z|||{sent}||RPA^I08|M{sent}|T|2.5.1\rMSA|AA|x\rRF1||||||A1\rPRD|RT\r"
        "PID|1||ZZ1^^^ZEBRA^MR\rIN1|1|UHC|UHC\rPR1|1||J2860^^HCPCS\r"
        f"AUT||UHC||{starts}|{until}|A1|||200^UN|{sent}||||APPROVED\r"
    ).encode()


def test_in_the_gap_both_periods_are_told() -> None:
    """The end of the first and the start of the renewal; else the state of the day."""
    visits = Feed(load_rulebook(rules_directory()).base)
    profile = make_profile(read_interface(rules_directory(), "standard"))
    for data in (
        answer("202610021530", "20261001", "20261015"),
        answer("202610201530", "20261101", "20270331"),
    ):
        visits.add(read_events(read_message(data), profile))
    (timeline,) = [visits[key] for key in visits]
    (renewed,) = timeline.authorizations
    assert isinstance(renewed, Authorization)
    says = [
        state_of(renewed, date.fromisoformat(day), profile.zone)
        for day in ("2026-10-15", "2026-10-16", "2026-10-31", "2026-11-01")
    ]
    gap = "ended on 2026-10-15, starts again on 2026-11-01"
    assert says == ["approved on 2026-10-02", gap, gap, "approved on 2026-10-20"]
