"""`chargeline code` and `explain` on a visit with a practitioner and no administration."""

from pathlib import Path

import pytest

from chargeline.cli import main
from tests.golden.stories_visits import DECISION, note, posted

OPTIONS = ["--policy", "cms-physician-2026"]


def test_a_visit_without_drugs_has_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line, whose claim it is for, what another policy gives, and the posted level above it."""
    feed = tmp_path / "visit.hl7"
    feed.write_bytes(b"".join([DECISION, note("AU"), posted("99215")]))
    main(["code", str(feed), *OPTIONS])
    page = " ".join(capsys.readouterr().out.split())
    assert "99214 1 visit 2026-03-02 For the professional claim; moderate by decision" in page
    assert "cms-facility-2026 would give G0463 x1" in page
    assert "expected 99214, which the documented facts carry, found 99215 posted" in page


def test_its_reasons_can_be_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step with its rule and the fields that it rests on."""
    feed = tmp_path / "visit.hl7"
    feed.write_bytes(b"".join([DECISION, note("AU")]))
    main(["explain", str(feed), *OPTIONS])
    said = capsys.readouterr().out
    assert "problems: low; data: moderate; risk: high; level: moderate" in said
    assert "rule visit.decision.two_of_three" in said
