"""What fails on one record or on one visit, and is done apart from the others.

This module owns three answers: which exceptions are a record's own, how a batch is parted until
only the guilty record is left, and what is parked of it. One record that makes us fail would
otherwise be read again after each restart, and stop its partition for good. A failure of the ledger
or of Kafka is no record's fault: all records wait for it. Of an exception only the type is told,
because its text may quote a patient.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from chargeline.drafting.inbound import InboundRecord, ReadRecord, named_here
from chargeline.drafting.polls import PartitionBatch, PollResult
from chargeline.engine import FindingCode, FindingError, VisitKey
from chargeline.hl7.errors import Hl7Error
from chargeline.kafka.placing import KeyPlacement
from chargeline.ledger.errors import DRIVER_ERRORS, Unstorable
from chargeline.ledger.records import Move
from chargeline.published.inbound import NUDGE, record_key
from chargeline.telemetry.logs import logger

FAILED: FindingCode = "record.failed"


def is_of_a_record(error: Exception) -> bool:
    """Whether an exception is our own mistake with one record, and no failure of a server.

    A `FindingError` was thought of where it is raised. Of these, only a text that no database can
    keep belongs to one record.
    """
    if isinstance(error, Unstorable):
        return True
    return not isinstance(error, (FindingError, SQLAlchemyError, *DRIVER_ERRORS))


async def each_apart(
    process: Callable[[Mapping[int, PartitionBatch]], Awaitable[PollResult]],
    batches: Mapping[int, PartitionBatch],
) -> PollResult:
    """Work off a batch; if a record makes that fail, its halves, until that record is parked.

    Raises what is no record's own.
    """
    try:
        return await process(batches)
    except Exception as error:
        if not is_of_a_record(error):
            raise
        some = _halves(batches)
        if len(some) > 1:
            return _together([await each_apart(process, part) for part in some])
        ((number, batch),) = batches.items()
        parked = _failed(batch.records[0], error)
        if parked is None:
            raise
        return await each_apart(process, {number: batch._replace(records=[parked])})


async def visits_apart(
    draft: Callable[[Mapping[VisitKey, int]], Awaitable[None]],
    give_up: Callable[[VisitKey, Exception], Awaitable[None]],
    ours: Sequence[tuple[VisitKey, int]],
) -> None:
    """Draft visits; if a visit makes that fail, their halves, until that visit is given up.

    Raises what is no visit's own.
    """
    try:
        await draft(dict(ours))
    except Exception as error:
        if not is_of_a_record(error):
            raise
        if len(ours) == 1:
            await give_up(ours[0][0], error)
            return
        half = len(ours) // 2
        for some in (ours[:half], ours[half:]):
            await visits_apart(draft, give_up, some)


def unread(record: InboundRecord, error: Exception, placement: KeyPlacement | None) -> ReadRecord:
    """A record on which the reading failed, to be parked."""
    _tell(record, error)
    return ReadRecord(
        record, "parked", visit=named_here(record, placement), problem=_problem(FAILED, error)
    )


def _failed(read: ReadRecord, error: Exception) -> ReadRecord | None:
    """A record on which a batch failed, to be parked for its visit.

    If that fails as well, the visit cannot be drafted, and the record is parked for no visit. None
    if there is nothing left to try.
    """
    again = read.problem is not None and read.problem.finding.code == FAILED
    if not again:
        _tell(read.record, error)
        visit = read.visit if read.kind != "rekey" else None
        return read._replace(kind="parked", visit=visit, problem=_problem(FAILED, error))
    return read._replace(visit=None) if read.visit is not None else None


def failed_visit(
    topic: str, partition: int, offset: int | None, *, key: VisitKey, error: Exception
) -> ReadRecord:
    """A visit that cannot be drafted, as a nudge to be parked: a retry has it drafted again."""
    problem = _problem("visit.failed", error)
    read = nudge_to_park(topic, partition, offset or 0, key=key, problem=problem)
    _tell(read.record, error)
    return read


def nudge_to_park(
    topic: str, partition: int, offset: int, *, key: VisitKey, problem: Hl7Error
) -> ReadRecord:
    """A nudge of a visit, to be parked for a reason."""
    record = InboundRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        key=record_key(*key),
        value=b"",
        headers={NUDGE: "1"},
    )
    return ReadRecord(record, "parked", visit=key, problem=problem)


def _tell(record: InboundRecord, error: Exception) -> None:
    logger("drafting").error(
        "record.failed",
        exc_info=error,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )


def _problem(code: FindingCode, error: Exception) -> Hl7Error:
    return Hl7Error(
        code,
        expected="chargeline to work it off",
        found=type(error).__name__,
        where="",
        do="this is a mistake of chargeline: report the line record.failed of the log. "
        "`chargeline parked retry` when it is mended",
    )


# ------------------------------------------------------------------ parting a batch


def _halves(batches: Mapping[int, PartitionBatch]) -> list[dict[int, PartitionBatch]]:
    """A batch in two halves, to be worked off one after the other; one if it has one record.

    Several partitions are parted from each other first, then the records of one in their order.
    """
    numbers = list(batches)
    if len(numbers) > 1:
        half = len(numbers) // 2
        return [{number: batches[number] for number in some} for some in
                (numbers[:half], numbers[half:])]  # fmt: skip
    ((number, batch),) = batches.items()
    half = len(batch.records) // 2
    if not half:
        return [dict(batches)]
    first, second = batch.records[:half], batch.records[half:]
    between = second[0].record.offset
    return [
        {number: PartitionBatch(first, Move(batch.move.expected, between), batch.read_seconds)},
        {number: PartitionBatch(second, Move(between, batch.move.next_offset))},
    ]


def _together(results: Sequence[PollResult]) -> PollResult:
    """The results of several batches as that of one."""
    outcomes: dict[tuple[str, str], int] = {}
    seconds: dict[str, float] = {}
    for result in results:
        for outcome, count in result.outcomes.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
        for phase, time in result.seconds.items():
            seconds[phase] = seconds.get(phase, 0.0) + time
    return PollResult(
        read=sum(result.read for result in results),
        used=sum(result.used for result in results),
        course=tuple(judged for result in results for judged in result.course),
        outcomes=outcomes,
        revisions=sum(result.revisions for result in results),
        seconds=seconds,
        warnings=tuple(warning for result in results for warning in result.warnings),
        misplaced=tuple(reason for result in results for reason in result.misplaced),
    )
