"""Claims about `chargeline survey` and `chargeline send`: for the person who connects a sender."""

import json
import re
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer
from threading import Thread

import pytest

from chargeline.cli import main
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.hl7.survey import Survey
from chargeline.rulebook.loading import read_interface
from tests.cli import RULES
from tests.trials import message, rxa

Capsys = pytest.CaptureFixture[str]
IV = "RXR|IV"


def surveyed(folder: Path, capsys: Capsys, *messages: str, interface: str = "standard") -> str:
    (folder / "week.hl7").write_text("".join(messages))
    assert main(["survey", str(folder / "week.hl7"), "--interface", interface, "--json"]) == 0
    return capsys.readouterr().out


def week(note: str, *segments: str, visits: int = 3) -> list[str]:
    """The same administration in several visits, with RXA-9 as given."""
    row = rxa("carboplatin", "0900", "450 mg", note=note)
    return [message(row, IV, *segments, visit=f"V{n}", number=n) for n in range(1, visits + 1)]


def test_words_are_counted_with_their_meaning(tmp_path: Path, capsys: Capsys) -> None:
    """The profile knows New Bag, and not Hung, which three visits have."""
    out = json.loads(surveyed(tmp_path, capsys, *week("New Bag"), *week("Hung")))
    words = [
        (w["word"], w["meaning"], w["times"]) for w in out["words"] if w["address"] == "RXA-9.1"
    ]
    assert words == [("HUNG", "", 3), ("NEW BAG", "start", 3)]
    assert {"address": "RXA-4", "valued": 0, "segments": 6} in out["valued"]
    assert out["messages"] == {"RAS^O17": 6}


@pytest.mark.parametrize(("visits", "shown"), [(2, False), (3, True)])
def test_a_text_of_fewer_than_three_visits_is_only_counted(
    tmp_path: Path, capsys: Capsys, visits: int, shown: bool
) -> None:
    """`Zebra Testpatient` in RXA-9 may be a name."""
    out = surveyed(tmp_path, capsys, *week("Zebra Testpatient", visits=visits))
    assert ("TESTPATIENT" in out.upper()) == shown
    assert [w["times"] for w in json.loads(out)["words"] if w["address"] == "RXA-9.1"] == [visits]


def test_what_nobody_reads_is_named_without_its_values(tmp_path: Path, capsys: Capsys) -> None:
    """An observation and a Z field; their values are never shown, however frequent."""
    beside = ("OBX|1|ST|INF-STOP^^L||SECRET", "ZRX|1|SECRET", "NTE|1||SECRET")
    out = surveyed(tmp_path, capsys, *week("New Bag", *beside))
    assert "SECRET" not in out
    counted = json.loads(out)
    assert counted["unread_observations"] == {"INF-STOP": 3}
    assert counted["unread_z_fields"] == {"ZRX-1": 3, "ZRX-2": 3}


def test_what_any_key_of_the_profile_reads_is_counted_as_read() -> None:
    """The nurse stands in ZRX-2 and the class in PV1-18, where this profile says."""
    table = read_interface(RULES, "standard")
    administration = table["administration"]
    assert isinstance(administration, dict)
    own = {**table, "patient_class": ["PV1-18.1"]}
    own["administration"] = {**administration, "charted_by": ["ZRX-2.1"]}
    survey = Survey(make_profile(own))
    (text,) = week("New Bag", "ZRX|1|SECRET", visits=1)
    visit = "PV1|1|B" + 16 * "|" + "O|V1"
    survey.add(read_message(re.sub(r"PV1\|[^\r]*", visit, text).encode()))
    assert survey.z_fields == {"ZRX-1": 1}
    classes = [(w.address, w.word, w.meaning) for w in survey.words() if w.address[:3] == "PV1"]
    assert classes == [("PV1-18.1", "O", "outpatient")]


def test_unknown_drugs_and_unfit_messages_are_counted(tmp_path: Path, capsys: Capsys) -> None:
    """A drug that no formulary has, and a line that is no message."""
    odd = message(rxa("zebrastatin", "0900", "1 mg"), IV)
    out = json.loads(surveyed(tmp_path, capsys, odd, odd.replace("RAS^O17", "VXU^V04"), "PID|1\r"))
    assert out["unknown_drugs"] == {"ZEBRASTATIN zebrastatin": 2}
    assert list(out["set_aside"].values()) == [1]


def test_the_page_holds_what_the_json_holds(tmp_path: Path, capsys: Capsys) -> None:
    """Words with their meaning, and `?` beside what the profile does not know."""
    (tmp_path / "week.hl7").write_text("".join(week("Hung")))
    assert main(["survey", str(tmp_path / "week.hl7")]) == 0
    page = capsys.readouterr().out.splitlines()
    assert [line.split() for line in page if "HUNG" in line] == [["3", "HUNG", "?"]]


class Listener(StreamRequestHandler):
    """Accepts every message but the second one."""

    def handle(self) -> None:
        for number in (1, 2, 3):
            while self.rfile.read(1) not in (b"\x1c", b""):
                pass
            code = b"AE" if number == 2 else b"AA"
            answer = b"MSH|^~\\&|A|B|C|D|||ACK|1|T|2.5.1\rMSA|%s|M%d\r" % (code, number)
            self.wfile.write(b"\x0b" + answer + b"\x1c\r")


def test_a_feed_is_sent_to_a_listener(tmp_path: Path, capsys: Capsys) -> None:
    """Three messages, of which the second is refused: the refusal is shown, and the code is 3."""
    (tmp_path / "week.hl7").write_text("".join(week("New Bag")))
    with TCPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.handle_request, daemon=True).start()
        port = server.server_address[1]
        assert main(["send", str(tmp_path / "week.hl7"), f"127.0.0.1:{port}"]) == 3
    shown = capsys.readouterr()
    assert shown.out == "3 messages sent, 2 accepted, 0 unfit\n"
    assert shown.err.startswith("message 2: ") and "MSA|AE|M2" in shown.err


def test_a_listener_that_is_not_there_is_named(tmp_path: Path, capsys: Capsys) -> None:
    """Nobody listens: one line says what was expected, what was found and what to do; code 1."""
    (tmp_path / "week.hl7").write_text("".join(week("New Bag")))
    assert main(["send", str(tmp_path / "week.hl7"), "127.0.0.1:1"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("chargeline: 127.0.0.1:1: expected a listener that takes messages, ")
    assert ", found " in line and "; look whether it runs" in line


def test_a_feed_is_sent_at_the_pace_that_is_asked(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four a second: each message waits until a quarter of a second after the one before."""
    (tmp_path / "week.hl7").write_text("".join(week("New Bag")))
    waited: list[float] = []

    async def no_wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("chargeline.mllp.sending.asyncio.sleep", no_wait)
    monkeypatch.setattr("chargeline.mllp.sending._now", lambda: 7.0)
    with TCPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.handle_request, daemon=True).start()
        to = f"127.0.0.1:{server.server_address[1]}"
        assert main(["send", str(tmp_path / "week.hl7"), to, "--per-second", "4"]) == 3
    assert waited == [0.0, 0.25, 0.5]
    capsys.readouterr()
