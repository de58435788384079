"""Records what chargeline says of stories, rule cases and simulated visits; compares two records.

Make a change that must change no draft between two recordings:

    python -m tests.golden.recording record before
    … the change …
    python -m tests.golden.recording record after
    python -m tests.golden.recording compare before after

`compare` expects every byte to be the same: the JSON of each encounter, the page and the
explanations, under all three policies. With `--drafts` it compares only what a bill rests on:
codes, units, modifiers, ids, minutes, open questions, reasons for withholding, and what other
policies would give. Use `--drafts` for a change that may add to a trace or mend a sentence. A
record leaves out the version of the rules.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from chargeline.coding.assembly import code_feed
from chargeline.coding.explaining import explanations
from chargeline.coding.page import print_run
from chargeline.coding.records import encounter_records
from chargeline.coding.run import CodedVisit, Run
from chargeline.engine import Finding, Rulebook, draft
from chargeline.files import FeedFile
from chargeline.hl7.profile import make_profile
from chargeline.rulebook.cases import history_of, read_cases, timeline_of, with_choice
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.simulator.feed import simulate
from tests.golden.stories import STORIES

VISITS, SEED, MESS = 300, 7, 0.5
STYLES = ("standard", "action-stream")
WIDTH = 120
# What a bill rests on. Everything else of a record is reasons and words.
LINE_KEYS = (
    "line_id", "role", "code", "units", "modifiers", "service_date", "drug", "minutes",
    "administrations", "provisional",
)  # fmt: skip
WITHHELD_KEYS = ("reason", "drug", "minutes", "administrations")
QUESTION_KEYS = ("code", "drug", "administrations")


def record(folder: Path) -> None:
    """Write the files of a record into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rulebook = load_rulebook(rules_directory())
    for policy in sorted(rulebook.policies):
        _write(folder / f"stories.{policy}.jsonl", _stories(rulebook, policy), rulebook)
        _write(folder / f"cases.{policy}.jsonl", _cases(rulebook, policy), rulebook)
        for style in STYLES:
            _write(
                folder / f"{style}.{policy}.jsonl", _simulated(rulebook, policy, style), rulebook
            )


def _stories(rulebook: Rulebook, policy: str) -> Iterator[tuple[str, Run]]:
    profiles = {name: make_profile(read_interface(rules_directory(), name)) for name in STYLES}
    for story in STORIES:
        files = [FeedFile("story", data) for data in story.messages]
        yield story.says, code_feed(files, rulebook, profiles[story.interface], policy)


def _cases(rulebook: Rulebook, policy: str) -> Iterator[tuple[str, Run]]:
    mistakes: list[Finding] = []
    for case in read_cases(sorted(rules_directory().rglob("*.cases.toml")), rulebook, mistakes):
        timeline = timeline_of(case, rulebook)
        history = history_of(case, timeline)
        drafted = draft(timeline, with_choice(case, rulebook), history, policy=policy)
        name = f"{case.says} {case.given or case.charted} {case.payer} {case.patient_class}"
        yield name, Run((CodedVisit(timeline, drafted),), 0, 0, 0, (), rulebook.sources)
    assert not mistakes, mistakes


def _simulated(rulebook: Rulebook, policy: str, style: str) -> Iterator[tuple[str, Run]]:
    feed = simulate(visits=VISITS, seed=SEED, style=style, mess=MESS)
    profile = make_profile(read_interface(rules_directory(), style))
    run = code_feed(
        [FeedFile("feed", data) for _style, data in feed.messages], rulebook, profile, policy
    )
    yield "the whole feed", run._replace(visits=())
    for coded in run.visits:
        yield coded.timeline.key.visit, run._replace(visits=(coded,))


def _write(path: Path, runs: Iterable[tuple[str, Run]], rulebook: Rulebook) -> None:
    entries: dict[str, str] = {}
    for name, run in runs:
        page = StringIO()
        print_run(Console(file=page, width=WIDTH, force_terminal=False), run, rulebook)
        entry = {
            "encounters": [
                each.model_dump(mode="json")
                for each in encounter_records(run, rulebook._replace(version="-"))
            ],
            "page": page.getvalue(),
            "explanations": list(explanations(run, rulebook)),
        }
        assert name not in entries, f"two entries of {path.name} are called {name!r}"
        entries[name] = json.dumps({"name": name, **entry})
    path.write_text("".join(f"{each}\n" for each in entries.values()))


# ------------------------------------------------------------------ comparing


def differences(before: Path, after: Path, *, drafts_only: bool) -> Iterator[str]:
    """A text for each entry that differs or is gone; an entry that is new is printed."""
    for path in sorted(before.iterdir()):
        old, new = _entries(path), _entries(after / path.name)
        for name in old:
            if name not in new:
                yield f"{path.name}: {name!r} is gone"
        for name in new:
            if name not in old:
                print(f"{path.name}: {name!r} is new")
        for name in [name for name in old if name in new]:
            was, now = old[name], new[name]
            if drafts_only:
                was, now = _drafts_alone(was), _drafts_alone(now)
            if was != now:
                yield f"{path.name}: {name!r}\n{_first_difference(was, now)}"


def _drafts_alone(entry: dict[str, Any]) -> dict[str, Any]:
    return {"encounters": list(map(_drafted, entry["encounters"]))}


def _entries(path: Path) -> dict[str, dict[str, Any]]:
    entries = map(json.loads, path.read_text().splitlines())
    return {entry["name"]: entry for entry in entries}


def _first_difference(was: Any, now: Any, where: str = "") -> str:
    """The first value in which two entries differ, and where in the entry it stands."""
    if isinstance(was, dict) and isinstance(now, dict) and list(was) == list(now):
        key = next(key for key in was if was[key] != now[key])
        return _first_difference(was[key], now[key], f"{where}.{key}")
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        index = next(
            index for index, pair in enumerate(zip(was, now, strict=True)) if pair[0] != pair[1]
        )
        return _first_difference(was[index], now[index], f"{where}[{index}]")
    return f"  at     {where}\n  before {json.dumps(was)}\n  after  {json.dumps(now)}"


def _drafted(encounter: dict[str, Any]) -> dict[str, Any]:
    """The part of one encounter's JSON that a bill rests on."""
    return {
        **{name: encounter[name] for name in ("facility", "visit", "encounter", "policy")},
        "lines": [_kept(each, LINE_KEYS) for each in encounter["lines"]],
        "withheld": [_kept(each, WITHHELD_KEYS) for each in encounter["withheld"]],
        "questions": [_kept(each, QUESTION_KEYS) for each in encounter["questions"]],
    }


def _kept(entry: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    others = [[each["policy"], each["would_give"]] for each in entry.get("other_policies", ())]
    return {**{name: entry[name] for name in keys}, "others": others}


def main() -> int:
    """Record or compare; exit code 1 if two records differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="write a record into a folder")
    recording.add_argument("folder", type=Path)
    comparing = verbs.add_parser("compare", help="say where two records differ")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument(
        "--drafts", action="store_true", help="what a bill rests on, not the reasons"
    )
    arguments = parser.parse_args()
    if arguments.verb == "record":
        record(arguments.folder)
        return 0
    differing = list(differences(arguments.before, arguments.after, drafts_only=arguments.drafts))
    for difference in differing[:20]:
        print(difference)
    print(f"{len(differing)} differences")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
