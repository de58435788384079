"""The Visit screen as values: what a coder reads there is what the draft says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chargeline.engine import severity_of
from chargeline.ledger.records import StoredRevision, StoredVisit
from chargeline.published.drafts import revision_of
from chargeline.published.writing import visit_draft
from chargeline.workbench.visit.model import ChosenOnPage, LineRow, VisitPage
from chargeline.workbench.visit.page import LedgerRows, visit_page
from chargeline.workbench.visit.posted import posted_answer
from tests.answers.given import answer, run_after
from tests.answers.test_answers import TWO_LINES, open_infusion
from tests.trials import message, run_of, rxa
from tests.trials.test_doubts import given, order
from tests.workbench.visit.pages import (
    EVENING,
    POLICY,
    PRICES,
    drafted,
    infusion,
    page_of,
    page_of_rows,
    rulebook,
    site,
)


def rows_of(page: VisitPage) -> dict[str, LineRow]:
    """The lines of a page by code and drug; each stands once in these feeds."""
    return {f"{row.code} {row.drug}": row for part in page.families for row in part.rows}


def stored(**values: object) -> StoredVisit:
    """An open visit of the ledger."""
    row = StoredVisit("ZEBRA", "V1", "open", 3, None, None, None, None, False, EVENING)
    return row._replace(**values)  # type: ignore[arg-type]


# ------------------------------------------------------------------ the head


def test_the_head_masks_the_patient_but_for_four_signs(tmp_path: Path) -> None:
    feed = message(rxa("carboplatin", "0900-1000", "450 mg"), "RXR|IV").replace("ZZ1", "ZZ104417")
    run = run_of(tmp_path, feed, policy=POLICY)
    assert page_of(run).head.patient == "••••4417"
    assert page_of(run, revealed=True).head.patient == "ZZ104417"
    assert "ZZ104417" not in repr(page_of(run))


def test_a_short_number_shows_nothing_of_itself(tmp_path: Path) -> None:
    assert page_of(infusion(tmp_path)).head.patient == "••••"


def test_the_head_says_under_which_policies_lines_differ(tmp_path: Path) -> None:
    """Bevacizumab is chemotherapy administration for Medicare, and for the guide it is not."""
    page = page_of_rows(tmp_path, rxa("bevacizumab", "0900-1000", "300 mg"), "RXR|IV|PORT")
    assert rows_of(page)["96365 bevacizumab"].apart == (
        "cms-facility-2026 and cms-physician-2026 would give 96413 x1 (rule class.antibody)",
    )
    assert [(apart.policy, apart.lines) for apart in page.head.apart] == [
        ("cms-facility-2026", 1),
        ("cms-physician-2026", 1),
    ]


# ------------------------------------------------------------------ readiness


def test_a_question_says_what_waits_for_it(tmp_path: Path) -> None:
    """A push of $210.00 and 9 units of $3.50: $241.50."""
    page = page_of(run_after(tmp_path, open_infusion(), policy=POLICY))
    assert page.ready.lead == "Not ready: waits for 1 answer and the end of the visit."
    assert page.ready.rest.startswith("$241.50 waits.") and page.ready.tone == "blocks"


def test_an_open_visit_says_when_it_becomes_final(tmp_path: Path) -> None:
    row = stored(final_due=EVENING + timedelta(hours=3, minutes=12))
    page = page_of(infusion(tmp_path), beside=LedgerRows(row))
    assert "Becomes final in 3 h 12 min" in page.ready.rest and page.ready.tone == "notes"


def test_a_final_visit_without_questions_is_ready(tmp_path: Path) -> None:
    page = page_of(infusion(tmp_path), beside=LedgerRows(stored(status="final")))
    assert page.ready.tone == "ready" and page.ready.lead == "Ready."
    assert page.total in page.ready.rest


# ------------------------------------------------------------------ questions


def test_the_card_asks_in_a_sentence_and_says_when_it_began(tmp_path: Path) -> None:
    (card,) = page_of(run_after(tmp_path, open_infusion(), policy=POLICY)).questions
    assert card.sentence == "When did carboplatin stop?"
    assert card.also.startswith("Started 09:00, ordered for 60 minutes. ")
    assert card.stake == "$241.50" and card.state.word == "blocks"


def test_only_the_chosen_question_says_what_each_answer_drafts(tmp_path: Path) -> None:
    """The ordered end makes an infusion of $612.00 of a push of $210.00: $402.00 more."""
    run = run_after(tmp_path, open_infusion(), policy=POLICY)
    assert page_of(run).panel is None
    number = page_of(run).questions[0].question_id
    panel = page_of(run, chosen=ChosenOnPage(question=number)).panel
    assert panel is not None and panel.card.is_chosen
    by_choice = {choice.choice: choice for choice in panel.choices}
    assert list(by_choice) == ["stop", "push", "unknown", "not_given"]
    (stop,) = by_choice["stop"].outcomes
    assert stop.gives == ("J9045 ×9 ? → J9045 ×9", "96409 ×1 ? → 96413 ×1")
    assert (stop.money, stop.tone, stop.label) == ("+$402.00", "up", "2026-03-02, 10:00")
    (gone,) = by_choice["not_given"].outcomes
    assert (gone.money, gone.tone) == ("−$241.50", "down")
    assert gone.gives == ("96409 ×1 ? goes", "J9045 ×9 ? goes")


def test_a_question_without_a_proposal_does_not_guess_one(tmp_path: Path) -> None:
    """Nobody ordered a length: what a stop drafts depends on the time that a person gives."""
    run = run_after(tmp_path, [given("carboplatin", "0900", "450 mg")], policy=POLICY)
    page = page_of(run)
    numbers = [card.question_id for card in page.questions]
    panel = page_of(run, chosen=ChosenOnPage(question=numbers[0])).panel
    assert panel is not None
    stop = next(choice for choice in panel.choices if choice.choice == "stop")
    assert stop.outcomes[0].gives == ("depends on the value",) and stop.outcomes[0].value == ""


def test_a_question_about_no_drug_is_asked_all_the_same(tmp_path: Path) -> None:
    page = page_of(run_after(tmp_path, TWO_LINES, policy=POLICY))
    assert [card.sentence for card in page.questions] == ["Why was a second access line needed?"]
    assert [card.state.tone for card in page.questions] == [severity_of("initial.second_line")]


def test_the_form_gives_the_value_of_the_choice_and_of_no_other() -> None:
    form = {"question": "q", "choice": "stop", "value-stop": "10:05 ", "value-dose": "450 mg"}
    posted = posted_answer({**form, "reason": "seen", "fingerprint": "f"})
    assert posted == ("q", "stop", "10:05", "seen", "f")
    assert posted_answer({"choice": "push", "value-stop": "10:05"}).value == ""
    assert posted_answer({"choice": "stop", "value": "10:05"}).value == "10:05"


# ------------------------------------------------------------------ lines


def test_lines_stand_by_family_with_minutes_units_and_money(tmp_path: Path) -> None:
    page = page_of(infusion(tmp_path))
    assert [family.title for family in page.families] == ["Administration", "Drugs"]
    row = rows_of(page)["96413 carboplatin"]
    assert (row.units, row.minutes, row.amount, row.state.word) == (1, "120", "$612.00", "ready")
    assert row.is_initial and row.what == "chemo infusion, initial"
    assert rows_of(page)["J9045 carboplatin"].what == "450 mg / 50 mg a unit = 9"
    assert rows_of(page)["J1100 dexamethasone"].amount == "", "the list has no price for it"


def test_the_total_is_the_sum_of_the_lines(tmp_path: Path) -> None:
    page = page_of(infusion(tmp_path))
    shown = [row.amount for family in page.families for row in family.rows if row.amount]
    cents = sum([round(float(amount.strip("$").replace(",", "")) * 100) for amount in shown])
    assert page.total == f"${cents / 100:,.2f}" and cents > 61200


def test_without_a_price_list_no_amount_is_shown(tmp_path: Path) -> None:
    run = infusion(tmp_path)
    page = visit_page(drafted(run.visits[0]), site(prices={}), EVENING)
    assert "$" not in repr(page)


def test_a_provisional_line_says_which_question_it_waits_for(tmp_path: Path) -> None:
    page = page_of(run_after(tmp_path, open_infusion(), policy=POLICY))
    assert rows_of(page)["96409 carboplatin"].state.word == "asks 1"


def test_what_is_withheld_says_why_and_how_often(tmp_path: Path) -> None:
    page = page_of(infusion(tmp_path))
    (row,) = [row for row in page.withheld if row.what == "acetaminophen"]
    assert row.reason == "technique.other_route" and row.says and row.times == 1


def test_edits_of_one_kind_stand_together(tmp_path: Path) -> None:
    """None of the three drugs that are billed has an NDC."""
    page = page_of(infusion(tmp_path))
    (row,) = [row for row in page.edits if row.code == "ndc.missing"]
    assert row.times == 3 and sorted(row.lines) == ["J1100", "J2405", "J9045"]


# ------------------------------------------------------------------ why


def test_why_adds_the_minutes_up(tmp_path: Path) -> None:
    """55 and 63 minutes with a pause of 16 between them: 118 minutes."""
    feed = [
        message(rxa("carboplatin", time, "450 mg", note=note), "RXR|IV")
        .replace("RXA|0|1|", f"RXA|0|{number}|")
        .replace("|M1|", f"|M{number}|")
        for number, (note, time) in enumerate(
            [("New Bag", "0920"), ("Paused", "1015"), ("Restarted", "1031"), ("Stopped", "1134")],
            start=1,
        )
    ]
    run = run_of(tmp_path, *feed, policy=POLICY)
    page = page_of(run)
    why = page.why
    assert why is not None and why.row.code == "96413"
    assert [(part.span, part.minutes) for part in why.parts] == [
        ("09:20 – 10:15", "55"),
        ("10:15 – 10:31", "0"),
        ("10:31 – 11:34", "63"),
        ("Charted", "118"),
    ]
    assert why.sentence.startswith("Carboplatin ran 118 minutes: chemo infusion, initial.")
    assert page.times[0].pauses == "1 pause, 16 min"


def test_why_of_the_chosen_line_has_its_steps_rules_and_policies(tmp_path: Path) -> None:
    run = infusion(tmp_path)
    (further,) = [line for line in run.visits[0].draft.lines if line.code == "96415"]
    why = page_of(run, chosen=ChosenOnPage(line=further.line_id)).why
    assert why is not None and why.row.line_id == further.line_id and why.row.is_chosen
    assert [other.policy for other in why.policies] == [
        "guide-2026",
        "cms-facility-2026",
        "cms-physician-2026",
    ]
    assert why.policies[0].in_use and why.policies[1].compared == "same"
    (hours,) = [step for step in why.steps if step.topic == "further hours"]
    assert hours.rule == "guide.hours.thirty_or_more" and hours.cited
    assert hours.passed_over[0][0] == "hours.more_than_thirty"
    assert "from 150: one more hour" in why.ruler


def test_another_policy_says_what_it_gives_and_in_place_of_what(tmp_path: Path) -> None:
    page = page_of_rows(tmp_path, rxa("bevacizumab", "0900-1000", "300 mg"), "RXR|IV|PORT")
    assert page.why is not None
    (_ours, medicare, _office) = page.why.policies
    assert (medicare.gives, medicare.amount) == ("96413 ×1", "$612.00")
    assert medicare.compared == "in place of 96365 ×1 (rule class.antibody)"


def test_a_line_that_is_there_no_more_chooses_none(tmp_path: Path) -> None:
    page = page_of(infusion(tmp_path), chosen=ChosenOnPage(line="0123456789ab"))
    assert page.why is not None and not page.why.row.is_chosen
    assert "faint" not in page.pictures[0].track


# ------------------------------------------------------------------ history


def test_revisions_say_what_they_changed_and_the_money(tmp_path: Path) -> None:
    """A push becomes an infusion: $402.00 more."""
    before = run_after(tmp_path, open_infusion(), policy=POLICY)
    stop = answer(before, "stop.missing", "stop", "2026-03-02T10:05-05:00")
    after = run_after(tmp_path, open_infusion(), stop, policy=POLICY)
    revisions, billed = [], {}
    for number, run in enumerate((before, after), start=1):
        visit = run.visits[0]
        whole = visit_draft(visit.draft, visit.timeline, rulebook().formulary)
        written = revision_of(
            whole, revision=number, final=False, incomplete=False, before=billed, prices=PRICES
        )
        billed = dict(written.digest.billed)
        key = visit.timeline.key
        row = StoredRevision(*key, number, "open", POLICY, "r", EVENING, "", "")
        revisions.append(row._replace(changes=written.changes.decode()))
    page = page_of(after, beside=LedgerRows(stored(), revisions))
    last, first = page.revisions
    assert (last.number, last.money, first.money) == (2, "+$402.00", "+$241.50")
    assert [(change.sign, change.text) for change in last.changes] == [
        ("added", "96413 ×1 carboplatin"),
        ("changed", "J9045 ×9 ? → J9045 ×9 carboplatin"),
        ("removed", "96409 ×1 ? carboplatin"),
    ]
    (said,) = page.said
    assert (said.by, said.about, said.holds.word) == ("ZN1", "stop.missing carboplatin", "holds")
    assert said.said == "stop 2026-03-02T10:05-05:00" and said.because == "I was there"


def test_the_table_says_who_answered_and_not_a_message(tmp_path: Path) -> None:
    """The stop's source is the answer: there is no message to open."""
    before = run_after(tmp_path, open_infusion(), policy=POLICY)
    stop = answer(before, "stop.missing", "stop", "2026-03-02T10:05-05:00")
    page = page_of(run_after(tmp_path, open_infusion(), stop, policy=POLICY))
    (row,) = page.times
    assert (row.start, row.stop, row.minutes) == ("09:00", "10:05", "65")
    assert [bool(source.message) for source in row.sources] == [True, False]


@pytest.mark.parametrize(
    ("hour", "stop", "shown"), [(9, "running", "running"), (23, "not charted", "no stop")]
)
def test_a_visit_that_runs_ends_at_now(tmp_path: Path, hour: int, stop: str, shown: str) -> None:
    """Begun at 09:00 in New York: at 10:00 it runs, and fourteen hours later its stop lacks."""
    now = datetime(2026, 3, 2, 15, tzinfo=UTC) + timedelta(hours=hour - 9)
    page = page_of(run_after(tmp_path, open_infusion(), policy=POLICY), now=now)
    assert page.times[0].stop == stop and shown in page.pictures[0].track


def test_an_order_alone_makes_an_empty_page(tmp_path: Path) -> None:
    page = page_of(run_of(tmp_path, order("carboplatin", "450 mg", 60), policy=POLICY))
    assert (page.lines, page.times, page.pictures, page.why) == (0, (), (), None)
