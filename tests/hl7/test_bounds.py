"""Claims about large messages: what none is long enough for is refused before it is read."""

import pytest

from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.reader import MOST_SEGMENTS, read_message

HEADER = r"MSH|^~\&|A|B|||202603021100||RAS^O17|1|T|2.5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + "\rPI|0001|2|ZZ1|A|B\r", "begins with no segment's name"),
        (HEADER + "||AL|8859/1|2.0\r", "belongs in MSH-15"),
        (HEADER + "||123\r", "a continuation pointer"),
    ],
)
def test_what_only_looks_like_a_part_of_a_message_is_named(text: str, said: str) -> None:
    """A line that joined MSH, a header that is a field off, and a true continuation."""
    with pytest.raises(Hl7Error) as caught:
        read_message(text.encode())
    assert caught.value.finding.code == "message.fragment"
    assert said in caught.value.finding.found


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("line", ["ABC", "RXA|0|1", "no segment", ""])
def test_a_message_of_more_lines_than_any_is_refused(end: str, line: str) -> None:
    """Whatever the lines are and however they end."""
    with pytest.raises(Hl7Error) as caught:
        read_message((HEADER + end + 2 * MOST_SEGMENTS * (line + end) + "NTE|1").encode())
    assert caught.value.finding.code == "message.too_many"


def test_a_message_of_many_segments_is_read() -> None:
    """As many as the bound says, with CR and LF behind each."""
    text = (HEADER + "\r\n") + (MOST_SEGMENTS - 1) * "NTE|1||ok\r\n"
    assert len(read_message(text.encode()).rows) == MOST_SEGMENTS
