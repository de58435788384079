"""`chargeline workbench`: the pages over a ledger, until the program is told to stop.

It owns the start, the health pages beside the pages for people, and the end in good order. It needs
no Kafka: what people say goes into the ledger, and the relay of a capture or `serve` carries on.
"""

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import uvicorn
from prometheus_client import CollectorRegistry

from chargeline.drafting.acting import note_start, start_of
from chargeline.drafting.beside import let_the_loop_have_its_turn
from chargeline.drafting.ledger_keys import ledger_keys
from chargeline.drafting.processor import utc_now
from chargeline.drafting.service_process import become_a_service, tell_open_files, told_to_stop
from chargeline.drafting.setup import new_processor
from chargeline.engine import Finding, FindingError
from chargeline.ledger.store import Ledger
from chargeline.settings import Settings
from chargeline.telemetry import logs
from chargeline.telemetry.http import ListenError, health_pages
from chargeline.telemetry.metrics import Metrics
from chargeline.version import VERSION
from chargeline.workbench.app import make_app
from chargeline.workbench.bench import Bench
from chargeline.workbench.compare.folders import folders_by_name
from chargeline.workbench.compare.jobs import Comparisons
from chargeline.workbench.people import People
from chargeline.workbench.security import Allowance

log = logs.logger("workbench")


class NoLoginError(FindingError):
    """The settings do not say how people log in."""


async def run(settings: Settings) -> int:
    """Show the pages until SIGTERM or SIGINT; returns the exit code."""
    become_a_service()
    let_the_loop_have_its_turn()
    logs.configure(settings.log_level)
    tell_open_files(settings, log)
    check_login(settings)
    metrics = Metrics(CollectorRegistry(), program="workbench", version=VERSION)
    ledger = await Ledger.open(
        settings.ledger_address,
        keys=await ledger_keys(settings),
        keys_anew=partial(ledger_keys, settings),
        first_key=False,
    )
    try:
        stop = told_to_stop()
        bench = bench_over(settings, ledger)
        # A walk over the rules finds no garbage, and a page would wait for it.
        gc.collect()
        gc.freeze()
        metrics.rulebook.tell(version=bench.processor.maker.rulebook.version)
        sock = listening(settings)
        version = {"program": "workbench", "version": VERSION}
        async with health_pages(
            settings.http_address(),
            metrics,
            version=version,
            not_ready=lambda: ["it is told to stop"] if stop.is_set() else [],
        ):
            rulebook = bench.processor.maker.rulebook.version
            await note_start(ledger, start_of("workbench", settings, rulebook))
            log.info("started", program="workbench", version=VERSION, port=sock.getsockname()[1])
            print(f"the workbench is at {address_of(sock)}", flush=True)
            await answer_requests(bench, sock, stop)
    finally:
        await ledger.close()
    log.info("stopped", program="workbench")
    return 0


def check_login(settings: Settings) -> None:
    """Raise NoLoginError if the settings do not say how people log in."""
    if not settings.workbench_login:
        raise NoLoginError(
            Finding(
                "setting.value",
                expected="a way for people to log in",
                found="nothing",
                where="CHARGELINE_WORKBENCH_LOGIN",
                do="set it; `development` is for trying the workbench on this machine",
            )
        )


def bench_over(settings: Settings, ledger: Ledger) -> Bench:
    """The workbench over an open ledger. Raises what `new_processor` raises, and
    CompareFoldersError.
    """
    idle = timedelta(minutes=settings.workbench_idle_minutes)
    return Bench(
        settings=settings,
        ledger=ledger,
        processor=new_processor(settings, ledger, settings.topic_inbound),
        people=People(ledger, idle, utc_now),
        clock=utc_now,
        posts=Allowance(at_once=60, per_minute=120),
        logins=Allowance(at_once=200, per_minute=200),  # a hospital may come through one proxy
        endings=Allowance(at_once=200, per_minute=200),
        comparisons=Comparisons(),
        rules_folders=folders_by_name(settings.workbench_compare_rules),
        programs=Allowance(at_once=120, per_minute=600),  # each token has its own
    )


class _Server(uvicorn.Server):
    """The web server, which leaves signals to the program."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch no signal."""
        yield


def listening(settings: Settings) -> socket.socket:
    """A socket at the address of the workbench. Raises ListenError."""
    host, port = settings.workbench_host, settings.workbench_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ListenError(
            Finding(
                "listen.refused",
                expected=f"to listen on {host}:{port}",
                found=error.strerror or type(error).__name__,
                where="CHARGELINE_WORKBENCH_PORT",
                do="stop what listens there, or set another address",
            )
        ) from error


def address_of(sock: socket.socket) -> str:
    """The address of the pages behind a socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def answer_requests(bench: Bench, sock: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests that come to a socket until `stop` is set, and close it."""
    server = _Server(
        uvicorn.Config(
            make_app(bench),
            log_config=None,
            access_log=False,  # an address names a visit
            server_header=False,
            proxy_headers=False,  # proxies.py reads them, for those proxies that a setting names
            lifespan="off",
            timeout_graceful_shutdown=bench.settings.shutdown_seconds,
        )
    )
    work = asyncio.create_task(server.serve(sockets=[sock]))
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        server.should_exit = True
        await work
        await bench.comparisons.stop()
