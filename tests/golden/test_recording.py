"""The recording that guards a change of structure: it works when somebody needs it."""

from itertools import islice
from pathlib import Path

from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from tests.golden import recording

POLICY = "guide-2026"


def test_a_record_equals_itself_and_a_changed_unit_is_found(tmp_path: Path) -> None:
    """One story, one rule case and one simulated visit are recorded; then a record is altered."""
    rulebook = load_rulebook(rules_directory())
    runs = [
        *islice(recording._stories(rulebook, POLICY), 1),
        *islice(recording._cases(rulebook, POLICY), 1),
        *islice(recording._simulated(rulebook, POLICY, "standard"), 2),
    ]
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
        recording._write(folder / "few.jsonl", runs, rulebook)
    assert not list(recording.differences(before, after, drafts_only=False))
    text = (after / "few.jsonl").read_text()
    assert '"units": 1' in text
    (after / "few.jsonl").write_text(text.replace('"units": 1', '"units": 7', 1))
    (difference,) = recording.differences(before, after, drafts_only=True)
    assert "before 1" in difference
    assert "after  7" in difference
