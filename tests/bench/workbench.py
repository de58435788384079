"""`make bench-workbench`: how long people wait for a page, with a year of visits in PostgreSQL.

This module owns the people who click. Twenty of them go from page to page of one workbench, a
program of its own over a real PostgreSQL, and each looks at a page for some seconds before the next
click. The median of each kind of page stands beside that of a page which shows nothing of the
ledger, in the same run: the ratio can be compared with that of another machine. Before that, one
person has the workbench alone, and the CPU time of a page is measured, which other work on the
machine disturbs little. VISITS=5000 QUESTIONS=1000 SECONDS=20 makes a small run.
"""

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from time import perf_counter

import asyncpg
import httpx

from chargeline.drafting.looking import drafted_now
from chargeline.drafting.processor import utc_now
from chargeline.engine import VisitKey
from chargeline.ledger import Ledger
from tests.answers.test_answers import open_infusion
from tests.bench.feeds import long_account
from tests.bench.many_visits import Size, fill
from tests.ledger import with_tables
from tests.live.servers import PostgresServer, free_port, postgres_server, wait_until
from tests.workbench.asking import standing_over
from tests.workbench.stand import COMMAND, is_ready

PEOPLE, LOOKS_SECONDS, SEED = 20, (1.0, 5.0), 11
LINES, TIMES = 60, 10
EMPTY = "an empty page"
# Each page, where it is, and the most milliseconds that its median may take.
PAGES: Mapping[str, tuple[str, float]] = {
    EMPTY: ("/login", 0.0),
    "the work list": ("/work", 150.0),
    "of one unit": ("/work?place=UNIT%203", 150.0),
    "with one question": ("/work?code=stop.missing", 150.0),
    "of one person": ("/work?owner=Person%203", 150.0),
    "with one drug": ("/work?text=zebrium%2012", 150.0),
    f"a visit of {LINES} lines": ("/visits/ZEBRA/V2", 200.0),
}


def main() -> int:
    """Print all figures. The exit code is always 0: a slow machine is not a failure."""
    ours = os.environ
    size = Size(int(ours.get("VISITS") or 100_000), int(ours.get("QUESTIONS") or 20_000))
    asyncio.run(measure(size, float(ours.get("SECONDS") or 60)))
    return 0


async def measure(size: Size, seconds: float) -> dict[str, list[float]]:
    """Fill a ledger, let people click for some seconds, and print the medians; returns the
    milliseconds of each page.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chargeline-bench-")))
        postgres = postgres_server()
        assert isinstance(postgres, PostgresServer)
        stack.callback(postgres.close)
        postgres.start()
        url = await with_tables(postgres.create_database("bench"))
        began = perf_counter()
        lines = await _filled(url, size, folder)
        print(f"{size.visits:,} visits, {size.questions:,} open questions in {size.asking:,};")
        print(
            f"made in {perf_counter() - began:,.0f} s; {lines} lines in the visit that is shown\n"
        )
        program, address = _workbench(stack, url, folder)
        await _print_alone(address, program.pid, postgres)
        waited = await _clicked(address, seconds)
    _print(waited, seconds)
    return waited


async def _filled(url: str, size: Size, folder: Path) -> int:
    """Make the ledger, with a visit of 60 lines that is drafted from its messages; returns how many
    lines it has.
    """
    ledger = await Ledger.open(url)
    standing = await standing_over(ledger, folder)
    await standing.hear(*open_infusion())
    lines, messages = 0, 0
    while lines < LINES:
        messages += 5
        day = [message.decode() for message in list(long_account(messages))[-5:]]
        await standing.hear(*[message.replace("|V1\r", "|V2\r") for message in day], visit="V2")
        async with ledger.view() as view:
            (visit,) = await drafted_now(view, standing.bench.processor, [VisitKey("ZEBRA", "V2")])
        lines = sum(len(encounter.lines) for encounter in visit.draft.encounters)
    async with ledger.view() as view:
        asked = await view.open_questions([VisitKey("ZEBRA", "V1")])
    await fill(ledger, size, asked[VisitKey("ZEBRA", "V1")][0].body, utc_now())
    await ledger.close()
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")  # as autovacuum has done long before
    await connection.close()
    return lines


def _workbench(stack: ExitStack, url: str, folder: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """Start the workbench; returns the program, and where its pages are."""
    health, pages = free_port(), free_port()
    settings = {
        "CHARGELINE_LEDGER_URL": url.replace("postgresql://", "postgresql+asyncpg://"),
        "CHARGELINE_PRICES": str(folder / "prices.csv"),
        "CHARGELINE_HTTP_PORT": str(health),
        "CHARGELINE_WORKBENCH_PORT": str(pages),
        "CHARGELINE_WORKBENCH_LOGIN": "development",
        "CHARGELINE_LOG_LEVEL": "warning",
    }
    program = subprocess.Popen([*COMMAND, "workbench"], env={**os.environ, **settings})
    stack.callback(program.wait, 60)
    stack.callback(program.terminate)
    ready = partial(is_ready, f"http://127.0.0.1:{health}/readyz", program)
    wait_until(ready, 60, "the workbench to be ready")
    return program, f"http://127.0.0.1:{pages}"


# ------------------------------------------------------------------ one person


async def _print_alone(address: str, workbench: int, postgres: PostgresServer) -> None:
    """Print the CPU time of each page: of the workbench, and of PostgreSQL."""
    print("milliseconds of CPU a page: workbench, PostgreSQL")
    async with httpx.AsyncClient(base_url=address, timeout=60) as browser:
        await _log_in(browser, "Person 3")
        for name, (path, _wanted) in PAGES.items():
            await _opened(browser, path)  # the first one reads its template
            before = _cpu([workbench]), _cpu(postgres.children())
            for _time in range(TIMES):
                await _opened(browser, path)
            after = _cpu([workbench]), _cpu(postgres.children())
            ours, theirs = [
                (now - then) * 1e3 / TIMES for then, now in zip(before, after, strict=True)
            ]
            print(f"  {name:<24}{ours:>8.0f}{theirs:>8.0f}")


def _cpu(processes: Iterable[int]) -> float:
    """The seconds of CPU that some processes have had, of those that are there."""
    ticks = 0
    for process in processes:
        with suppress(FileNotFoundError, ProcessLookupError):  # one that has just ended
            words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _log_in(browser: httpx.AsyncClient, name: str) -> None:
    answer = await browser.post("/login", data={"name": name, "role": "lead"})
    assert answer.status_code == 303, answer.status_code


async def _opened(browser: httpx.AsyncClient, path: str) -> float:
    """Open a page; returns how many milliseconds somebody waited."""
    began = perf_counter()
    page = await browser.get(path)
    assert page.status_code == 200, f"{path}: {page.status_code}"
    return (perf_counter() - began) * 1e3


# ------------------------------------------------------------------ twenty people


async def _clicked(address: str, seconds: float) -> dict[str, list[float]]:
    """The milliseconds of each page, over all people."""
    waited: dict[str, list[float]] = defaultdict(list)
    end = perf_counter() + seconds
    people = [_person(address, number, end, waited) for number in range(PEOPLE)]
    await asyncio.gather(*people)
    return waited


async def _person(address: str, number: int, end: float, waited: dict[str, list[float]]) -> None:
    """One person, who logs in and goes through the pages in an order of their own."""
    chance = random.Random(SEED + number)
    async with httpx.AsyncClient(base_url=address, timeout=60) as browser:
        await _log_in(browser, f"Person {number}")
        while perf_counter() < end:
            for name in chance.sample(list(PAGES), len(PAGES)):
                await asyncio.sleep(chance.uniform(*LOOKS_SECONDS))
                waited[name].append(await _opened(browser, PAGES[name][0]))


def _print(waited: Mapping[str, list[float]], seconds: float) -> None:
    empty = statistics.median(waited[EMPTY])
    least, most = LOOKS_SECONDS
    print(f"\n{PEOPLE} people, a click each {least:.0f} to {most:.0f} s, for {seconds:,.0f} s;")
    print("people, workbench and PostgreSQL share this machine")
    print("milliseconds: median, nineteen of twenty, and the median beside the empty page's")
    for name, (_address, wanted) in PAGES.items():
        median, late = statistics.median(waited[name]), statistics.quantiles(waited[name], n=20)[-1]
        beside = f"{median / empty:>8.1f}   wanted below {wanted:,.0f} ms" if wanted else ""
        print(f"  {name:<24}{median:>8.0f}{late:>8.0f}{beside}")


if __name__ == "__main__":
    sys.exit(main())
