"""One altered row of an encrypted ledger sets its visit aside, on a real Kafka and PostgreSQL."""

import json
from pathlib import Path

from tests.drafting.test_processor import by_code
from tests.ledger.test_encryption import new_key
from tests.ledger.test_unreadable_rows import LATER, MORNINGS

from .commands import command
from .service import Service, service

__all__ = ["service"]

TWO = slice(3, 5)  # the visits V3 and V4
ALTERED = (
    "UPDATE message SET raw = set_byte(raw, 40, get_byte(raw, 40) # 1) WHERE visit = $1 "
    'AND "offset" = (SELECT min("offset") FROM message WHERE visit = $1) '
    'RETURNING topic, partition, "offset"'
)


async def test_an_altered_row_stops_no_other_visit(service: Service, tmp_path: Path) -> None:
    """A capture starts again after a byte of V3 was altered, and doses of V3 and V4 come together.
    V4 is drafted, the capture goes on and counts one parked visit, and `visit show` and `ledger
    forget` say which row it is. With the byte as it was, `parked retry` drafts V3 whole.
    """
    key = tmp_path / "key"
    key.write_text(new_key())
    key.chmod(0o600)
    service.environment["CHARGELINE_LEDGER_KEY_FILE"] = str(key)
    await service.prepare()
    capture = service.start()
    await service.deliver(MORNINGS[TWO])
    assert await service.settled(by_code(MORNINGS[TWO])) == by_code(MORNINGS[TWO])
    await service.until(service.drained, "the first doses to be worked off")
    capture.process.terminate()
    await service.until(lambda: capture.poll() is not None, "the capture to end")
    ((topic, partition, offset),) = await service.ask(ALTERED, "V3")
    capture = service.start()
    await service.deliver(LATER[TWO])
    whole = [*MORNINGS[TWO], *LATER[TWO]]
    only_v4 = {**by_code(whole), **by_code([MORNINGS[3]])}
    assert await service.settled(only_v4) == only_v4, service.last_words()
    await service.until(service.drained, "the rest to be worked off")
    assert capture.poll() is None
    assert await capture.metric("chargeline_parked_messages_total") == 1
    place = f"from {topic}[{partition}] offset {offset}"
    lines = [line for line in service.logged() if line["event"] == "visit.unreadable"]
    assert [str(line["where"]).partition(", ")[2] for line in lines] == [place]
    listed = await command("parked list --code visit.unreadable", service.environment)
    assert place in listed.out and listed.out.endswith("1 parked\n")
    shown = await command("visit show V3", service.environment)
    assert shown.code == 1 and place in shown.err and "revision 1" in shown.out
    forget = "ledger forget --patient ZEBRA|NOBODY --reason test"
    ended = await command(forget, service.environment)
    assert ended.code == 3 and "NOT COMPLETE" in ended.err and place in ended.err
    assert json.loads(ended.out)["unsearched"] == {"message": 1}
    await service.ask(ALTERED, "V3")
    await command("parked retry --code visit.unreadable", service.environment)
    assert await service.settled(by_code(whole)) == by_code(whole), service.last_words()
