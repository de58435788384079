"""Operations: what is parked and why, what a try says, and that a retry and a drop are noted."""

import csv
import io
from datetime import timedelta

from tests.answers.test_answers import open_infusion
from tests.operate.test_parked import unknown_status

from .asking import Asker, Standing, text_of


def broken(name: str = "ANNA") -> str:
    """A message that nobody can read: it does not say of which type it is."""
    return f"MSH|^~\\&|MAR|ZEBRA|||20260302||||T|2.5.1\rPID|1||4711^^^ZEBRA^MR||{name}\r"


async def parked(standing: Standing, *messages: str) -> None:
    await standing.hear(*(messages or (broken(), broken("BELA"), "no HL7 at all")))


async def groups(person: Asker, query: str = "") -> list[dict[str, object]]:
    answer = await person.get(f"/operations.json{query}")
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, object]] = answer.json()["groups"]
    return listed


async def test_without_a_message_the_page_says_what_will_appear(standing: Standing) -> None:
    """Nothing is parked, nobody was heard, and no tables are loaded."""
    operator = await standing.person("P. Platypus", "operator")
    page = text_of(await operator.get("/operations"))
    for said in ("Nothing is parked", "No message came yet", "none are loaded"):
        assert said in page


async def test_what_is_parked_is_grouped_by_code_and_sender(standing: Standing) -> None:
    """With the field at fault and the shape of one; no value of a message is shown."""
    await parked(standing)
    operator = await standing.person("P. Platypus", "operator")
    listed = await groups(operator)
    assert [(one["sender"], one["count"]) for one in listed] == [("MAR", 2), ("unknown sender", 1)]
    assert listed[0]["code"] != listed[1]["code"] and listed[0]["numbers"] == "1 2"
    page = await operator.get("/operations")
    assert "PID|9||9999^^^XXXXX^XX||XXXX" in page.text
    assert "ANNA" not in page.text and "4711" not in page.text
    table = list(csv.DictReader(io.StringIO((await operator.get("/operations.csv")).text)))
    assert [row["count"] for row in table] == ["2", "1"]


async def test_a_filter_that_leaves_nothing_names_itself(standing: Standing) -> None:
    """One click drops it."""
    await parked(standing)
    operator = await standing.person("P. Platypus", "operator")
    code = str((await groups(operator))[1]["code"])
    assert len(await groups(operator, f"?code={code}")) == 1
    assert len(await groups(operator, "?sender=MAR")) == 1
    page = await operator.get("/operations?code=time.missing&sender=MAR")
    assert "Nothing is parked for time.missing from MAR" in text_of(page)


async def test_a_try_says_what_would_be_read_and_stores_nothing(standing: Standing) -> None:
    """One message has a status that no profile knows; the other came while its sender was put
    aside, and could be read.
    """
    await parked(standing, unknown_status(9).decode())
    async with standing.ledger.batch() as batch:
        (bad,) = await standing.ledger.parked()
        good = open_infusion()[0].encode()
        await batch.park([bad._replace(raw=good, code="sender.quarantined", offset=99)])
    operator = await standing.person("P. Platypus", "operator")
    await operator.get("/operations")
    page = await operator.post("/operations/try", messages=["1", "2"])
    shown = text_of(page)
    assert "1 would be read now" in shown and "1 would park again: status.unknown" in shown
    assert 'name="messages" value="2"' in page.text
    assert len(await standing.ledger.parked()) == 2
    (act,) = await standing.acts("parked.try")
    assert act.who == "P. Platypus" and '"would_be_read":1' in act.details


async def test_a_retry_goes_through_the_outbox_and_is_noted(standing: Standing) -> None:
    """The message that is still broken parks again under a new number."""
    await parked(standing)
    operator = await standing.person("P. Platypus", "operator")
    await operator.get("/operations")
    page = await operator.post("/operations/retry", messages="1 2", reason="profile mended")
    assert "retried 2 messages" in text_of(page)
    assert [row.id for row in await standing.ledger.parked()] == [3]
    acts = await standing.acts("parked.retry")
    assert [(act.record, act.why) for act in acts] == [(n, "profile mended") for n in "12"]
    await standing.draft_again()
    assert [row.id for row in await standing.ledger.parked()] == [3, 4, 5]


async def test_a_try_says_how_many_are_parked_no_more(standing: Standing) -> None:
    """Somebody dropped one of them meanwhile."""
    await parked(standing)
    operator = await standing.person("P. Platypus", "operator")
    await operator.get("/operations")
    await operator.post("/operations/drop", messages="3", reason="a probe of the network")
    page = await operator.post("/operations/try", messages="1 2 3")
    assert "1 not tried: parked no more" in text_of(page)


async def test_a_drop_needs_a_reason(standing: Standing) -> None:
    """Without one nothing is recorded."""
    await parked(standing)
    operator = await standing.person("P. Platypus", "operator")
    await operator.get("/operations")
    page = await operator.post("/operations/drop", messages="3", reason=" ")
    assert page.status_code == 422 and "nothing was recorded" in page.text
    assert len(await standing.ledger.parked()) == 3
    page = await operator.post("/operations/drop", messages="3", reason="a probe of the network")
    assert "dropped 1 message;" in text_of(page)
    (act,) = await standing.acts("parked.drop")
    assert (act.record, act.why, act.who) == ("3", "a probe of the network", "P. Platypus")


async def test_what_somebody_else_has_seen_to_is_left(standing: Standing) -> None:
    """The page says how many stayed as they were."""
    await parked(standing)
    operator = await standing.person("P. Platypus", "operator")
    await operator.get("/operations")
    await standing.ledger.set_status(1, "dropped")
    page = await operator.post("/operations/retry", messages="1 2")
    assert "retried 1 message," in text_of(page)
    assert "1 message stayed as it was" in text_of(page)


async def test_a_form_that_names_no_message_is_refused(standing: Standing) -> None:
    """None, too many, and what is no number."""
    operator = await standing.person("P. Platypus", "operator")
    await operator.get("/operations")
    many = " ".join(map(str, range(1, 1_002)))
    for form in ({}, {"messages": many}, {"messages": "1 or 2"}):
        page = await operator.post("/operations/retry", **form)
        assert page.status_code == 422, page.text


async def test_who_may_not_see_operations_may_not_retry(standing: Standing) -> None:
    """A coder's form is refused."""
    await parked(standing)
    coder = await standing.person("O. Okapi", "coder")
    await coder.get("/work")
    for what in ("try", "retry", "drop"):
        page = await coder.post(f"/operations/{what}", messages="1", reason="because")
        assert page.status_code == 403
    assert len(await standing.ledger.parked()) == 3


async def test_senders_are_told_by_facility_and_kind_with_the_last_message(
    standing: Standing,
) -> None:
    """A kind that fell silent stands first, although others of its facility speak."""
    await standing.hear(*open_infusion())
    operator = await standing.person("P. Platypus", "operator")
    senders = (await operator.get("/operations.json")).json()["senders"]
    assert [(one["facility"], one["kind"], one["sender"]) for one in senders] == [
        ("ZEBRA", "RAS", "MAR"),
        ("ZEBRA", "RDE", "RX"),
    ]
    standing.now += timedelta(minutes=10)
    assert "10 min" in text_of(await operator.get("/operations"))


async def test_rulebooks_and_counts_are_those_of_the_ledger(standing: Standing) -> None:
    """A visit that other rules drafted is told, and what to do."""
    await standing.hear(*open_infusion())
    operator = await standing.person("P. Platypus", "operator")
    listed = (await operator.get("/operations.json")).json()
    assert listed["visits"] == {"open": 1} and listed["questions"] == {"stop.missing": 1}
    assert listed["rulebooks"] == {listed["rulebook"]: 1}
    async with standing.ledger.view() as view:
        rows = await view.visits([("ZEBRA", "V1")])
    async with standing.ledger.batch() as batch:
        await batch.put_visits([row._replace(rulebook="0123456789ab") for row in rows.values()])
    page = text_of(await operator.get("/operations"))
    assert "1 open visit was drafted by the rulebook 0123456789ab" in page
