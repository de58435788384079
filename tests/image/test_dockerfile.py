"""Claims about the Dockerfile as it is written: what is pinned, and what the image says of itself.

That it builds and runs is the business of test_played.py.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chargeline.settings import Settings, variable
from chargeline.version import VERSION

from . import FILE, REPOSITORY, version_of
from .dockerfile import Stage, read
from .room import context_of

STAGES = read(FILE)
LAST = STAGES[-1]
LOCKS = ("requirements.lock", "requirements-runtime.lock", "requirements-build.lock")


def linted(path: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("hadolint")
    return subprocess.run(
        [linter, "--no-fail", path], capture_output=True, text=True, check=True, timeout=60
    )


def test_a_linter_has_no_objection(tmp_path: Path) -> None:
    """hadolint finds nothing; it does find a base without a version, and a `cd`."""
    assert linted(FILE).stdout == ""
    worse = tmp_path / "Dockerfile"
    worse.write_text(f"FROM python\nRUN cd /app && ls\n{FILE.read_text()}")
    assert {"DL3006", "DL3003"} <= set(re.findall(r"DL\d+", linted(worse).stdout))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name or "last")
def test_the_base_is_pinned_by_its_digest(stage: Stage) -> None:
    """A tag may be another image tomorrow, so each stage begins with a digest, the same one."""
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim@sha256:[0-9a-f]{64}", stage.base)
    assert stage.base == LAST.base


def test_its_python_is_one_that_the_project_supports() -> None:
    """The version is written as minor of Python 3, and not below `requires-python`."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    least = project["requires-python"].removeprefix(">=")
    assert tuple(map(int, version_of(LAST.base).split("."))) >= tuple(map(int, least.split(".")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    """Each requirement of a lock has one version and a hash; no address stands in the file."""
    text = (REPOSITORY / lock).read_text()
    blocks = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) > 20
    pinned = r"[a-zA-Z0-9._-]+==[^\s;]+( ;.*?)? \\\n    --hash=sha256:[0-9a-f]{64}"
    assert [block for block in blocks if not re.match(pinned, block)] == []
    assert "://" not in text


def test_what_pip_installs_is_locked() -> None:
    """Each `pip install` of the build takes hashes of a lock, or our own wheel without an index."""
    installs = [
        words
        for run in STAGES[0].of("RUN")
        for words in re.findall(r"pip\b[^&]*\binstall\b[^&]*", run.text)
    ]
    assert len(installs) == 3
    for words in installs:
        assert "--require-hashes -r requirements-" in words or "--no-deps --no-index" in words


def test_the_last_stage_installs_nothing() -> None:
    """It copies what was built, and its own step only removes and adds a user."""
    (run,) = LAST.of("RUN")
    assert not re.search(r"apt|\binstall [^-]|curl|wget|gcc", run.text)
    (copy,) = LAST.of("COPY")
    assert copy.options == {"from": "build"} and copy.words == ["/app", "/app"]


def test_the_image_says_what_it_is() -> None:
    """The labels of the Open Container Initiative: version, licence, base, commit."""
    labels = {name: value for label in LAST.of("LABEL") for name, value in label.pairs.items()}
    prefix = "org.opencontainers.image."
    assert {name.removeprefix(prefix) for name in labels} == {
        "title", "description", "licenses", "version", "revision", "source", "base.name",
    }  # fmt: skip
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert labels[f"{prefix}version"] == VERSION == project["version"]
    assert labels[f"{prefix}licenses"] == project["license"]["text"]
    assert labels[f"{prefix}base.name"] == LAST.base


def test_it_listens_to_other_machines_as_a_user_without_rights() -> None:
    """Its ports are those of the settings, on all addresses; the user is a number, not root."""
    settings = {name: value for env in LAST.of("ENV") for name, value in env.pairs.items()}
    usual = Settings()
    for name in ("http_host", "mllp_host"):
        assert settings[variable(name)] == "0.0.0.0"
    assert LAST.last("EXPOSE").words == [str(usual.mllp_port), str(usual.http_port)]
    assert LAST.last("USER").text == "10001:10001"
    assert LAST.last("CMD").words == ["--help"]


def test_an_engine_is_sent_what_the_build_copies(tmp_path: Path) -> None:
    """.dockerignore lets in each file that a COPY names, and nothing that none copies."""
    context = context_of(REPOSITORY, tmp_path)
    copied = {source for copy in STAGES[0].of("COPY") for source in copy.words[:-1]}
    assert {path.name for path in context.iterdir()} == copied
    assert (context / "services/chargeline/version.py").is_file()
    assert not list(context.rglob("__pycache__"))
