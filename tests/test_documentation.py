"""Claims about the documentation: its commands run, what it names exists, and nothing is missing.

This module owns the reading of Markdown: blocks, tables and links. It runs the commands of
```console blocks in a folder of their own. Each line shown under a command must be printed, in that
order; `…` stands for any text. The module compares text and does not understand it.
"""

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargeline import cli, demo, settings
from chargeline.capture import program
from chargeline.cli import main
from chargeline.coding.records import EncounterRecord, Line, Messages, OpenQuestion, WithheldService
from chargeline.drafting import setup
from chargeline.engine import CONCERNS, words
from chargeline.gateway import server
from chargeline.hl7.profile import make_profile
from chargeline.importing.columns import COLUMNS
from chargeline.ledger.tables import metadata
from chargeline.mllp.budget import BYTES_FOR_A_BYTE
from chargeline.published import events, schemas, shapes
from chargeline.published.standing import (
    AuthorizationLacking,
    AuthorizationOfVisit,
    CourseManagement,
    CourseOfVisit,
    UnitsTaken,
)
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.telemetry import metrics
from tests import pages
from tests.live.service import TOPICS
from tests.published.test_events import NOON, revision

REPOSITORY = Path(__file__).resolve().parents[1]
RULES = REPOSITORY / "rules"
README = "README.md"
RULES_README = "rules/README.md"
INTERFACES_README = "rules/interfaces/README.md"
LIVE = "docs/live-service.md"
PRODUCTION = "docs/production.md"
DATA = "docs/data.md"
AUTHORIZATIONS = "docs/authorizations.md"
CONSUMING = "docs/consuming.md"
SENDERS = "docs/senders.md"
DOCUMENTS = (
    README,
    "docs/architecture.md",
    "docs/findings.md",
    LIVE,
    DATA,
    "docs/refdata.md",
    "docs/kubernetes.md",
    PRODUCTION,
    "docs/threat-model.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "THIRD-PARTY.md",
    AUTHORIZATIONS,
    CONSUMING,
    SENDERS,
    *sorted(
        path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("docs/runbooks/*.md")
    ),
    RULES_README,
    INTERFACES_README,
    "rules/CHANGELOG.md",
    *sorted(
        path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("docs/decisions/*.md")
    ),
)
Capsys = pytest.CaptureFixture[str]


def text_of(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(document), re.MULTILINE | re.DOTALL)


def shown(document: str) -> list[tuple[str, list[str]]]:
    """Each command of the ```console blocks with the lines shown under it."""
    commands: list[tuple[str, list[str]]] = []
    for line in "".join(blocks(document, "console")).splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return commands


def table_rows(document: str) -> dict[str, str]:
    """The rows of all tables by the text of their first cell; no cell of ours holds a `\\|`."""
    rows = [line for line in text_of(document).splitlines() if line.startswith("| ")]
    return {row.split("|")[1].strip(): row for row in rows}


def missing_lines(expected: list[str], printed: str) -> Iterator[str]:
    """The shown lines that the output does not print after the shown line before them."""
    rest = iter(printed.splitlines())
    for line in expected:
        pattern = ".*".join(re.escape(part) for part in line.rstrip().split("…"))
        if line.strip("… ") and not any(re.fullmatch(pattern, other.rstrip()) for other in rest):
            yield line


@pytest.fixture(autouse=True)
def as_wide_as_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest sets COLUMNS for its own output."""
    monkeypatch.delenv("COLUMNS", raising=False)


def run(command: str, capsys: Capsys) -> tuple[int, str]:
    """Run a shown command in this process; returns its exit code and output."""
    program, *arguments = shlex.split(command)
    if (program, arguments) == ("make", ["demo"]):
        code = demo.run()
    else:
        assert program == "chargeline", f"{command!r}: expected `chargeline …` or `make demo`"
        try:
            code = main(arguments)
        except SystemExit as ended:
            raise AssertionError(
                f"{command!r} does not parse: {capsys.readouterr().err}"
            ) from ended
    return code, capsys.readouterr().out


def assert_comes_out(document: str, capsys: Capsys, codes: tuple[int, ...] = (0,)) -> None:
    for command, expected in shown(document):
        code, printed = run(command, capsys)
        assert code in codes, f"{document}: `{command}` ended with {code}\n{printed}"
        missing = next(missing_lines(expected, printed), None)
        assert missing is None, (
            f"{document}: `{command}` does not print {missing!r} there:\n{printed}"
        )


def write_files_of(document: str, folder: Path) -> None:
    """Add each TOML block to the file that its first line names, in a copy of the rules."""
    for block in blocks(document, "toml"):
        named = re.match(r"# (?:at the end of )?(my-rules/\S+)\n", block)
        assert named is not None, f"{document}: a TOML block without the name of its file:\n{block}"
        with (folder / named[1]).open("a", encoding="utf-8") as file:
            file.write("\n" + block)


def as_toml(table: dict[str, Any]) -> str:
    """A profile as TOML; a basic string of TOML escapes quotes and backslashes as JSON does."""

    def value(item: object) -> str:
        words = item if isinstance(item, list) else [item]
        quoted = ", ".join(json.dumps(str(word), ensure_ascii=False) for word in words)
        return f"[{quoted}]" if isinstance(item, list) else quoted

    plain = [f"{key} = {value(item)}" for key, item in table.items() if not isinstance(item, dict)]
    for name, inner in table.items():
        if isinstance(inner, dict):
            plain += [f"[{name}]", *(f'"{key}" = {value(item)}' for key, item in inner.items())]
    return "\n".join(plain) + "\n"


@pytest.fixture
def own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test, in which `my-rules` is a copy of the shipped rules."""
    shutil.copytree(RULES, tmp_path / "my-rules")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


# ------------------------------------------------------------------ what is shown comes out


def test_the_readme_shows_what_the_commands_print(own_rules: Path, capsys: Capsys) -> None:
    """Each command of README.md runs and prints what stands under it, `make demo` included."""
    assert any(command == "make demo" for command, _expected in shown(README))
    assert_comes_out(README, capsys)


def test_the_worked_rule_is_accepted_and_holds(own_rules: Path, capsys: Capsys) -> None:
    """The cap of rules/README.md passes `rules check` with its case, and is shown as printed."""
    write_files_of(RULES_README, own_rules)
    assert_comes_out(RULES_README, capsys)


def test_the_worked_rule_needs_what_it_overrides(own_rules: Path, capsys: Capsys) -> None:
    """Without its override the check shows both rules, as rules/README.md says."""
    write_files_of(RULES_README, own_rules)
    path = own_rules / "my-rules/policies/guide-2026/zebra-health.toml"
    path.write_text(re.sub(r"^overrides.*\n", "", path.read_text(), flags=re.MULTILINE))
    code, printed = run("chargeline rules check --rules my-rules", capsys)
    assert code == 2
    assert "found guide.hours.cap" in printed and "and site.cap.zebrahealth" in printed


def test_the_worked_sender_is_read(own_rules: Path, capsys: Capsys) -> None:
    """The profile and messages of rules/interfaces/README.md give the page shown there."""
    (profile,) = blocks(INTERFACES_README, "toml")
    name = str(tomllib.loads(profile)["name"])
    place = own_rules / "my-rules/interfaces" / name / "profile.toml"
    place.parent.mkdir()
    place.write_text(profile, encoding="utf-8")
    (messages,) = blocks(INTERFACES_README, "hl7")
    # The document codes the week's file without the profile, which sets the messages aside.
    for name in ("zmar.hl7", "week.hl7"):
        (own_rules / name).write_text(messages, encoding="utf-8")
    assert_comes_out(INTERFACES_README, capsys, codes=(0, 3))


# ------------------------------------------------------------------ what is named exists


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_paths_lead_somewhere(document: str) -> None:
    """Each relative link of a document, and each path in its backticks, exists."""
    text = text_of(document)
    here = (REPOSITORY / document).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "//" not in link]
    paths = re.findall(r"`((?:rules|services|tests|docs)/[\w./-]+)`", text)
    absent = [link for link in links if not (here / link).exists()]
    absent += [path for path in paths if not (REPOSITORY / path).exists()]
    assert not absent


def test_the_map_names_every_package() -> None:
    """README's map has a row for each package and for the command line, and each row exists."""
    rows = [key.strip("`") for key in table_rows(README) if key.startswith("`") and "/" in key]
    assert rows and all((REPOSITORY / row).exists() for row in rows)
    package = REPOSITORY / "services/chargeline"
    packages = {
        f"services/chargeline/{path.parent.name}/" for path in package.glob("*/__init__.py")
    }
    assert packages <= set(rows)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document: str) -> None:
    """Each `make VERB` that a document names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", text_of(document), re.MULTILINE)) <= targets


def test_named_rules_and_files_of_decisions_exist() -> None:
    """Each id in the backticks of a decision is a rule, a concern or a question of the program."""
    rulebook = load_rulebook(RULES)
    ids = {rule.id for policy in rulebook.policies.values() for rule in policy.rules}
    ids |= CONCERNS.keys()
    code = source()
    for document in DOCUMENTS:
        if "/decisions/" in document:
            named = re.findall(r"`([a-z_]+\.[a-z_.]+)`", text_of(document))
            unknown = [name for name in named if name not in ids and f'"{name}"' not in code]
            assert [name for name in unknown if not name.endswith((".toml", ".py"))] == [], document


# ------------------------------------------------------------------ docs/live-service.md is true


def source() -> str:
    """The text of all of our own code."""
    return "".join(
        path.read_text(encoding="utf-8") for path in sorted(REPOSITORY.glob("services/**/*.py"))
    )


def default(name: str) -> Any:
    return settings.Settings.model_fields[name].default


def topic_names() -> dict[str, str]:
    """The usual name of each topic, by what it is for."""
    return {what: default(f"topic_{what}") for what in TOPICS}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_settings_exist(document: str) -> None:
    """Each variable that a document names is a setting."""
    named = set(re.findall(r"CHARGELINE_[A-Z_]+", text_of(document)))
    assert named <= {settings.variable(name) for name in settings.Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_metrics_exist(document: str) -> None:
    """Each metric that a document names is on the metrics page."""
    named = set(re.findall(r"`(chargeline_[a-z_]+)`", text_of(document)))
    assert named <= {metric.name for metric in metrics.definitions()}


def test_the_topics_are_those_that_are_made() -> None:
    """`topics create` makes topics with the names, days, partitions and record size of the page."""
    rows = {key.strip("`"): row for key, row in table_rows(LIVE).items()}
    days = {channel.topic: channel.retention_days for channel in schemas.CHANNELS}
    days[schemas.INBOUND] = schemas.INBOUND_DAYS
    usual = settings.Settings()
    for name, kept in zip(usual.topics(), usual.topic_days(), strict=True):
        assert days.pop(name) == kept
        assert rows[name].endswith(f"| {kept} days |")
    assert days == {}
    partitions = cli._parser().parse_args(["topics", "create"]).partitions
    assert partitions == schemas.PARTITIONS
    assert f"each with {partitions} partitions" in text_of(LIVE)
    assert f"{settings.Settings().kafka_record_bytes():,} bytes" in text_of(LIVE)


def test_every_place_of_patients_stands_in_the_table_of_data() -> None:
    """docs/data.md names each column of the ledger and each field of our topics, once."""
    columns = [str(column) for table in metadata.sorted_tables for column in table.c]
    fields = [
        f"{channel.topic}.{name}"
        for channel in schemas.CHANNELS
        for name in channel.model.model_fields
    ]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text_of(DATA), re.MULTILINE)
    named = [f"{place}.{name}" for place, names in rows for name in re.findall("`([^`]+)`", names)]
    assert sorted(named) == sorted([*columns, *fields])


def test_the_table_of_data_says_the_usual_days() -> None:
    """The days of the ledger and of each topic are the defaults of the settings."""
    usual = settings.Settings()
    for name in ("retention_days", "record_retention_days", "parked_retention_days"):
        assert f"`{settings.variable(name)}` ({getattr(usual, name):,})" in text_of(DATA)
    rows = r"^\| `([a-z0-9]+\.[a-z]+)` \|.*\| (\d+) days \|"
    kept = re.findall(rows, text_of(DATA), re.MULTILINE)
    days = {*zip(usual.topics(), map(str, usual.topic_days()), strict=True)}
    assert set(kept) == days


def test_the_headers_are_those_that_are_written() -> None:
    """The page names each header of the inbound topic and of our events, and no other."""
    written = set(re.findall(r'"(chargeline-[a-z-]*[a-z])"', source()))
    named = set(re.findall(r"`(chargeline-[a-z-]+)`", text_of(LIVE)))
    assert written == named
    _key, headers, _value = events.to_kafka(events.TimedEvent(revision(), NOON))
    assert [name for name in headers if f"`{name}`" not in text_of(LIVE)] == []


def test_what_the_page_says_of_limits_holds() -> None:
    """Visits in memory, the size of a fetch, the bytes of senders, the wait for Kafka."""
    text = " ".join(text_of(LIVE).split())
    mebibyte = 1_048_576
    for said in (
        f"{setup.VISITS_IN_MEMORY:,} visits",
        f"at most {program.FETCH_BYTES // mebibyte} MiB",
        f"{program.PARTITION_FETCH_BYTES // mebibyte} MiB of a partition",
        f"{settings.Settings().mllp_memory_bytes // mebibyte} MiB for the messages of all senders",
        f"a byte counts as {BYTES_FOR_A_BYTE}",
        f"at most {settings.Settings().mllp_frame_bytes // mebibyte} MiB each",
        f"AE (CE) after {server.ListenerSettings().store_seconds:g} s",
    ):
        assert said in text, said


def test_what_the_page_names_of_events_and_logs_exists() -> None:
    """Each key, question and log event in the backticks of the page is in the code."""
    keys = {
        *shapes.DraftRevision.model_fields,
        *shapes.Changes.model_fields,
        *shapes.LineChange.model_fields,
    }
    keys |= {"final", "open", "closed", *shapes.Billed.model_fields}
    keys |= {*topic_names().values(), events.LATE, *CONCERNS, "max.message.bytes"}
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_.]+)?)`", text_of(LIVE)))
    named -= {metric.name for metric in metrics.definitions()}
    named -= {name for name in named if name.startswith("ce_")}
    code = source()
    assert [name for name in sorted(named - keys) if f'"{name}"' not in code] == []


# ------------------------------------------------------------------ what must be named is named


def test_every_policy_is_named() -> None:
    """README names each shipped policy, and which one is the default."""
    rulebook = load_rulebook(RULES)
    assert all(f"`{name}`" in text_of(README) for name in rulebook.policies)
    assert f"`{rulebook.default_policy}` (the default" in text_of(README)


def test_every_key_of_the_json_is_named() -> None:
    """README names each key of a record of `code --json`, and each key of the entries in it."""
    shapes = (
        EncounterRecord, Line, OpenQuestion, WithheldService, Messages,
        CourseOfVisit, CourseManagement, AuthorizationOfVisit, AuthorizationLacking, UnitsTaken,
    )  # fmt: skip
    keys = {key for shape in shapes for key in shape.model_fields}
    assert [key for key in sorted(keys) if f"`{key}`" not in text_of(README)] == []


def test_every_column_of_a_list_of_authorizations_is_explained() -> None:
    """docs/authorizations.md has a row for each column, in their order, with what each holds."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text_of(AUTHORIZATIONS).splitlines()
        if line.startswith("| `")
    ]
    told = {row[0].strip("`"): row[1:] for row in rows if len(row) == 4}
    assert list(told) == list(COLUMNS)
    for name, column in COLUMNS.items():
        must = "yes" if column.must else ""
        assert told[name] == [must, column.holds, f"`{column.example}`"], name


def test_every_concern_is_explained() -> None:
    """rules/README.md has a row for each concern, with its facts and answers, and no other row."""
    rows = table_rows(RULES_README)
    for concern in CONCERNS.values():
        _empty, _name, facts, answers, meaning, *_rest = rows[f"`{concern.name}`"].split("|")
        assert facts.strip() == (", ".join(concern.facts) or "-"), concern.name
        assert answers.strip() == ", ".join(concern.answers), concern.name
        assert meaning.strip(), concern.name
    dotted = {key.strip("`") for key in rows if re.fullmatch(r"`[a-z_]+\.[a-z_]+`", key)}
    assert dotted <= {*CONCERNS, "payers.toml", "sets.toml", "sources.toml"}


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in RULES.glob("interfaces/*/profile.toml"))
)
def test_every_key_of_a_profile_is_explained(name: str) -> None:
    """Each key of a shipped profile has its row in rules/interfaces/README.md."""
    first_cells = " ".join(table_rows(INTERFACES_README))
    table = read_interface(RULES, name)
    assert make_profile(table).name == name
    for key, value in table.items():
        inner = value if isinstance(value, dict) and key in ("order", "administration") else {}
        wanted = [rf"\[{key}\]"] if isinstance(value, dict) else [rf"`{key}`"]
        wanted += [rf"[` ]{inner_key}`" for inner_key in inner]
        assert [pattern for pattern in wanted if not re.search(pattern, first_cells)] == []


def test_every_action_is_explained() -> None:
    """rules/interfaces/README.md says what each action word does to the timeline."""
    first_cells = " ".join(table_rows(INTERFACES_README))
    actions = words.words_of(words.Action)
    assert [action for action in actions if f"`{action}`" not in first_cells] == []


def test_every_finding_is_explained() -> None:
    """docs/findings.md is what `python -m tests.pages findings` prints: all codes, no other."""
    assert text_of("docs/findings.md") == pages.findings()


# ------------------------------------------------------------------ decisions have their form


@pytest.mark.parametrize(
    "document", [document for document in DOCUMENTS if document.startswith("docs/decisions/")]
)
def test_a_decision_says_context_decision_why_and_consequence(document: str) -> None:
    """Each decision is numbered in its title as in its name, and has its four parts in order."""
    title, text = text_of(document).split("\n", 1)
    assert title.startswith(f"# {Path(document).name[:4]} ")
    parts = re.findall(r"^(Context|Decision|Why|Consequence): ", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Why", "Consequence"]


# ------------------------------------------------------------------ the reading itself bites


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        (["one", "two"], None),
        (["two", "one"], "one"),
        (["t…o"], None),
        (["…", "two  "], None),
        (["on"], "on"),
        (["three"], "three"),
    ],
)
def test_a_shown_line_must_come_out_whole_and_in_order(
    expected: list[str], missing: str | None
) -> None:
    """The comparison accepts a line that is printed and objects to a line that is not."""
    assert next(missing_lines(expected, "one\n\ntwo \n"), None) == missing


def test_a_command_that_does_not_parse_is_found(capsys: Capsys) -> None:
    """A shown option that does not exist fails the test with the parser's words."""
    with pytest.raises(AssertionError, match="unrecognized arguments: --stripes"):
        run("chargeline rules list --stripes", capsys)
