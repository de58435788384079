"""Claims about `chargeline refdata` and about `--refdata`: files in, pages and exit codes out."""

import json
from pathlib import Path

import pytest

import chargeline
from chargeline.cli.refdata import codes_of
from chargeline.engine import NO_TABLES
from chargeline.refdata.bundle import read_bundle
from chargeline.rulebook.loading import load_rulebook
from chargeline.simulator.feed import simulate
from tests.cli import RULES, inside
from tests.refdata import published

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def bundle(tmp_path: Path, capsys: Capsys) -> str:
    """A bundle of everything of October 2026, built on the command line."""
    files = [str(path) for path in published.everything(tmp_path)]
    path = str(tmp_path / "2026Q4.refdata")
    code, out, _err = inside(capsys, "refdata", "build", *files, "--out", path)
    assert code == 0
    assert "2026Q4.refdata: written" in out
    return path


def test_a_bundle_is_built_once(bundle: str, tmp_path: Path, capsys: Capsys) -> None:
    """The same files again change nothing; other files need --force."""
    files = [str(path) for path in published.everything(tmp_path)]
    code, out, _err = inside(capsys, "refdata", "build", *files, "--out", bundle)
    assert (code, "the same as before" in out) == (0, True)
    code, _out, err = inside(capsys, "refdata", "build", files[1], "--out", bundle)
    assert (code, "replace it with --force" in err) == (2, True)
    code, _out, _err = inside(capsys, "refdata", "build", files[1], "--out", bundle, "--force")
    assert code == 0
    assert len(read_bundle(Path(bundle)).sources) == 1


def test_what_in_an_archive_is_no_table_is_named(bundle: str, capsys: Capsys) -> None:
    """`build` prints a note for the introduction, and the page of status for the rest."""
    code, out, _err = inside(capsys, "refdata", "status", bundle, "--day", "2027-01-01")
    assert code == 0
    assert out.startswith("bundle 2026Q4.")
    assert "stale on 2027-01-01 (2027Q1): crosswalk" in out


def test_a_bundle_is_built_for_what_the_rules_and_the_formulary_emit(bundle: str) -> None:
    """The codes of administration and of drugs are those of the bundle, bare of modifiers."""
    codes = codes_of(load_rulebook(RULES))
    assert {"96413", "96365", "96409", "J9271", "J9035"} <= codes
    assert all(len(code) == 5 for code in codes)
    assert codes < read_bundle(Path(bundle)).tables.codes


def test_a_file_that_cannot_be_used_ends_with_its_reason(tmp_path: Path, capsys: Capsys) -> None:
    """Nothing is written, and the exit code is that of wrong use."""
    path = published.write(tmp_path, "mue.csv", published.mue(published.MUE_ROWS))
    out = tmp_path / "out"
    code, _out, err = inside(capsys, "refdata", "build", str(path), "--out", str(out))
    assert (code, out.exists()) == (2, False)
    assert "expected the quarter for which the file was published" in err
    arguments = ["refdata", "build", str(path), "--out", str(out), "--quarter", "2026Q4"]
    assert inside(capsys, *arguments)[0] == 0


def test_two_quarters_are_compared(bundle: str, capsys: Capsys) -> None:
    """A quarter that the bundle does not have is refused with those that it has."""
    code, _out, err = inside(capsys, "refdata", "diff", bundle, "2026Q3", "2026Q4")
    assert code == 2
    assert "expected 2026Q3 in the bundle, found 2026Q4" in err
    code, out, _err = inside(capsys, "refdata", "diff", bundle, "2026Q4", "2026Q4")
    assert (code, "crosswalk: no changes" in out) == (0, True)


def test_a_formulary_that_the_tables_contradict_ends_with_two(
    bundle: str, tmp_path: Path, capsys: Capsys
) -> None:
    """The made-up list of codes has none of ours, so each drug with a code is told."""
    code, out, _err = inside(capsys, "refdata", "check", bundle)
    assert code == 2
    assert "pembrolizumab: expected J9271 to be valid on 2026-10-01" in out
    assert "note: packaged" not in out
    assert out.splitlines()[-1].startswith("formulary against 2026Q4 of 2026Q4.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff", "BUNDLE", "2026Q5", "2026Q4"],
        ["status", "BUNDLE", "--day", "1 November"],
        ["check", "BUNDLE", "--quarter", "autumn"],
    ],
)
def test_a_quarter_or_a_day_that_is_none_is_wrong_use(arguments: list[str], capsys: Capsys) -> None:
    """The message shows how one is written."""
    code, _out, err = inside(capsys, "refdata", *arguments)
    assert (code, "expected a " in err) == (2, True)


def test_drafts_say_by_which_tables_they_were_made(
    bundle: str, tmp_path: Path, capsys: Capsys
) -> None:
    """`rulebook` has the version of the tables behind a plus sign, or has no plus sign."""
    feed = tmp_path / "feed.hl7"
    made = simulate(visits=1, seed=1, style="standard", mess=0.0)
    feed.write_bytes(b"".join(message for _style, message in made.messages))
    version = read_bundle(Path(bundle)).tables.version

    def rulebooks(*arguments: str) -> set[str]:
        _code, out, _err = inside(capsys, "code", str(feed), "--json", *arguments)
        return {json.loads(line)["rulebook"] for line in out.splitlines()} - {None}

    (without,) = rulebooks()
    assert rulebooks("--refdata", bundle) == {f"{without}+{version}"}
    coded = chargeline.code(feed, refdata=bundle)
    assert {visit.draft.rulebook for visit in coded.visits} == {f"{without}+{version}"}
    assert load_rulebook(RULES).tables is NO_TABLES


def test_a_bundle_that_is_none_is_refused_before_a_feed_is_read(
    tmp_path: Path, capsys: Capsys
) -> None:
    """`code --refdata` names the file and says how to make one."""
    other = tmp_path / "other.csv"
    other.write_text("a,b\n")
    code, _out, err = inside(capsys, "code", "nowhere.hl7", "--refdata", str(other))
    assert code == 2
    assert "expected a bundle of `chargeline refdata build`, found another file" in err
