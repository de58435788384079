"""`make bench`, the part of the record: one more message of a patient with few or many visits.

This module owns the comparison. Each visit of the patient has an infusion, a note, a posted level
and a number of the payer's authorization, so that each adds to all that spans visits: the group
that saw the patient, what is used of the authorization, and the day's services. The visits lie in
a SQLite ledger in memory, and the CPU time of one more message counts, from its bytes to the
stored drafts of all visits that it changes.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta

from chargeline.ledger import Ledger
from tests.drafting.test_processor import Bench, keyed
from tests.ledger import with_tables
from tests.live.servers import memory_folder

FEW, MANY, MORE = 2, 200, 30
WANTED = 1.5
_TODAY = date(2026, 10, 5)
_DOCTOR = "Z7001^ZEBRADOCTOR^INVENTED^A^^DR^MD"


def print_patients() -> None:
    """Print the two times and their ratio."""
    few, many = asyncio.run(_both())
    both = f"{few * 1e3:,.1f} and {many * 1e3:,.1f} milliseconds"
    print(f"\none more message of a patient with {MANY} visits against one with {FEW}")
    print(f"  {many / few:.2f}   {both}   wanted at most {WANTED}")


async def _both() -> tuple[float, float]:
    """Median seconds of one more message, with few and with many visits before."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        benches = []
        for count in (FEW, MANY):
            url = await with_tables(f"sqlite:///{folder}/{count}.sqlite")
            bench = Bench(await Ledger.open(url))
            await bench.claim()
            for number in range(count):
                await bench.feed(
                    keyed(list(_visit(number, _TODAY - timedelta(7 * (count - number)))))
                )
            benches.append(bench)
        costs: tuple[list[float], list[float]] = ([], [])
        for number in range(MORE):  # in turns, so that other work on the machine strikes both
            for bench, seconds in zip(benches, costs, strict=True):
                message = keyed([_infusion(9_999, _TODAY + timedelta(1), number)])
                began = time.process_time()
                await bench.feed(message)
                seconds.append(time.process_time() - began)
        for bench in benches:
            await bench.ledger.close()
    few, many = costs
    return statistics.median(few), statistics.median(many)


def _visit(number: int, day: date) -> Iterator[bytes]:
    """The messages of one visit: an infusion, a note with its level, and the posted level."""
    yield _infusion(number, day, 0)
    stamp = f"{day:%Y%m%d}1010"
    rows = ("VISIT-MINUTES^^L||42", "PATIENT-STATUS^^L||ESTABLISHED")
    seen = [f"OBX|{n}|ST|{row}||||||F\r" for n, row in enumerate(rows, 1)]
    report = f"OBR|1|E{number}^ZEBRAEHR||VISIT^visit^L|||{stamp}\r" + "".join(seen)
    yield _message("ORU^R01", number, day, "E", report)
    note = f"TXA|1|PN|TX|{stamp}|||||{_DOCTOR}|||E{number}N|||||AU\r"
    yield _message("MDM^T02", number, day, "N", note)
    posted = f"FT1|1|E{number}C||{stamp}||CG|99214|||1||||||||||{_DOCTOR}|||||99214|25\r"
    yield _message("DFT^P03", number, day, "C", posted)


def _infusion(number: int, day: date, count: int) -> bytes:
    start = f"{day:%Y%m%d}{8 + count // 2:02}{30 * (count % 2):02}"
    stop = f"{day:%Y%m%d}{8 + count // 2:02}{30 * (count % 2) + 20:02}"
    given = (
        f"ORC|RE|P{number}N{count}\r"
        f"RXA|0|1|{start}|{stop}|SILTUXIMAB^siltuximab^L|100|mg{'|' * 13}CP|A\rRXR|IV\r"
    )
    return _message("RAS^O17", number, day, f"R{count}", given)


def _message(kind: str, number: int, day: date, serial: str, rest: str) -> bytes:
    return (
        f"MSH|^~\\&|RX|ZEBRA|||{day:%Y%m%d}1200||{kind}|{serial}V{number}|P|2.5.1\r"
        "PID|1||ZZ1^^^ZEBRA^MR||TESTPATIENT^ZEBRA\r"
        f"PV1|1|O|||||||||||||||||V{number}\r"
        "IN1|1|PLAN|UNITEDHEALTHCARE|UnitedHealthcare||||||||||A77^20260101^UHC\r" + rest
    ).encode()
