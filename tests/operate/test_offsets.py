"""Claims about `chargeline offsets show` and `skip`: the last resort is refused, done and noted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from chargeline.kafka import topics as kafka_topics
from chargeline.kafka.topics import PartitionSpan
from chargeline.ledger.errors import Fenced
from chargeline.ledger.records import Move
from chargeline.ledger.store import Ledger
from chargeline.operate import offsets
from chargeline.operate.offsets import show, skip
from chargeline.settings import Settings
from tests.drafting.test_features import GOOD, claimed, settings, small
from tests.drafting.test_processor import keyed
from tests.live.servers import Kafka

__all__ = ["settings", "small"]

ANNA = {"who": "ANNA", "why": "record 7 cannot be read"}


@pytest.fixture
def span(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What Kafka answers about each partition: it begins at 0 and ends at 100."""
    told = {"begin": 0, "end": 100}

    async def answer(*_asked: object) -> PartitionSpan:
        return PartitionSpan(**told)

    monkeypatch.setattr(offsets, "span_of", answer)
    return told


async def test_a_skip_moves_the_partition_and_fences_its_owner(
    small: Ledger,
    settings: Settings,
    span: dict[str, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The capture that has it loses its next batch, claims it, and goes on at the offset."""
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    assert await show(as_json=True)(settings) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    at = {row["partition"]: row["next_offset"] for row in shown}
    number = next(number for number, offset in at.items() if offset)
    assert await skip(number, at[number] + 3, **ANNA)(settings) == 0
    assert "3 records of hl7.inbound[" in capsys.readouterr().out
    with pytest.raises(Fenced):
        async with small.batch() as batch:
            move = Move(at[number], at[number] + 1)
            await batch.advance("hl7.inbound", {number: move}, owner="test")
    assert await small.claim("hl7.inbound", number, "test") == at[number] + 3
    async with small.view() as view:
        (act,) = await view.acts(0, 100, did="offsets.skip")
    assert (act.who, act.why) == ("ANNA", "record 7 cannot be read")
    assert json.loads(act.details)["to"] == at[number] + 3


@pytest.mark.usefixtures("span")
@pytest.mark.parametrize(("partition", "to"), [(0, 0), (99, 5)])
async def test_a_skip_that_goes_back_or_nowhere_is_refused(
    small: Ledger, settings: Settings, partition: int, to: int
) -> None:
    """Records are never read twice by a slip, and a partition that nobody claimed has none."""
    await claimed(small)
    before = await _offsets(small)
    assert await skip(partition, to, **ANNA)(settings) == 1
    assert await _offsets(small) == before


async def test_only_records_that_kafka_still_has_count_as_skipped(
    small: Ledger, settings: Settings, span: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Kafka has deleted the records before 40: a skip from 0 to 64 goes past 24 of them."""
    await claimed(small)
    span["begin"] = 40
    assert await skip(0, 64, **ANNA)(settings) == 0
    assert "24 records of hl7.inbound[0] are skipped, from 40 on" in capsys.readouterr().out


async def test_a_skip_ends_where_the_topic_ends(
    small: Ledger,
    kafka: Kafka,
    topics: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a topic with 32 records, a skip to 33 is refused and names the end; one to 32 is done.

    A partition that Kafka does not have is refused too.
    """
    topic = topics("inbound")
    at = Settings(
        ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}",  # type: ignore[arg-type]
        kafka_bootstrap=kafka.bootstrap,
        topic_inbound=topic,
    )
    options = {"bootstrap_servers": kafka.bootstrap}
    await kafka_topics.create(options, {topic: {}}, partitions=1, replication=1)
    async with AIOKafkaProducer(**options) as producer:
        for _number in range(32):
            await producer.send_and_wait(topic, b"a record", partition=0)
    for number in (0, 1):
        await small.claim(topic, number, "test")
    assert await skip(0, 33, **ANNA)(at) == 1
    assert f"expected an offset that {topic}[0] has: it ends at 32" in capsys.readouterr().err
    assert await skip(1, 1, **ANNA)(at) == 1
    assert "Kafka has no such partition" in capsys.readouterr().err
    assert await _offsets(small) == [(0, None), (1, None)]
    assert await skip(0, 32, **ANNA)(at) == 0
    assert f"32 records of {topic}[0] are skipped, from 0 on" in capsys.readouterr().out


async def _offsets(ledger: Ledger) -> list[tuple[int, int | None]]:
    async with ledger.view() as view:
        return [(row.partition, row.next_offset) for row in await view.offsets()]
