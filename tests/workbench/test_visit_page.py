"""A visit on a page: what was said is kept and drafted by its owner, and looks are recorded."""

import asyncio
import re
from datetime import timedelta

import pytest

from tests.answers.test_answers import open_infusion
from tests.trials import message, rxa
from tests.trials.test_doubts import given

from .asking import Asker, Standing, text_of

VISIT = "/visits/ZEBRA/V1"


async def asked(person: Asker, standing: Standing) -> dict[str, str]:
    """The form of the first question of the visit, as its page gives it."""
    (item,) = (await person.get("/work.json")).json()["items"]
    page = await person.get(f"{VISIT}?question={item['question_id']}")
    names = ("question", "fingerprint")
    return {
        name: re.search(rf'name="{name}" value="([^"]*)"', page.text).group(1)  # type: ignore[union-attr]
        for name in names
    }


async def test_an_answer_is_kept_and_drafted_by_the_owner_of_the_visit(standing: Standing) -> None:
    """The page has the new lines at once, and the owner's next revision has them too."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    form = await asked(okapi, standing)
    page = await okapi.post(
        f"{VISIT}/answers",
        **form,
        choice="stop",
        **{"value-stop": "10:05"},
        reason="seen on the pump",
    )
    assert page.status_code == 200 and "recorded" in text_of(page)
    assert "96413" in page.text and "When did carboplatin stop?" not in page.text
    async with standing.ledger.view() as view:
        assert len(await view.revisions("ZEBRA", "V1")) == 1
    await standing.draft_again()
    async with standing.ledger.view() as view:
        revisions = await view.revisions("ZEBRA", "V1")
    assert len(revisions) == 2 and '"96413"' in revisions[-1].body
    assert (await okapi.get("/work.json")).json()["items"] == []
    (act,) = await standing.acts("answer")
    assert (act.who, act.why) == ("O. Okapi", "seen on the pump")


async def test_an_answer_to_charting_that_changed_is_not_recorded(standing: Standing) -> None:
    """The question is shown again as it is now, and what was written stays in the form."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    form = await asked(okapi, standing)
    await standing.hear(given("carboplatin", "0915", "450 mg").replace("|M1|", "|M2|"))
    page = await okapi.post(
        f"{VISIT}/answers",
        **{**form, "fingerprint": "000000000000"},
        choice="stop",
        **{"value-stop": "10:05"},
        reason="seen on the pump",
    )
    assert page.status_code == 409
    assert "your answer was not recorded" in page.text
    assert 'value="seen on the pump"' in page.text and 'value="10:05"' in page.text
    assert await standing.acts("answer") == []


async def test_a_value_that_cannot_be_is_refused_in_words(standing: Standing) -> None:
    """A stop before the start, no choice, and no reason."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    form = await asked(okapi, standing)
    why = {"reason": "seen on the pump"}
    for wrong in (
        {"choice": "stop", "value-stop": "08:00", **why},
        {"choice": "stop", "value-stop": "", **why},
        {"choice": "nonsense", **why},
        {"choice": "unknown", "reason": ""},
    ):
        page = await okapi.post(f"{VISIT}/answers", **form, **wrong)
        assert page.status_code == 422, wrong
        assert "xpected" in page.text
    assert await standing.acts("answer") == []


async def test_of_two_answers_one_is_kept_and_the_other_is_not_lost(standing: Standing) -> None:
    """The second one sees that nobody asks any more, and what was written."""
    await standing.hear(*open_infusion())
    okapi, tapir = await standing.person(), await standing.person("T. Tapir", "nurse")
    mine, theirs = await asked(okapi, standing), await asked(tapir, standing)
    first = await okapi.post(f"{VISIT}/answers", **mine, choice="unknown", reason="no note")
    second = await tapir.post(
        f"{VISIT}/answers", **theirs, choice="stop", **{"value-stop": "10:05"}, reason="I was there"
    )
    assert (first.status_code, second.status_code) == (200, 409)
    assert "I was there" in second.text
    assert [act.who for act in await standing.acts("answer")] == ["O. Okapi"]


async def test_an_answer_is_taken_back_and_asked_again(standing: Standing) -> None:
    """By anybody who may answer, with a reason; who took it back already is told so."""
    await standing.hear(*open_infusion())
    okapi, tapir = await standing.person(), await standing.person("T. Tapir", "nurse")
    answered = await okapi.post(
        f"{VISIT}/answers", **await asked(okapi, standing), choice="unknown", reason="no note"
    )
    (number,) = re.findall(r'name="answer" value="([^"]*)"', answered.text)
    viewer = await standing.person("V. Viscacha", "viewer")
    assert 'name="answer"' not in (await viewer.get(VISIT)).text
    back = {"answer": number, "reason": "found the note"}
    refused = await viewer.post(f"{VISIT}/answers/back", **back)
    assert refused.status_code == 403 and "You wrote: found the note" in text_of(refused)
    await tapir.get(VISIT)
    short = await tapir.post(f"{VISIT}/answers/back", answer=number, reason="ok")
    assert short.status_code == 422 and "a reason of 3 to 500 characters" in short.text
    assert '<details class="hold" open>' in short.text and 'value="ok"' in short.text
    page = await tapir.post(f"{VISIT}/answers/back", **back)
    assert page.status_code == 200 and "When did carboplatin stop?" in page.text
    assert 'name="answer"' not in page.text
    assert "taken back or answered anew" in text_of(page) and "found the note" in text_of(page)
    again = await okapi.post(f"{VISIT}/answers/back", **back)
    assert again.status_code == 409 and "another one has followed" in text_of(again)
    assert "You wrote: take it back , because found the note" in text_of(again)
    acts = [(act.who, act.why) for act in await standing.acts("answer")]
    assert acts == [("O. Okapi", "no note"), ("T. Tapir", "found the note")]
    await standing.draft_again()
    items = (await okapi.get("/work.json")).json()["items"]
    assert [item["sentence"] for item in items] == ["When did carboplatin stop?"]


async def test_a_visit_is_held_and_released_with_reasons(standing: Standing) -> None:
    """It stands under Held, and the release is recorded with the name too."""
    await standing.hear(given("carboplatin", "0900-1000", "450 mg"))
    okapi = await standing.person()
    await okapi.get(VISIT)
    await okapi.post(f"{VISIT}/lines", choice="hold", reason="waits for the audit")
    await standing.draft_again()
    page = await okapi.get(VISIT)
    assert "Release the visit" in page.text
    standing.now += timedelta(minutes=5)
    await okapi.post(f"{VISIT}/lines", choice="release", reason="audit is done")
    await standing.draft_again()
    assert "Hold the whole visit" in (await okapi.get(VISIT)).text
    assert [act.why for act in await standing.acts("line")] == [
        "waits for the audit",
        "audit is done",
    ]


async def test_the_patient_is_masked_until_revealed_and_the_reveal_is_logged(
    standing: Standing,
) -> None:
    """A reveal lasts for one page, has a reason, and a viewer may not do it."""
    await standing.hear(*[each.replace("ZZ1^", "ZZ123456^") for each in open_infusion()])
    okapi, vole = await standing.person(), await standing.person("V. Vole", "viewer")
    page = await okapi.get(VISIT)
    assert "ZZ123456" not in page.text
    shown = await okapi.post(f"{VISIT}/reveal", reason="to call the unit")
    assert "ZZ123456" in shown.text
    assert "ZZ123456" not in (await okapi.get(VISIT)).text
    await vole.get("/work")
    assert (await vole.post(f"{VISIT}/reveal", reason="curious")).status_code == 403
    (act,) = await standing.acts("visit.reveal")
    assert (act.who, act.why, act.record) == ("O. Okapi", "to call the unit", "ZEBRA|V1")


async def test_every_look_at_a_visit_is_in_the_trail(standing: Standing) -> None:
    """The page, and a published draft; the same draft again from the browser's copy is none."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    await okapi.get(VISIT)
    draft = await okapi.get(f"{VISIT}/drafts/1.json")
    async with standing.ledger.view() as view:
        first, *_later = await view.revisions("ZEBRA", "V1")
    assert draft.text == first.body
    again = await okapi.get(
        f"{VISIT}/drafts/1.json", headers={"if-none-match": draft.headers["etag"]}
    )
    assert again.status_code == 304
    assert len(await standing.acts("visit.show")) == 2


async def test_a_visit_that_is_not_there_says_what_there_is(standing: Standing) -> None:
    """An address may be old: the visit was merged, or never came."""
    okapi = await standing.person()
    page = await okapi.get("/visits/ZEBRA/NONE")
    assert page.status_code == 404 and "no visit of this number" in page.text
    assert (await okapi.get(f"{VISIT}/drafts/9.json")).status_code == 404


HOSTILE = "<script>alert(1)</script>"


async def test_what_a_sender_wrote_is_only_text(standing: Standing) -> None:
    """A name of a drug, a unit or a note with tags is shown as it is written."""
    feed = given("carboplatin", "0900-1000", "450 mg").replace("^carboplatin^", f"^{HOSTILE}^")
    await standing.hear(feed.replace("PV1|1|O||", f"PV1|1|O|{HOSTILE}|"))
    okapi = await standing.person()
    for address in ("/work", VISIT, f"/work?text={HOSTILE}"):
        page = await okapi.get(address)
        assert HOSTILE not in page.text, address


async def test_three_people_at_one_moment_are_one_answer(standing: Standing) -> None:
    """The check and the keeping are one transaction: the later ones are told, and lose no word."""
    await standing.hear(*open_infusion())
    people = [
        await standing.person(name, "nurse") for name in ("O. Okapi", "T. Tapir", "N. Numbat")
    ]
    forms = [await asked(person, standing) for person in people]
    pages = await asyncio.gather(
        *[
            person.post(f"{VISIT}/answers", **form, choice="unknown", reason=f"no note, says {at}")
            for at, (person, form) in enumerate(zip(people, forms, strict=True))
        ]
    )
    assert sorted(page.status_code for page in pages) == [200, 409, 409]
    assert len(await standing.acts("answer")) == 1
    for at, page in enumerate(pages):
        assert f"no note, says {at}" in page.text


@pytest.mark.parametrize("number", ["AB/12", "..", "a%2Fb", "A|B", "é ü", "?x=1"])
async def test_any_number_that_a_sender_writes_has_an_address(
    standing: Standing, number: str
) -> None:
    """The link on the list leads to the visit, and its forms record."""
    written = number.replace("|", "\\F\\")
    feed = [each.replace("|||V1", f"|||{written}") for each in open_infusion()]
    await standing.hear(*feed, visit=number)
    okapi = await standing.person()
    (item,) = (await okapi.get("/work.json")).json()["items"]
    assert item["visit"] == number
    page = await okapi.get(item["address"])
    assert page.status_code == 200
    held = await okapi.post(f"{item['address']}/lines", choice="hold", reason="waits for the audit")
    assert held.status_code == 200 and "Release the visit" in held.text


@pytest.mark.parametrize(
    ("address", "form"),
    [
        (f"{VISIT}/lines", {"choice": "hold", "reason": " \t  "}),
        (f"{VISIT}/reveal", {"reason": "   "}),
        (f"{VISIT}/answers/back", {"answer": "0123456789ab", "reason": "   "}),
        (f"{VISIT}/answers", {"choice": "unknown", "reason": "   "}),
        (f"{VISIT}/answers", {"choice": "unknown", "reason": "a\x00bc"}),
        (f"{VISIT}/answers", {"choice": "stop", "value-stop": "9999-12-31T23:59", "reason": "abc"}),
    ],
)
async def test_what_cannot_be_kept_is_refused_in_words(
    standing: Standing, address: str, form: dict[str, str]
) -> None:
    """Blanks are no reason, and no sign that no database keeps gets to one."""
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    shown = await asked(okapi, standing)
    page = await okapi.post(address, **({**shown, **form} if "answers" in address else form))
    assert page.status_code == 422 and "Expected" in page.text
    assert "carboplatin" in page.text, "the visit is shown again"


@pytest.mark.parametrize("question", ["é", "²", "x" * 81, ""])
async def test_a_question_that_is_none_is_refused_in_words(
    standing: Standing, question: str
) -> None:
    await standing.hear(*open_infusion())
    okapi = await standing.person()
    await okapi.get(VISIT)
    page = await okapi.post(
        f"{VISIT}/answers", question=question, fingerprint="", choice="unknown", reason="no note"
    )
    assert page.status_code == 409 and "not recorded" in page.text


async def test_only_who_recorded_is_told_so(standing: Standing) -> None:
    """An address that says that something was recorded is believed by nobody else."""
    await standing.hear(*open_infusion())
    okapi, vole = await standing.person(), await standing.person("V. Vole", "viewer")
    form = await asked(okapi, standing)
    page = await okapi.post(f"{VISIT}/answers", **form, choice="unknown", reason="no note")
    recorded = str(page.url.query, "ascii")
    assert "Kept with your name" in page.text
    assert "Kept with your name" not in (await vole.get(f"{VISIT}?{recorded}")).text
    assert "Kept with your name" not in (await okapi.get(f"{VISIT}?recorded=stop")).text


async def test_a_visit_of_two_thousand_administrations_opens(standing: Standing) -> None:
    """All of them are in the table of times; the picture says how many it leaves out."""
    rows = [
        segment
        for minute in range(2_000)
        for segment in (
            rxa("ondansetron", f"{8 + minute // 240:02}{minute % 60:02}", "8 mg"),
            "RXR|IV|PORT||IVP",
        )
    ]
    await standing.hear(message(*rows))
    okapi = await standing.person()
    page = await okapi.get(VISIT)
    assert page.status_code == 200
    table = page.text.partition('id="times"')[2].partition("</table>")[0]
    assert table.count("<tr>") == 2_001  # with its head
    assert "1,940 further administrations are not drawn" in text_of(page)
