"""Claims about chargeline as a library: one call drafts a feed as the command does.

The feed is the simulator's, with its mess; what the call gives is held against the program that the
command line uses, and against what the rows say.
"""

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import chargeline
from chargeline.coding.assembly import code_feed
from chargeline.coding.explaining import explanations
from chargeline.coding.run import DraftRow
from chargeline.files import FeedFile
from chargeline.hl7.profile import make_profile
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator.feed import simulate
from chargeline.version import VERSION
from tests.golden.messages import given

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def feed() -> bytes:
    """A messy feed of 20 visits in the standard style."""
    messages = simulate(visits=20, seed=3, style="standard", mess=0.4).messages
    return b"".join(data for _style, data in messages)


@pytest.fixture(scope="module")
def run(feed: bytes) -> chargeline.Run:
    """What the feed comes to, each visit under its payer's policy."""
    return chargeline.code(feed)


def entries(run: chargeline.Run) -> Iterator[object]:
    """Everything that a run ends in, in the order of the rows."""
    for visit in run.visits:
        yield from visit.draft.questions
        for encounter in visit.draft.encounters:
            yield from (*encounter.lines, *encounter.questions, *encounter.withheld)


@pytest.mark.parametrize("policy", ["", "cms-facility-2026", "cms-physician-2026"])
def test_one_call_drafts_as_the_command_does(feed: bytes, policy: str) -> None:
    """The same bytes under the same policy come to the same run, but for the name of the source."""
    folder = rules_directory()
    profile = make_profile(read_interface(folder, "standard"))
    run = code_feed([FeedFile("bytes 1", feed)], load_rulebook(folder), profile, policy)
    assert chargeline.code(feed, policy=policy) == run
    assert len(run.visits) > 15


def test_a_feed_is_a_file_a_folder_bytes_or_several(
    feed: bytes, run: chargeline.Run, tmp_path: Path
) -> None:
    """Whatever way the bytes come, the visits are the same."""
    half = feed.index(b"MSH|", len(feed) // 2)
    (tmp_path / "1.hl7").write_bytes(feed[:half])
    (tmp_path / "2.hl7").write_bytes(feed[half:])
    wanted = run.visits
    assert chargeline.code(tmp_path).visits == wanted
    assert chargeline.code(str(tmp_path)).visits == wanted
    assert chargeline.code([tmp_path / "1.hl7", feed[half:]]).visits == wanted


def test_each_end_of_an_administration_is_a_row(run: chargeline.Run) -> None:
    """As many rows as lines, questions and withheld services, in their order, all keys in each."""
    rows, ends = run.to_rows(), list(entries(run))
    kinds = {
        chargeline.ChargeLine: "line",
        chargeline.Question: "question",
        chargeline.Withheld: "withheld",
    }
    assert [row["outcome"] for row in rows] == [kinds[type(end)] for end in ends]
    assert set(kinds.values()) == {row["outcome"] for row in rows}
    assert all(list(row) == list(DraftRow.__annotations__) for row in rows)


def test_a_row_says_what_its_line_says() -> None:
    """Pembrolizumab for 30 minutes: to Medicare an initial infusion of the chemotherapy codes."""
    rows = chargeline.code(_pembrolizumab(), policy="cms-facility-2026").to_rows()
    shown = [(row["code"], row["units"], row["minutes"], row["reason"]) for row in rows]
    assert shown == [("96413", 1, 30, "chemo.infusion.initial"), ("J9271", 200, None, "drug")]
    assert rows[0]["visit"] == "V1" and rows[0]["service_date"] == date(2026, 3, 2)
    assert rows[1]["why"].startswith("200 mg")
    assert (
        rows[0]["why"]
        == "The chemotherapy infusion that counts as the initial service of its line."
    )


def _pembrolizumab() -> bytes:
    return given("PEMBROLIZUMAB", "200 mg", "0900", "0930")


def test_a_message_that_cannot_be_used_is_set_aside_with_its_reason(
    feed: bytes, run: chargeline.Run
) -> None:
    """It stops nothing: the visits are those of the feed without it."""
    more = chargeline.code([feed, b"MSH|broken\r"])
    assert more.visits == run.visits
    (added,) = set(more.set_aside) - set(run.set_aside)
    assert added.place == "bytes 2, message 1" and added.finding.do


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"policy": "medicare"}, "policy: expected one of cms-facility-2026"),
        ({"interface": "fax"}, "expected one of action-stream, standard"),
        ({"rules": "nowhere"}, "expected a rules folder"),
    ],
)
def test_what_cannot_be_chosen_is_refused(wrong: dict[str, str], said: str) -> None:
    """A FindingError says what there is to choose from."""
    with pytest.raises(chargeline.FindingError, match=re.escape(said)):
        chargeline.code(b"", **wrong)


HL7_TEXT = "\ufeffMSH|^~\\&|EHR|ZEBRA\rPID|1||Z1||TESTPATIENT^ZEBRA"


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        (HL7_TEXT, "found text that begins as HL7 does; give the message as bytes"),
        (io.StringIO(HL7_TEXT), "found text that begins as HL7 does"),
        (None, "found an object of type NoneType"),
        ([b"", 7], "found an object of type int"),
    ],
)
def test_what_is_no_feed_is_refused_and_not_shown(feed: Any, said: str) -> None:
    """A FindingError says what is expected; no part of the message stands in it."""
    with pytest.raises(chargeline.FindingError, match=re.escape(said)) as refused:
        chargeline.code(feed)
    assert "ZEBRA" not in str(refused.value)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_come_in_any_form(
    feed: bytes, run: chargeline.Run, kind: Callable[[bytes], Any]
) -> None:
    """A bytearray and a memoryview are read as the bytes that they hold."""
    assert chargeline.code(kind(feed)).visits == run.visits


def test_an_empty_path_is_not_the_current_folder() -> None:
    """`code("")` reads nothing, where `Path("")` would be the folder in which we are."""
    with pytest.raises(FileNotFoundError, match="an empty path"):
        chargeline.code("")


def test_a_run_explains_with_the_titles_of_its_sources() -> None:
    """`run.explain(line)` is what `chargeline explain` prints of the line."""
    run = chargeline.code(_pembrolizumab(), policy="cms-facility-2026")
    line = run.visits[0].draft.encounters[0].lines[0]
    assert run.explain(line) in list(explanations(run, load_rulebook(rules_directory())))
    assert any(title in run.explain(line) for title in run.titles.values())


def test_a_path_that_is_not_there_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """FileNotFoundError, as from open()."""
    with pytest.raises(FileNotFoundError):
        chargeline.code(tmp_path / "none.hl7")


def test_every_name_of_the_door_is_there() -> None:
    """What `__all__` names can be had, another name is an AttributeError, the version is ours."""
    assert all(getattr(chargeline, name) is not None for name in chargeline.__all__)
    assert not hasattr(chargeline, "no_such_name")
    assert dir(chargeline) == sorted(chargeline.__all__)
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{VERSION}"\n' in pyproject and chargeline.__version__ == VERSION


def test_importing_the_package_loads_nothing_else() -> None:
    """A program that needs one part does not pay for all."""
    says = "import sys, chargeline; print([m for m in sys.modules if m.startswith('chargeline.')])"
    ran = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['chargeline.version']"


def test_the_example_of_the_readme_runs(
    feed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python block of README.md, as it stands, on a feed of that name."""
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed/standard.hl7").write_bytes(feed)
    monkeypatch.chdir(tmp_path)
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    assert re.search(r"^96413 1 ", capsys.readouterr().out, re.MULTILINE)
