"""Claims about `chargeline capture` on a real Kafka and a real PostgreSQL: nothing lost, nothing twice."""

import asyncio
import random
import signal

from aiokafka import AIOKafkaProducer

from chargeline.simulator.feed import simulate
from tests.capture.test_processor import by_code

from .service import Service, service

__all__ = ["service"]


def feed(visits: int, seed: int) -> tuple[list[bytes], list[bytes]]:
    """A messy feed, and the same in disorder with duplicates."""
    messages = [
        data for _style, data in simulate(visits=visits, seed=seed, style="standard", mess=0.5).messages
    ]
    shuffled = [*messages, *messages[::9]]
    random.Random(seed).shuffle(shuffled)
    return messages, shuffled


async def test_three_consumers_draft_what_code_drafts(service: Service) -> None:
    """A messy feed in disorder through three processes, one joining and one leaving while it runs."""
    messages, shuffled = feed(150, 21)
    await service.prepare()
    producer = AIOKafkaProducer(bootstrap_servers=service.kafka.bootstrap)
    await producer.start()
    try:
        first = service.start()
        service.start()
        third = len(shuffled) // 3
        await service.send(shuffled[:third], producer)
        service.start()
        await service.send(shuffled[third : 2 * third], producer)
        await service.ready(first)
        first.terminate()
        await service.send(shuffled[2 * third :], producer)
    finally:
        await producer.stop()
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.log.read_text()[-3000:]
    assert first.wait(30) == 0


async def test_processes_killed_again_and_again_lose_and_double_nothing(service: Service) -> None:
    """SIGKILL at random moments, and a process frozen past its session: the same drafts in the end."""
    messages, shuffled = feed(120, 22)
    await service.prepare()
    producer = AIOKafkaProducer(bootstrap_servers=service.kafka.bootstrap)
    await producer.start()
    dice = random.Random(5)
    try:
        running = [service.start(), service.start()]
        for number in range(6):
            part = len(shuffled) // 6
            await service.send(shuffled[number * part : (number + 1) * part], producer)
            await asyncio.sleep(dice.uniform(0.2, 2.5))
            victim = running.pop(dice.randrange(2))
            if number == 3:
                victim.send_signal(signal.SIGSTOP)
                await asyncio.sleep(8)
                victim.send_signal(signal.SIGCONT)
                running.append(victim)
            else:
                victim.kill()
                running.append(service.start())
        await service.send(shuffled[6 * (len(shuffled) // 6) :], producer)
    finally:
        await producer.stop()
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.log.read_text()[-3000:]
