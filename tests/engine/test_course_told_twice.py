"""A session of a course that two reports tell is one session."""

from chargeline.engine import Feed, VisitKey, draft
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from tests.engine import profile, rulebook
from tests.golden.sessions import fraction


def test_one_fraction_under_two_report_numbers_is_billed_once() -> None:
    """The record-and-verify system sends the session again under another number of the report."""
    first = fraction(1, "202603021000", technique="3D")
    again = first.replace(b"SC1202603021000", b"SC1X").replace(b"|C", b"|D", 1)
    feed = Feed(rulebook().base)
    for data in (first, again):
        feed.add(read_events(read_message(data), profile()))
    drafted = draft(feed[VisitKey("ZEBRA", "V1")], rulebook())
    asked = [question.finding.code for e in drafted.encounters for question in e.questions]
    assert [(line.code, line.units) for line in drafted.lines] == [("77407", 1)]
    assert asked == []
