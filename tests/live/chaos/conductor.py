"""The faults of a chaos run: which ones and in which order.

This module owns the faults and counts them. A seed decides their order; the exact moments depend on
the machine. After each fault the conductor waits for its effect, for example until others have
taken over from a frozen consumer. So a run that ends has seen each fault that it counts. What is
sent, and where it lies, is not known here (`honest.py`, `hostile.py`).
"""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..commands import command
from ..records import PARTITIONS
from ..servers import Kafka, Postgres
from ..service import LOOK_IN_SECONDS, Program, Service
from .honest import HonestSenders
from .hostile import QUARANTINED, Hostile

CONSUMERS = 3
FREEZE_TRIES = 100
STUCK_SECONDS = 0.3
SUPERVISE_SECONDS = 1.0
BEAR_ALL = {
    "CHARGELINE_PARKED_IN_A_ROW": "100000",
    "CHARGELINE_PARKED_PER_MINUTE": "100000",
}

_OPEN_TRANSACTIONS = """
SELECT pid, xact_start, state_change FROM pg_stat_activity
 WHERE application_name = 'chargeline' AND datname = current_database() AND xact_start IS NOT NULL
"""


class Plan(NamedTuple):
    """How often each fault happens.

    `kills` are SIGKILLs to a consumer at work, `early` those to a consumer at its start. `freezes`
    are SIGSTOPs to any consumer at any moment. `poison`, `bursts` and `open_transactions` are what
    `hostile.py` sends.
    """

    kills: int
    early: int
    kafka_restarts: int
    kafka_kills: int
    postgres_restarts: int
    postgres_kills: int
    freezes: int
    freezes_in_transaction: int
    joins: int
    leaves: int
    poison: int
    bursts: int
    open_transactions: int

    def steps(self, dice: random.Random) -> list[str]:
        """All faults of the plan, shuffled."""
        faults = [name for name, count in self._asdict().items() for _ in range(count)]
        dice.shuffle(faults)
        return faults


LONG = Plan(
    kills=24, early=5, kafka_restarts=2, kafka_kills=2, postgres_restarts=2, postgres_kills=2,
    freezes=4, freezes_in_transaction=3, joins=3, leaves=3,
    poison=5, bursts=3, open_transactions=2,
)  # fmt: skip


SHORT = Plan(
    kills=3, early=1, kafka_restarts=0, kafka_kills=1, postgres_restarts=0, postgres_kills=1,
    freezes=1, freezes_in_transaction=1, joins=0, leaves=1,
    poison=1, bursts=1, open_transactions=1,
)  # fmt: skip


class Conductor:
    """Sends a feed through a service in slices, and causes one fault during each slice."""

    def __init__(
        self,
        service: Service,
        kafka: Kafka,
        postgres: Postgres,
        *,
        dice: random.Random,
        honest: HonestSenders,
        hostile: Hostile,
        tell: Callable[[str], None],
    ) -> None:
        self.service = service
        self.kafka = kafka
        self.postgres = postgres
        self.dice = dice
        self.honest = honest
        self.hostile = hostile
        self.tell = tell
        self.takeovers: list[float] = []
        """How many seconds each takeover took from a consumer that had partitions."""
        self.done: Counter[str] = Counter()
        self.running: list[Program] = []
        self.sent = 0
        self.began = time.monotonic()

    async def run(self, feed: Sequence[bytes], plan: Plan) -> None:
        """Cause all faults of a plan while the feed flows, then wait until all is worked off."""
        for _ in range(CONSUMERS):
            self.running.append(self.service.start())
        supervising = asyncio.create_task(self._supervise())
        playing = asyncio.create_task(self._play(feed, plan.steps(self.dice)))
        try:
            await asyncio.wait({supervising, playing}, return_when=asyncio.FIRST_COMPLETED)
            if supervising.done():
                await supervising
            await playing
        finally:
            playing.cancel()
            supervising.cancel()

    async def _play(self, feed: Sequence[bytes], steps: Sequence[str]) -> None:
        size = -(-len(feed) // (len(steps) + 1))
        for number, step in enumerate(steps):
            flowing = asyncio.create_task(self._flow(feed[number * size : (number + 1) * size]))
            await getattr(self, f"_{step}")()
            await flowing
        await self._flow(feed[len(steps) * size :])
        self.say("all is sent; waiting until it is worked off")
        await self.hostile.until_transactions_are_over()
        await self.service.until(self.service.drained, "everything to be worked off")
        self.say("worked off")

    async def _supervise(self) -> None:
        """Start another consumer for each that could not start while a server was away.

        A consumer that ran must not end by itself. On a busy machine, starts without a pause would
        keep the server from coming back.
        """
        up: set[str] = set()
        while True:
            for program in list(self.running):
                code = program.poll()
                if code is None:
                    status, _body = await program.page("/healthz", LOOK_IN_SECONDS)
                    up |= {program.name} if status else set()
                elif program in self.running:
                    words = self.service.last_words()
                    assert program.name not in up, (
                        f"{program.name} ended by itself with {code}\n{words}"
                    )
                    assert code == 1, f"{program.name} ended at its start with {code}\n{words}"
                    self.done["started again"] += 1
                    another = self.service.start()
                    self.running[self.running.index(program)] = another
                    self.say(f"{program.name} could not start; {another.name} starts instead")
            await asyncio.sleep(SUPERVISE_SECONDS)

    async def bring_back(self) -> None:
        """Have what was parked unread read after all, as a person does when a sender is mended."""
        self.running = [self.service.start(**BEAR_ALL) for _ in range(CONSUMERS)]
        for program in self.running:
            await self.service.ready(program)
        ended = await command(f"parked retry --code {QUARANTINED}", self.service.environment)
        assert ended.code == 0, ended
        self.say(ended.out.strip())
        await self.service.until(self.service.drained, "what came back to be worked off")

    async def stop(self) -> None:
        """End the consumers by SIGTERM; each must end with exit code 0."""
        for program in self.running:
            await self.service.ready(program)
        for program in self.running:
            program.signal(signal.SIGTERM)
        codes = [await program.ended() for program in self.running]
        assert codes == [0] * len(codes), (
            f"expected 0 from each, found {codes}\n{self.service.last_words()}"
        )

    def say(self, text: str) -> None:
        """Tell what happened, with the seconds since the beginning and the messages sent so far."""
        self.tell(f"{time.monotonic() - self.began:6.1f} s  {self.sent:6} sent  {text}")

    async def _flow(self, messages: Sequence[bytes]) -> None:
        await self.service.deliver_records(self.honest.records(messages))
        self.sent += len(messages)

    # ------------------------------------------------------------------ the faults

    async def _a_moment(self, most: float) -> None:
        """Wait for a random time, so that faults fall anywhere in a batch, a draft or a claim."""
        await asyncio.sleep(self.dice.uniform(0, most))

    async def _at_work(self) -> Program:
        """Any consumer that says on /readyz that it has claimed its partitions."""
        at_work: list[Program] = []

        async def somebody() -> list[Program]:
            program = self.dice.choice(self.running)
            if await self._works(program):
                at_work.append(program)
            return at_work

        await self.service.until(somebody, "a consumer at work")
        return at_work[0]

    async def _works(self, program: Program) -> bool:
        return program.poll() is None and (await program.page("/readyz", LOOK_IN_SECONDS))[0] == 200

    async def _kills(self) -> None:
        """SIGKILL to a consumer that has claimed its partitions; another consumer is started."""
        victim = await self._at_work()
        await self._a_moment(1.5)
        while not await self._works(victim):
            victim = await self._at_work()
        self.running.remove(victim)
        victim.signal(signal.SIGKILL)
        await victim.ended()
        self.done["killed at work"] += 1
        self.running.append(self.service.start())
        self.say(f"SIGKILL to {victim.name} at work; {self.running[-1].name} starts")

    async def _early(self) -> None:
        """SIGKILL to a consumer that is starting or waits for its partitions."""
        victim = self.service.start()
        await self._a_moment(4.0)
        when = "at work" if await self._works(victim) else "at its start"
        victim.signal(signal.SIGKILL)
        await victim.ended()
        self.done[f"killed {when}"] += 1
        self.say(f"SIGKILL to {victim.name} {when}")

    async def _kafka_restarts(self) -> None:
        await self._server("Kafka", "stopped", self.kafka.stop, self.kafka.start)

    async def _kafka_kills(self) -> None:
        await self._server("Kafka", "killed", self.kafka.kill, self.kafka.start)

    async def _postgres_restarts(self) -> None:
        await self._server("PostgreSQL", "stopped", self.postgres.stop, self.postgres.start)

    async def _postgres_kills(self) -> None:
        await self._server("PostgreSQL", "killed", self.postgres.kill, self.postgres.start)

    async def _server(
        self, name: str, how: str, down: Callable[[], None], again: Callable[[], None]
    ) -> None:
        """A server goes away, stays away for up to 4 s, and comes back; the consumers survive."""
        await self._a_moment(1.0)
        await asyncio.to_thread(down)
        self.say(f"{name} {how}")
        await self._a_moment(4.0)
        await asyncio.to_thread(again)
        self.done[f"{name} {how}"] += 1
        self.say(f"{name} runs again")

    async def _freezes(self) -> None:
        """SIGSTOP to any consumer, at work or not, at any moment."""
        await self._a_moment(1.5)
        await self.service.until(self._alive, "a consumer that has not ended")
        victim = self.dice.choice(self._alive())
        began = time.monotonic()
        victim.signal(signal.SIGSTOP)
        await self._thawed(victim, began, in_transaction=await self._stuck())

    async def _freezes_in_transaction(self) -> None:
        """SIGSTOP to a consumer at work in the middle of a transaction of the ledger.

        A consumer that is stopped between two transactions goes on at once, and is stopped again.
        """
        for _try in range(FREEZE_TRIES):
            victim = await self._at_work()
            await self._a_moment(0.3)
            began = time.monotonic()
            victim.signal(signal.SIGSTOP)
            if await self._stuck():
                break
            victim.signal(signal.SIGCONT)
        else:
            self.say("no consumer was stopped in a transaction")
            return
        await self._thawed(victim, began, in_transaction=True)

    def _alive(self) -> list[Program]:
        return [program for program in self.running if program.poll() is None]

    async def _stuck(self) -> bool:
        """Whether a transaction of the ledger does not go on, a moment after a SIGSTOP.

        Other consumers go from statement to statement within some milliseconds.
        """
        before = await self.service.ask(_OPEN_TRANSACTIONS)
        await asyncio.sleep(STUCK_SECONDS)
        after = await self.service.ask(_OPEN_TRANSACTIONS)
        return bool({tuple(row) for row in before} & {tuple(row) for row in after})

    async def _thawed(self, frozen: Program, began: float, *, in_transaction: bool) -> None:
        """Wait until others have what a frozen consumer had, and let it go on: SIGCONT."""
        owned = frozen.name in (await self.service.owners()).values()
        words = "in the middle of a transaction" if in_transaction else "between transactions"
        self.say(f"SIGSTOP to {frozen.name} {words if owned else 'without a partition'}")
        if not owned:  # the group throws it out
            await asyncio.sleep(self.service.session_seconds)
        await self.service.until(
            lambda: self._others_work(frozen), f"others to take over what {frozen.name} had"
        )
        seconds = time.monotonic() - began
        self.takeovers += [seconds] if owned else []
        await self._a_moment(2.0)
        frozen.signal(signal.SIGCONT)
        self.done["frozen"] += 1
        self.done["frozen in a transaction"] += in_transaction and owned
        self.say(f"others have all partitions after {seconds:.1f} s; SIGCONT to {frozen.name}")

    async def _others_work(self, frozen: Program) -> bool:
        """Whether each partition belongs to a consumer at work other than the frozen one."""
        others = {other.name: other for other in self.running if other is not frozen}
        owners = await self.service.owners()
        if len(owners) < PARTITIONS or not others.keys() >= set(owners.values()):
            return False
        return all([await self._works(others[name]) for name in set(owners.values())])

    async def _joins(self) -> None:
        joined = self.service.start()
        self.running.append(joined)
        await self.service.until(
            lambda: self._works(joined), f"{joined.name} to have its partitions"
        )
        self.done["joined"] += 1
        self.say(f"{joined.name} joined as one of {len(self.running)}")

    async def _leaves(self) -> None:
        """SIGTERM to a consumer, which must end with exit code 0."""
        leaver = await self._at_work()
        self.running.remove(leaver)
        await self._a_moment(1.0)
        leaver.signal(signal.SIGTERM)
        code = await leaver.ended()
        assert code == 0, f"{leaver.name} ended with {code} at SIGTERM\n{self.service.last_words()}"
        self.done["left"] += 1
        if len(self.running) < 2:
            self.running.append(self.service.start())
        self.say(f"SIGTERM to {leaver.name}, ended with 0; {len(self.running)} are left")

    # ------------------------------------------------------------------ what others send

    async def _poison(self) -> None:
        count = await self.hostile.poison()
        self.say(f"{count} records that are to stop us")

    async def _bursts(self) -> None:
        count = await self.hostile.burst()
        self.say(f"{count} unreadable messages of one sender")

    async def _open_transactions(self) -> None:
        await self.hostile.open_transaction()
        self.say("a producer left a transaction open")
