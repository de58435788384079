"""The courses and authorizations of a visit by the API: the same as on its page, with keys."""

import httpx
import pytest

from chargeline.workbench.rights import MAY, ROLES, Role
from tests.coding.test_course_page import delivered
from tests.drafting.test_authorizations import dose, order, referral

from .asking import Standing, program, text_of
from .test_api import VISIT

COURSES, AUTHORIZATIONS = f"{VISIT}/courses", f"{VISIT}/authorizations"


async def sessions(standing: Standing, first: int, last: int, visit: str = "V1") -> None:
    """Some of thirty planned fractions, in a visit."""
    told = delivered(first, last, planned="30", visit=visit)
    await standing.hear(*[message.decode() for message in told], visit=visit)


async def drugs(standing: Standing, units: int) -> None:
    """A dose of 80 units in V1 and an order of the like in V2, with so many units granted."""
    await standing.hear(referral(units).decode(), visit="AUTH.A77")
    given = [order("V1", "20261005"), dose("V1", "20261005")]
    await standing.hear(*[message.decode() for message in given])
    await standing.hear(order("V2", "20261116").decode(), visit="V2")


async def test_a_course_is_told_by_all_visits_and_each_says_its_own_part(
    standing: Standing,
) -> None:
    """Seven of thirty sessions earn one unit; the next is earned by the tenth."""
    await sessions(standing, 1, 4)
    await sessions(standing, 5, 7, "V2")
    async with await program(standing) as coder:
        first = (await coder.get(COURSES)).json()
        second = (await coder.get(COURSES.replace("V1", "V2"))).json()
    assert (first["facility"], first["visit"]) == ("ZEBRA", "V1")
    (course,), (again,) = first["courses"], second["courses"]
    assert (course["course"], course["sessions"], course["planned"]) == ("C1", 7, [30])
    assert (course["here"], again["here"]) == ([1, 2, 3, 4], [5, 6, 7])
    (managed,) = course["management"]
    assert (managed["code"], managed["units"], managed["to_next"]) == ("77427", 1, 3)
    okapi = await standing.person()
    row = "C1 7 of 30 1 x 77427 in 3 sessions open 1 to 4"
    assert row in text_of(await okapi.get("/visits/ZEBRA/V1"))


async def test_an_authorization_says_what_is_granted_used_and_left(standing: Standing) -> None:
    """In numbers that are exact, with what this visit takes of them."""
    await drugs(standing, 200)
    async with await program(standing) as coder:
        told = (await coder.get(AUTHORIZATIONS)).json()
    (held,) = told["authorizations"]
    assert (held["number"], held["status"]) == ("A77", "approved")
    assert (held["starts"], held["until"]) == ("2026-10-01", "2027-03-31")
    assert (held["granted"], held["used"], held["left"]) == ("200", "80", "120")
    assert held["taken"] == [{"day": "2026-10-05", "amount": "80"}]
    assert told["needed"] == []
    okapi = await standing.person()
    assert "A77 J2860 80 of 200 units, 120 left" in text_of(await okapi.get("/visits/ZEBRA/V1"))


async def test_what_an_order_lacks_stands_beside_what_is_on_file(standing: Standing) -> None:
    """Of 100 units V1 takes 80, so the order of V2 has no room."""
    await drugs(standing, 100)
    async with await program(standing) as coder:
        told = (await coder.get(AUTHORIZATIONS.replace("V1", "V2"))).json()
    (needed,) = told["needed"]
    assert (needed["code"], needed["units"], needed["planned_day"]) == ("J2860", 80, "2026-11-16")
    assert [held["left"] for held in told["authorizations"]] == ["20"]


async def test_another_visit_changes_the_course_and_not_the_visit(standing: Standing) -> None:
    """So what is said of the visit with If-Match is not refused for sessions in another one."""
    await sessions(standing, 1, 4)
    async with await program(standing) as coder:
        visit, course = [(await coder.get(at)).headers["etag"] for at in (VISIT, COURSES)]
        await sessions(standing, 5, 7, "V2")
        after = await coder.get(COURSES, headers={"if-none-match": course})
        assert after.status_code == 200 and after.headers["etag"] != course
        same = await coder.get(VISIT, headers={"if-none-match": visit})
        assert same.status_code == 304


@pytest.mark.parametrize("address", [COURSES, AUTHORIZATIONS])
async def test_a_look_is_in_the_trail_and_shows_no_patient(
    standing: Standing, address: str
) -> None:
    """But not where the caller had it already."""
    await sessions(standing, 1, 4)
    await drugs(standing, 200)
    async with await program(standing) as coder:
        seen = await coder.get(address)
        again = await coder.get(address, headers={"if-none-match": seen.headers["etag"]})
        patient = await coder.post(f"{VISIT}/reveal", json={"reason": "the payer asks"})
    assert (again.status_code, again.content) == (304, b"")
    assert patient.json()["patient"] not in seen.text and "V2" not in seen.text
    (act,) = await standing.acts("visit.show")
    assert (act.who, act.record) == ("token bi", "ZEBRA|V1")


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_see_a_visit_may_see_what_is_beside_it(
    standing: Standing, role: Role
) -> None:
    """A refusal names the right, and nobody has looked."""
    await sessions(standing, 1, 2)
    async with await program(standing, role) as client:
        for address in (COURSES, AUTHORIZATIONS):
            answer = await client.get(address)
            may = "visit.see" in MAY[role]
            assert answer.status_code == (200 if may else 403)
            assert may or answer.json()["where"] == "visit.see"
    assert len(await standing.acts("visit.show")) == (2 if "visit.see" in MAY[role] else 0)


async def test_of_a_visit_that_is_not_there_nothing_is_told(standing: Standing) -> None:
    """A visit without either has empty lists."""
    await sessions(standing, 1, 1)
    async with await program(standing) as coder:
        for address in (COURSES, AUTHORIZATIONS):
            gone: httpx.Response = await coder.get(address.replace("V1", "V9"))
            assert (gone.status_code, gone.json()["where"]) == (404, "V9")
        told = (await coder.get(AUTHORIZATIONS)).json()
    assert told == {"facility": "ZEBRA", "visit": "V1", "authorizations": [], "needed": []}
    assert len(await standing.acts("visit.show")) == 1
