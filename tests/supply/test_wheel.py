"""Claims about the wheel: two builds are the same bytes, and it runs in an environment of its own.

`make wheel` is played as a person plays it; tests that ask for what it made are on one worker.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeline.version import VERSION
from tests.image.room import context_of

from . import REPOSITORY
from .packages import RUNTIME, locked

pytestmark = pytest.mark.together("wheel")
BUILD_SECONDS = 500
NAME = f"chargeline-{VERSION}-py3-none-any.whl"
DAY = "1767225600"  # 2026-01-01


def ended(*words: str | Path, folder: Path, **environment: str) -> str:
    """What a command printed; it must end well. Nothing of this repository is on its path."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=folder, env={**bare, **environment}, capture_output=True, text=True,
        timeout=BUILD_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `make wheel` makes."""
    place = tmp_path_factory.mktemp("wheel") / "out"
    stamp = f"{sys.prefix}/.installed"
    ended("make", f"--assume-old={stamp}", f"VENV={sys.prefix}", f"OUT={place}", "wheel",
          folder=REPOSITORY)  # fmt: skip
    yield place
    shutil.rmtree(place)


def built(folder: Path, umask: int, **environment: str) -> bytes:
    """The wheel that is built of a copy of the sources, whose files have another time and mode."""
    source = context_of(REPOSITORY, folder / "source")
    shutil.copy(REPOSITORY / "LICENSE", source)
    for path in source.rglob("*"):
        os.utime(path, (1_000_000_000 + umask, 1_000_000_000 + umask))
        path.chmod(path.stat().st_mode & ~umask)
    ended(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", folder, source, folder=folder, **environment,
    )  # fmt: skip
    return (folder / NAME).read_bytes()


def test_two_builds_are_the_same_bytes(tmp_path: Path, out: Path) -> None:
    """Of the same sources, in other folders, with other times and modes of files; and so is what
    `make wheel` makes of the working tree.
    """
    for name in "ab":
        (tmp_path / name).mkdir()
    first, second = (built(tmp_path / name, umask) for name, umask in (("a", 0o077), ("b", 0o022)))
    assert first == second == (out / NAME).read_bytes()


def test_the_day_of_a_build_is_the_one_that_is_set(tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH is the time of each file in the wheel, and two such builds are the same."""
    for name in "ab":
        (tmp_path / name).mkdir()
    first = built(tmp_path / "a", 0o077, SOURCE_DATE_EPOCH=DAY)
    assert first == built(tmp_path / "b", 0o022, SOURCE_DATE_EPOCH=DAY)
    with zipfile.ZipFile(tmp_path / "a" / NAME) as wheel:
        assert {one.date_time for one in wheel.infolist()} == {(2026, 1, 1, 0, 0, 0)}


def test_it_holds_code_rules_and_licence_and_no_test(out: Path) -> None:
    """Each of our modules and each rule, the licence, and nothing else."""
    with zipfile.ZipFile(out / NAME) as wheel:
        names = set(wheel.namelist())
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "services", "rules"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    ours = {
        path.removeprefix("services/").replace("rules/", "chargeline/_rules/", 1)
        if path.startswith("rules/")
        else path.removeprefix("services/")
        for path in listed.splitlines()
    }
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == ours
    assert any(name.endswith("licenses/LICENSE") for name in about)


def test_it_codes_a_feed_where_nothing_else_is_installed(tmp_path: Path, out: Path) -> None:
    """In a plain virtual environment: a feed is invented and coded, the rules are checked."""
    chargeline = out / "venv/bin/chargeline"
    asked = "import chargeline; print(chargeline.__version__, chargeline.__file__)"
    version, place = ended(out / "venv/bin/python", "-c", asked, folder=tmp_path).split()
    assert version == VERSION and place.startswith(str(out))
    ended(chargeline, "simulate", "--visits", "3", "--seed", "1", "--out", "feed", folder=tmp_path)
    coded = ended(chargeline, "code", "feed/standard.hl7", "--json", folder=tmp_path)
    records = [json.loads(line) for line in coded.splitlines()]
    assert {line["code"] for record in records for line in record.get("lines", ())}
    assert ended(chargeline, "rules", "check", folder=tmp_path).endswith("0 mistakes\n")


def test_its_bill_of_materials_names_what_runs(out: Path) -> None:
    """Each locked package in its version, no other, us as the root, and no path of a machine."""
    text = (out / "chargeline.cdx.json").read_text()
    bill = json.loads(text)
    root = bill["metadata"]["component"]
    assert (bill["bomFormat"], root["name"], root["version"]) == (
        "CycloneDX",
        "chargeline",
        VERSION,
    )
    purls = {component["purl"] for component in bill["components"]}
    assert purls == {f"pkg:pypi/{name}@{version}" for name, version in locked(RUNTIME).items()}
    assert all(component["licenses"] for component in bill["components"])
    assert "file:" not in text and str(REPOSITORY) not in text


def test_documents_name_this_version() -> None:
    """README installs the wheel of this version, and CHANGELOG.md begins with it."""
    assert f"`pipx install dist/{NAME}`" in (REPOSITORY / "README.md").read_text("utf-8")
    first = re.search(r"^## (.*)$", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first is not None and first[1] == VERSION


def test_the_checksums_are_those_of_the_files(out: Path) -> None:
    """SHA256SUMS has the wheel and its bill, and what it says is so."""
    said = dict(
        reversed(line.split("  ")) for line in (out / "SHA256SUMS").read_text().splitlines()
    )
    assert said == {
        name: hashlib.sha256((out / name).read_bytes()).hexdigest()
        for name in (NAME, "chargeline.cdx.json")
    }
