"""A person answers a question of the running service, and the visit is drafted again."""

import json
from collections.abc import Callable

from tests.golden.messages import given
from tests.live.commands import printed

from . import Served, deliver, questions, revisions, until


async def test_an_answer_reaches_the_draft_while_the_service_runs(
    served: Callable[..., Served],
) -> None:
    """Listed, shown, answered, drafted; taken back, and asked again."""
    service = served()
    service.start()
    await service.ready()
    unknown = given("ZEBRAMAB", "450 mg", "0900", "1000", visit="V1")
    await deliver([unknown], service.port)
    await until(lambda: len(questions(service.events())) == 1, service.said)
    (question,) = [
        json.loads(line)
        for line in printed(service.environment, "questions", "list", "--json").splitlines()
    ]
    assert question["code"] == "drug.unknown"
    number = question["question_id"]
    shown = printed(service.environment, "questions", "show", number, "--json")
    assert [each["choice"] for each in json.loads(shown)["would_draft"]] == [
        "product", "by_hand", "not_given",
    ]  # fmt: skip
    who = ("--by", "ZC1", "--reason", "the pharmacy says so")
    kept = printed(service.environment, "answer", number, "product", "--value", "carboplatin", *who)
    assert "as soon as `chargeline capture` or `serve` runs" in kept
    await until(lambda: len(revisions(service.events())) == 2, service.said)
    last = revisions(service.events())[-1]
    assert [line.code for line in last.encounters[0].lines] == ["96413", "J9045"]
    assert [said.by for said in last.said] == ["ZC1"] and not last.encounters[0].questions
    assert questions(service.events())[-1].state == "closed"
    printed(service.environment, "answer", number, "withdraw", *who)
    await until(lambda: len(revisions(service.events())) == 3, service.said)
    assert revisions(service.events())[-1].encounters[0].questions[0].question_id == number
    assert await service.stop() == 0


async def test_a_hold_makes_a_visit_wait(served: Callable[..., Served]) -> None:
    """The visit waits for its discharge and for the hold, and after the release for one of them."""
    service = served()
    service.start()
    await service.ready()
    await deliver([given("CARBOPLATIN", "450 mg", "0900", "1000", visit="V1")], service.port)
    await until(lambda: len(revisions(service.events())) == 1, service.said)
    who = ("--by", "ZC1", "--reason", "waiting for the chart")
    printed(service.environment, "line", "hold", "V1", *who)
    await until(lambda: len(revisions(service.events())) == 2, service.said)
    held = revisions(service.events())[-1]
    assert (held.held, held.waits_for) == ("waiting for the chart", ["discharge", "hold"])
    printed(service.environment, "line", "release", "V1", *who)
    await until(lambda: len(revisions(service.events())) == 3, service.said)
    assert revisions(service.events())[-1].waits_for == ["discharge"]
    assert await service.stop() == 0
