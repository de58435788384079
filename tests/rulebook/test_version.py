"""The version of a rulebook names the files from which drafts are made, and nothing else."""

import builtins
import io
import shutil
from pathlib import Path

import pytest

from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.loading import (
    files_read,
    interface_names,
    load_rulebook,
    read_interface,
)
from chargeline.rulebook.location import rules_directory


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules that ship."""
    return Path(shutil.copytree(rules_directory(), tmp_path / "rules"))


def test_the_files_that_are_hashed_are_those_that_are_opened(
    rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a draft rests on is in the version."""
    opened: set[Path] = set()
    real = io.open

    def noted(file: object, *arguments: object, **named: object) -> object:
        if isinstance(file, str | Path):
            opened.add(Path(file))
        return real(file, *arguments, **named)  # type: ignore[call-overload]

    hashed = set(files_read(rules).values())
    with monkeypatch.context() as patched:
        patched.setattr(io, "open", noted)
        patched.setattr(builtins, "open", noted)
        patched.setattr("chargeline.rulebook.loading._version", lambda *_paths: "")
        load_rulebook(rules)
        for name in interface_names(rules):
            read_interface(rules, name)
    assert {path for path in opened if rules in path.parents} == hashed


@pytest.mark.parametrize("name", ["base/unused.csv.bak", "base/more.cases.toml", "notes/x.toml"])
def test_a_file_that_nobody_reads_changes_no_version(rules: Path, name: str) -> None:
    """Cases prove rules; they make no draft."""
    before = load_rulebook(rules).version
    (rules / name).parent.mkdir(exist_ok=True)
    (rules / name).write_text("# nothing\n")
    assert load_rulebook(rules).version == before


def test_one_config_map_in_two_pods_is_one_version(rules: Path, tmp_path: Path) -> None:
    """Kubernetes mounts each file as a link into a folder whose name has the date of the mount."""
    versions = set()
    for date in ("..2026_11_26_08_00", "..2026_11_26_09_30"):
        mounted = tmp_path / f"pod{date}"
        shutil.copytree(rules, mounted / date)
        for path in (mounted / date).iterdir():
            (mounted / path.name).symlink_to(path)
        versions.add(load_rulebook(mounted).version)
    assert versions == {load_rulebook(rules).version}


def test_an_interface_behind_a_link_is_in_the_version(rules: Path, tmp_path: Path) -> None:
    """A changed profile changes the version, wherever it lies."""
    elsewhere = tmp_path / "zebra"
    elsewhere.mkdir()
    profile = elsewhere / "profile.toml"
    profile.write_text('extends = "standard"\nname = "zebra"\n')
    (rules / "interfaces" / "zebra").symlink_to(elsewhere)
    before = load_rulebook(rules).version
    profile.write_text('extends = "standard"\nname = "zebra"\nempty_end = "running"\n')
    assert load_rulebook(rules).version != before


@pytest.mark.parametrize("name", ["../outside", "standard/../standard", "/etc"])
def test_an_interface_is_a_name_and_no_path(rules: Path, name: str) -> None:
    """A path would read a file that the version does not name."""
    outside = rules / "outside"
    outside.mkdir()
    (outside / "profile.toml").write_text(f'extends = "standard"\nname = "{name}"\n')
    with pytest.raises(RulebookError, match="expected one of action-stream, standard"):
        read_interface(rules, name)
