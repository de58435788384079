"""The picture of a visit: each administration has its lane, and nothing leaves its lane."""

from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as Xml

from hypothesis import given, settings
from hypothesis import strategies as st

from chargeline.workbench.visit.model import ChosenOnPage, VisitPage
from chargeline.workbench.visit.picture import MOST_LANES
from tests.answers.given import run_after
from tests.answers.test_answers import TWO_LINES, open_infusion
from tests.trials import message, run_of, rxa
from tests.workbench.visit.pages import (
    POLICY,
    SVG,
    bars_in,
    infusion,
    lanes_in,
    page_of,
    percent,
    tracks,
)

NARROWEST_TRACK = 26 * 16  # pixels: the least width of the track in visit.css
# Pixels at 12 px in a bold and wide font; what is no letter and no digit is narrower.
LETTER_WIDTH, OTHER_WIDTH = 7.6, 5.0
DRUGS = ["carboplatin", "ondansetron", "sodium chloride 0.9", "zebrafen-invented", "leucovorin"]


def titles(page: VisitPage) -> list[str]:
    """What each bar of the first picture says."""
    return [bar.findtext(f"{SVG}title", "") for bar in bars_in(tracks(page)[0])]


def test_each_administration_has_one_lane_in_the_group_of_its_access_line(tmp_path: Path) -> None:
    page = page_of(run_after(tmp_path, TWO_LINES, policy=POLICY))
    (picture,) = page.pictures
    assert len(lanes_in(picture)) == picture.lanes == len(page.times) == 2
    groups = [text.text for text in Xml.fromstring(picture.labels).findall(f"{SVG}text")]
    assert groups == ["Access line · PORT", "Access line · LA"]


def test_bars_are_told_by_letter_class_and_pattern(tmp_path: Path) -> None:
    page = page_of(infusion(tmp_path))
    shapes = {bar.findtext(f"{SVG}title", "").split()[0]: bar for bar in bars_in(tracks(page)[0])}
    assert shapes["carboplatin"].get("class") == "bar chemo first"
    assert shapes["carboplatin"].get("fill") == "url(#p-chemo)"
    assert shapes["dexamethasone"].get("class") == "bar thera"
    assert shapes["acetaminophen"].get("class") == "bar none"
    assert shapes["ondansetron"].tag == f"{SVG}path", "a push is a diamond"
    assert [row.letter for row in page.times] == ["–", "T", "C", "T"]


def test_a_bar_is_to_scale(tmp_path: Path) -> None:
    """09:00 to 11:00 of the 08:40 to 11:00 that are drawn on 96 percent: 120 of 140 minutes."""
    shapes = bars_in(tracks(page_of(infusion(tmp_path)))[0])
    bar = next(bar for bar in shapes if "carboplatin" in bar.findtext(f"{SVG}title", ""))
    assert percent(bar.get("x")) == round(2 + 96 * 20 / 140, 2)
    assert percent(bar.get("width")) == round(96 * 120 / 140, 2)


def test_a_missing_stop_is_pale_to_the_ordered_end_with_its_question(tmp_path: Path) -> None:
    page = page_of(run_after(tmp_path, open_infusion(), policy=POLICY))
    (bar,) = bars_in(tracks(page)[0])
    assert "open" in bar.get("class", "").split()
    assert titles(page) == ["carboplatin 450 mg, 09:00 no stop charted"]
    assert percent(bar.get("width")) == 96, "60 ordered minutes are all that is drawn"
    assert "09:00 · no stop · asks 1" in page.pictures[0].track


def test_what_runs_together_has_a_field_behind_it(tmp_path: Path) -> None:
    track = tracks(page_of(infusion(tmp_path)))[0]
    fields = [rect for rect in track.iter(f"{SVG}rect") if rect.get("class") == "together"]
    assert [rect.findtext(f"{SVG}title") for rect in fields] == ["together 09:30 to 10:00, 30 min"]


def test_the_chosen_line_lights_its_lanes(tmp_path: Path) -> None:
    run = infusion(tmp_path)
    (line,) = [line for line in run.visits[0].draft.lines if line.code == "96413"]
    (picture,) = page_of(run, chosen=ChosenOnPage(line=line.line_id)).pictures
    lit = [lane.get("class") for lane in lanes_in(picture)]
    assert sorted(lit) == ["lane faint"] * 3 + ["lane lit"]


def test_a_code_in_the_picture_opens_its_line(tmp_path: Path) -> None:
    run = infusion(tmp_path)
    codes = Xml.fromstring(page_of(run).pictures[0].codes)
    links = {link.findtext(f"{SVG}text"): link.get("href") for link in codes.iter(f"{SVG}a")}
    (line,) = [line for line in run.visits[0].draft.lines if line.code == "96413"]
    assert links["★ 96413 ×1"] == f"?line={line.line_id}#why"


def test_of_two_thousand_administrations_sixty_are_drawn_and_all_stand_in_the_table(
    tmp_path: Path,
) -> None:
    """Those of the chosen line come first."""
    rows = [
        segment
        for minute in range(1999)
        for segment in (
            rxa("ondansetron", f"{8 + minute // 240:02}{minute % 60:02}", "8 mg"),
            "RXR|IV|PORT||IVP",
        )
    ]
    late = (rxa("carboplatin", "2300", "450 mg"), "RXR|IV|PORT")
    run = run_of(tmp_path, message(*rows, *late), policy=POLICY)
    (last,) = [line for line in run.visits[0].draft.lines if line.code in ("96409", "96413")]
    page = page_of(run, chosen=ChosenOnPage(line=last.line_id))
    assert len(page.times) == 2000
    assert sum([picture.lanes for picture in page.pictures]) == MOST_LANES
    assert sum([picture.left_out for picture in page.pictures]) == 2000 - MOST_LANES
    assert any("carboplatin" in picture.labels for picture in page.pictures)


# ------------------------------------------------------------------ whatever is charted


def test_a_stop_on_another_day_is_told_with_its_day(tmp_path: Path) -> None:
    """08:30 to 08:47 of the next day is no 17 minutes."""
    row = ("dexamethasone", 8 * 60 + 30, 24 * 60 + 17, "PORT")
    page = page_of(run_of(tmp_path, charted([row]), policy=POLICY))
    (track,) = tracks(page)
    words = " ".join([text.text or "" for text in track.iter(f"{SVG}text")])
    assert "08:30–08:47 +1 d" in words
    assert titles(page) == ["dexamethasone 10 mg, 08:30 to 3 March, 08:47"]


TIMES = st.integers(0, 20 * 60)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(DRUGS),
        TIMES,
        st.one_of(st.none(), st.integers(-120, 40 * 60)),
        st.sampled_from(["PORT", "LA", ""]),
    ),
    min_size=1,
    max_size=12,
)


def written(minutes: int) -> str:
    moment = datetime(2026, 3, 2) + timedelta(minutes=minutes)
    return f"{moment:%Y%m%d%H%M}"


def charted(rows: list[tuple[str, int, int | None, str]]) -> str:
    """A message with these rows; lengths may be negative, so a stop may lie before its start."""
    segments = []
    for drug, start, length, line in rows:
        row = rxa(drug, "0000", "10 mg").split("|")
        row[3] = written(start)
        row[4] = written(start + length) if length is not None else ""
        segments += ["|".join(row), f"RXR|IV|{line}"]
    return message(*segments)


@settings(max_examples=40)
@given(ROWS)
def test_bars_and_words_lie_within_the_picture(
    tmp_path_factory: object, rows: list[tuple[str, int, int | None, str]]
) -> None:
    """Lanes equal administrations; each bar says what it is; no text is cut by an edge."""
    folder = tmp_path_factory.mktemp("feed")  # type: ignore[attr-defined]
    for page in [page_of(run_of(folder, charted(rows), policy=POLICY))]:
        assert sum([picture.lanes for picture in page.pictures]) == len(page.times)
        for picture, track in zip(page.pictures, tracks(page), strict=True):
            height = int(track.get("height", ""))
            assert len(lanes_in(picture)) == picture.lanes
            for bar in bars_in(track):
                assert bar.findtext(f"{SVG}title")
            for rect in track.iter(f"{SVG}rect"):
                if (rect.get("x") or "").endswith("%"):
                    left, width = percent(rect.get("x")), percent(rect.get("width"))
                    assert left >= 0 and width + 0.01 > 0 and left + width <= 100.01
                    assert 0 <= int(rect.get("y", "")) < height
            _assert_words_fit(track)


def _assert_words_fit(track: Xml.Element) -> None:
    parents = {child: parent for parent in track.iter() for child in parent}
    for text in track.iter(f"{SVG}text"):
        place = parents[text] if parents[text].tag == f"{SVG}svg" else text
        x = text.get("x") if (text.get("x") or "").endswith("%") else place.get("x")
        at = percent(x) / 100 * NARROWEST_TRACK + float(text.get("dx", "0"))
        signs = text.text or ""
        width = sum([LETTER_WIDTH if sign.isalnum() else OTHER_WIDTH for sign in signs])
        before = {"end": width, "middle": width / 2}.get(text.get("text-anchor", ""), 0)
        assert at - before >= -1 and at - before + width <= NARROWEST_TRACK + 1, text.text
