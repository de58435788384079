"""`chargeline serve`: gateway, processor and ledger in one process, and their end in good order.

This module owns the start, the tasks side by side, and the order of the end: it stops listening, it
keeps and answers the messages that came, and it writes out the events. It repeats no step of the
parts that it puts together; each part knows its own work.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from chargeline.capture.failures import TaskFailures
from chargeline.drafting.acting import act_of, note_start, start_of
from chargeline.drafting.beside import let_the_loop_have_its_turn
from chargeline.drafting.counting import (
    count_drafted,
    count_records,
    count_redrafted,
    show_counts,
    show_tables,
    tell_ledger,
)
from chargeline.drafting.ledger_keys import ledger_keys
from chargeline.drafting.processor import utc_now
from chargeline.drafting.redrafting import Redrafting
from chargeline.drafting.retaining import forget_old
from chargeline.drafting.service_process import (
    become_a_service,
    tell_open_files,
    told_to_stop,
)
from chargeline.drafting.setup import RETENTION_SECONDS, new_processor
from chargeline.drafting.signed_heads import signer_of, tell_head
from chargeline.gateway.counting import observe_senders, tell_gateway
from chargeline.gateway.program import (
    listen,
    listener_pages,
    senders_of,
    server_settings,
)
from chargeline.gateway.server import Gateway, StoreFull, StoreUnavailable
from chargeline.ledger.connecting import LedgerLimits
from chargeline.ledger.errors import LedgerError
from chargeline.ledger.store import Ledger
from chargeline.serve.intake import DUE_AT_ONCE, TOPIC, Intake
from chargeline.serve.output import Output
from chargeline.serve.publisher import Publisher
from chargeline.settings import Settings
from chargeline.telemetry import logs
from chargeline.telemetry.metrics import Metrics
from chargeline.version import VERSION

TIMER_SECONDS = 1.0
GAUGE_SECONDS = 5.0
# One wait for a busy ledger: shorter than a sender's wait for its answer, so that the sender gets
# the refusal before it gives up.
BUSY_SECONDS = 4.0
CUT_SECONDS = 0.5
# Shares of CHARGELINE_SHUTDOWN_SECONDS, of 25 seconds 15 and 5. The first is for messages in flight
# and the outbox together, the second for one wait for a ledger that another program holds.
END_SHARE = 0.6
BUSY_SHARE = 0.2
# The most unanswered messages of a connection: more than in a gateway, since one transaction keeps
# those of all.
IN_FLIGHT = 8


def serve(
    path: Path | None, *, with_workbench: bool = False
) -> Callable[[Settings], Awaitable[int]]:
    """`chargeline serve`, which runs until SIGTERM or SIGINT. Events go to `path`, or to standard
    output if it is None.
    """

    async def work(settings: Settings) -> int:
        become_a_service()
        logs.configure(settings.log_level, sys.stderr)  # standard output is for events
        let_the_loop_have_its_turn()
        log = logs.logger("serve")
        tell_open_files(settings, log)
        _check(settings, with_workbench=with_workbench)
        output = Output(path)
        output.check()
        stop = told_to_stop()
        metrics = Metrics(CollectorRegistry(), program="serve", version=VERSION)
        async with AsyncExitStack() as stack:
            ledger = await stack.enter_async_context(_ledger(settings))
            intake = _intake(settings, ledger, metrics, log)
            gateway = await stack.enter_async_context(_gateway(settings, intake, metrics))
            publisher = Publisher(
                ledger=ledger,
                intake=intake,
                output=output,
                inbound={TOPIC, settings.topic_inbound},
                log=log,
            )
            await stack.enter_async_context(
                listener_pages(
                    program="serve",
                    settings=settings,
                    metrics=metrics,
                    gateway=gateway,
                    trouble=lambda: intake.trouble or publisher.trouble,
                    told=stop,
                    rulebook=intake.processor.maker.rulebook,
                )
            )
            await note_start(ledger, start_of("serve", settings, intake.rulebook))
            await intake.claim()
            log.info("started", program="serve", version=VERSION, port=gateway.server.port)
            output.tell(
                f"listening for HL7 over MLLP at {settings.mllp_host}:{gateway.server.port}"
            )
            await _run(
                settings=settings,
                stop=stop,
                pages=_workbench(settings, ledger, stop, output) if with_workbench else None,
                gateway=gateway,
                intake=intake,
                publisher=publisher,
                metrics=metrics,
                log=log,
            )
        log.info("stopped", program="serve")
        return 0

    return work


def _check(settings: Settings, *, with_workbench: bool) -> None:
    """End the start if the settings lack something that is needed only later."""
    if with_workbench:
        _pages().check_login(settings)
    signer_of(settings)  # else the first head would end the program


def _pages() -> Any:
    """The module of the workbench: its libraries take a second to import, and most need none."""
    return import_module("chargeline.workbench.program")


def _workbench(
    settings: Settings, ledger: Ledger, stop: asyncio.Event, output: Output
) -> Coroutine[Any, Any, None]:
    """The workbench over the same ledger, which listens from now on. Raises ListenError."""
    pages = _pages()
    sock = pages.listening(settings)
    output.tell(f"the workbench is at {pages.address_of(sock)}")
    answering: Coroutine[Any, Any, None] = pages.answer_requests(
        pages.bench_over(settings, ledger), sock, stop
    )
    return answering


async def _run(
    settings: Settings,
    stop: asyncio.Event,
    pages: Coroutine[Any, Any, None] | None,
    gateway: Gateway,
    intake: Intake,
    publisher: Publisher,
    metrics: Metrics,
    log: FilteringBoundLogger,
) -> None:
    """Run all tasks until `stop` is set, then end. The first task that fails ends the others."""
    failures = TaskFailures(log)
    async with asyncio.TaskGroup() as group:
        work = [group.create_task(task) for task in (intake.run(), publisher.run())]
        beside = [
            group.create_task(task)
            for task in (
                _timers(intake),
                _redrafting(
                    intake,
                    Redrafting(
                        intake.processor, settings.redraft_per_second, count_redrafted(metrics)
                    ),
                ),
                _gauges(intake, metrics, failures, priced=settings.prices is not None),
                _records(intake, metrics, failures),
                _retention(intake, settings, failures, log),
            )
        ]
        asked = group.create_task(pages) if pages is not None else None
        await stop.wait()
        if asked is not None:
            await asked  # it ends by the same signal
        for task in beside:
            task.cancel()
        try:
            async with asyncio.timeout(END_SHARE * settings.shutdown_seconds):
                await gateway.close()
                await publisher.finish()
        except (TimeoutError, LedgerError, StoreUnavailable, StoreFull) as error:
            log.warning("outbox.left", exc_info=error)  # the next start publishes it
        for task in work:
            task.cancel()


@asynccontextmanager
async def _ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger. A new one gets its tables, an old one is migrated."""
    busy_seconds = min(BUSY_SECONDS, BUSY_SHARE * settings.shutdown_seconds)
    limits, keys = LedgerLimits(busy=busy_seconds), await ledger_keys(settings)
    ledger = await Ledger.open(
        settings.ledger_address,
        accept_old=True,
        limits=limits,
        keys=keys,
        keys_anew=partial(ledger_keys, settings),
    )
    try:
        version, newest = await ledger.versions()
        act = act_of("ledger.migrate", "ledger", "tables", details={"version": VERSION})
        await ledger.migrate(act if version != newest else None)
        yield ledger
    finally:
        await ledger.close()


def _intake(
    settings: Settings, ledger: Ledger, metrics: Metrics, log: FilteringBoundLogger
) -> Intake:
    ledger.told = tell_ledger(metrics)
    processor = new_processor(settings, ledger, TOPIC, count_drafted(metrics, utc_now))
    metrics.rulebook.tell(version=processor.maker.rulebook.version)
    return Intake(
        processor,
        owner=f"serve-{uuid4().hex[:12]}",
        most=settings.kafka_max_poll_records,
        metrics=metrics,
        log=log,
    )


@asynccontextmanager
async def _gateway(settings: Settings, intake: Intake, metrics: Metrics) -> AsyncIterator[Gateway]:
    """The gateway, which listens from now on.

    It listens before the ledger is claimed. So a `serve` that is started a second time by mistake
    ends here, because the port is taken, and fences nobody.
    """
    grace_seconds = END_SHARE / 2 * settings.shutdown_seconds  # the other half is for the outbox
    listener = server_settings(settings, in_flight=IN_FLIGHT, grace_seconds=grace_seconds)
    profile = intake.processor.profile
    gateway = Gateway(
        intake,
        profile,
        listener,
        senders=senders_of(settings, profile),
        report=tell_gateway(metrics),
        observed=observe_senders(metrics),
    )
    await listen(gateway, settings)
    try:
        yield gateway
    finally:
        # After an end in good order the server is closed already. After a failure, messages that
        # are kept still get their answer; the other connections are cut.
        await gateway.server.close(CUT_SECONDS)


async def _timers(intake: Intake) -> None:
    """Work off the visits that are due.

    This asks the fence, so an idle program notices a successor.
    """
    while True:
        if await intake.work_off_due() < DUE_AT_ONCE:
            await asyncio.sleep(TIMER_SECONDS)


async def _redrafting(intake: Intake, redrafting: Redrafting) -> None:
    """Draft open visits that rest on other rules again, while no messages wait."""
    while True:
        await asyncio.sleep(await intake.redraft(redrafting))


async def _gauges(
    intake: Intake, metrics: Metrics, failures: TaskFailures, *, priced: bool
) -> None:
    """Show in the metrics what only the ledger knows: how much waits, and since when."""
    while True:
        metrics.oldest_unread.set(intake.oldest_age(utc_now()))
        metrics.quarantined.set(intake.processor.quarantine.senders())
        show_tables(metrics, intake.processor.maker.rulebook.tables, utc_now())
        try:
            show_counts(metrics, await intake.processor.ledger.counts(), utc_now(), priced=priced)
        except LedgerError as error:
            failures.bear("counts", error)
        else:
            failures.over("counts")
        await asyncio.sleep(GAUGE_SECONDS)


async def _records(intake: Intake, metrics: Metrics, failures: TaskFailures) -> None:
    """Show in the metrics how authorizations and courses stand, which a passing day changes."""
    while True:
        try:
            seconds = await count_records(intake.processor, metrics)
        except LedgerError as error:
            failures.bear("records", error)
            seconds = GAUGE_SECONDS
        else:
            failures.over("records")
        await asyncio.sleep(seconds)


async def _retention(
    intake: Intake, settings: Settings, failures: TaskFailures, log: FilteringBoundLogger
) -> None:
    """Once an hour, delete what has been kept for as many days as the settings say, and log the
    head of the ledger.
    """
    while True:
        try:
            await forget_old(
                intake.processor.ledger, settings, utc_now(), log=log, metrics=intake.metrics
            )
            await tell_head(intake.processor.ledger, settings, utc_now(), log)
        except LedgerError as error:
            failures.bear("retention", error)
        else:
            failures.over("retention")
        await asyncio.sleep(RETENTION_SECONDS)
