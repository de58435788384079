"""A question about a course that was answered under another visit: the page says by whom."""

from tests.golden.sessions import examined, fraction

from .asking import Asker, Standing, text_of

FIRST, SECOND = "/visits/ZEBRA/V1", "/visits/ZEBRA/V2"
MORE = {"technique": "3D", "isocentres": "two"}
DAYS = ["20260302", "20260303", "20260304", "20260305", "20260306"]
WHY = "the plan says so"


async def a_course(standing: Standing) -> None:
    """Five sessions, the last two under V2; it is asked about what they have in common."""
    for visit, numbers in (("V1", (1, 2, 3)), ("V2", (4, 5))):
        told = [examined(f"{DAYS[2]}1100", visit="V1")] if visit == "V1" else []
        for number in numbers:
            day = f"{DAYS[number - 1]}1000"
            told.append(fraction(number, day, visit=visit, planned="5", **MORE))
        await standing.hear(*[data.decode() for data in told], visit=visit)


async def confirm(person: Asker, address: str) -> None:
    """Confirm the one question of a visit."""
    visit = (await person.get(f"/api/v1{address}")).json()
    (question,) = visit["questions"]
    form = {"question": question["question_id"], "fingerprint": question["fingerprint"]}
    await person.get(address)
    page = await person.post(f"{address}/answers", **form, choice="confirm", reason=WHY)
    assert page.status_code == 200


async def test_the_other_visit_says_who_answered_when_and_where(standing: Standing) -> None:
    """Who looks at V2 sees the person, the reason and the visit under which it was said, and takes
    the answer back there.
    """
    await a_course(standing)
    await standing.draft_again()
    okapi, vole = await standing.person(), await standing.person("V. Vole", "viewer")
    asking = (await okapi.get(f"/api/v1{SECOND}")).json()["questions"]
    assert [one["code"] for one in asking] == ["radiation.value"]
    assert f'href="{FIRST}"' not in (await vole.get(SECOND)).text
    await confirm(okapi, FIRST)
    await standing.draft_again()
    page = await vole.get(SECOND)
    assert f'href="{FIRST}"' in page.text and f'href="{SECOND}"' not in page.text
    row = text_of(page).partition("Who said what")[2]
    for told in ("O. Okapi", "radiation.value", "visit V1", "confirm", WHY, "holds"):
        assert told in row, told
    assert 'name="answer"' not in (await okapi.get(SECOND)).text, "it is taken back under V1"
    own = text_of(await vole.get(FIRST)).partition("Who said what")[2]
    assert "O. Okapi" in own and "under visit" not in own
