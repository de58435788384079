"""A visit typed by hand: the same lines as a feed gives, an address to send, and nothing kept."""

from urllib.parse import urlencode

import pytest

from .asking import Standing, text_of

GIVEN = "ondansetron 8 mg iv push 08:50\ncarboplatin 450 mg iv 09:00-10:30"


def address(given: str = GIVEN, **more: str) -> str:
    return f"/try?{urlencode({'given': given, **more})}"


async def test_what_is_typed_is_drafted_by_the_rules_of_the_site(standing: Standing) -> None:
    """Codes, why, what other policies give, and the picture with a lane for each line."""
    okapi = await standing.person()
    page = await okapi.get(address())
    shown = text_of(page)
    assert page.status_code == 200
    for said in ("96413", "96375", "J9045", "Why", "cms-facility-2026", "chemo"):
        assert said in shown, said
    assert page.text.count('class="lane') >= 2


async def test_the_address_says_it_all(standing: Standing) -> None:
    """Policy, payer, class and day count, and a chosen line keeps what was typed."""
    okapi = await standing.person()
    page = await okapi.get(address(policy="cms-physician-2026", patient_class="inpatient"))
    assert "cms-physician-2026" in text_of(page)
    assert "given=ondansetron" in page.text and "patient_class=inpatient" in page.text
    chosen = page.text.split('href="?given=')[1].split('"')[0].replace("&amp;", "&")
    assert (await okapi.get(f"/try?given={chosen}")).status_code == 200


async def test_nothing_is_kept(standing: Standing) -> None:
    """No message, no draft, no act: a typed visit is nobody's."""
    okapi = await standing.person()
    await okapi.get(address())
    async with standing.ledger.view() as view:
        assert await view.visit_keys() == []
    assert await standing.acts("visit.show") == []


@pytest.mark.parametrize(
    ("given", "more", "says"),
    [
        ("carboplatin", {}, "text 1"),
        (f"{GIVEN}\nnonsense 5 mg iv 25:00", {}, "text 3"),
        (GIVEN, {"policy": "none"}, "one of cms-facility-2026"),
        ("saline 1 ml iv push 09:00\n" * 101, {}, "at most 100 lines"),
        ("<script>alert(1)</script>", {}, "text 1"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_words_and_stays_in_the_form(
    standing: Standing, given: str, more: dict[str, str], says: str
) -> None:
    okapi = await standing.person()
    page = await okapi.get(address(given, **more))
    assert page.status_code == 422 and says in page.text
    assert "<script>alert" not in page.text
    assert given.split()[0].replace("<", "&lt;").split(">")[0] in page.text


async def test_an_empty_form_says_how_to_write(standing: Standing) -> None:
    """The example is a placeholder, not a draft."""
    okapi = await standing.person()
    page = await okapi.get("/try?day=")
    assert page.status_code == 200 and "carboplatin 450 mg iv 09:00-10:30" in page.text
    assert "Charge lines" not in page.text
