"""`chargeline.code`: a feed drafted in one call, for those who work in Python.

It owns what the call takes and how its arguments are refused. The work is done as by the command
`chargeline code`, and comes to the same drafts.
"""

import re
from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path

from chargeline.coding.assembly import code_feed
from chargeline.coding.run import Run
from chargeline.engine import Finding, FindingError
from chargeline.files import FeedFile, read_feed
from chargeline.hl7.profile import make_profile
from chargeline.published.answer_file import read_answers
from chargeline.refdata.bundle import read_bundle
from chargeline.rulebook.loading import read_interface, refuse_unknown_policy
from chargeline.rulebook.location import rules_directory
from chargeline.rulebook.sound import sound_rulebook

Source = str | PathLike[str] | bytes
_HL7_BEGINS = re.compile(r"[\ufeff\x0b\s]*(MSH|FHS|BHS)[^A-Za-z0-9/\\.]")


def code(
    feed: Source | Iterable[Source],
    *,
    policy: str = "",
    interface: str = "standard",
    rules: str | PathLike[str] | None = None,
    formulary: str | PathLike[str] | None = None,
    refdata: str | PathLike[str] | None = None,
    answers: str | PathLike[str] | None = None,
) -> Run:
    """Draft the charges of a feed: every visit with its timeline, lines, questions and reasons.

    `feed` is a file or a folder, the bytes of a feed (HL7 v2 with CR or LF, MLLP captures, FHS/BHS
    batches), or several of these, which are read in their order; "-" is standard input. `policy`
    is a policy of the rules, such as "cms-facility-2026"; without one each visit is coded under its
    payer's. `interface` is a folder of rules/interfaces: how the sender writes. `rules` is another
    rules folder than the shipped one, `formulary` a CSV of drugs that is laid over ours, `refdata`
    a bundle of published tables, and `answers` a file of what people answered.

    A message that cannot be used is in `Run.set_aside` and raises nothing. Raises FindingError
    where the feed is none, or the rules, the formulary, the interface or the policy cannot be used,
    and OSError where a path cannot be read.
    """
    folder = rules_directory(Path(rules) if rules is not None else None)
    rulebook = sound_rulebook(folder, Path(formulary) if formulary is not None else None)
    if refdata is not None:
        rulebook = rulebook.with_tables(read_bundle(Path(refdata)).tables)
    if policy:
        refuse_unknown_policy(policy, rulebook, where="policy")
    profile = make_profile(read_interface(folder, interface))
    given = read_answers(Path(answers)) if answers is not None else ()
    return code_feed(_files(feed), rulebook, profile, policy, answers=given)


def _files(feed: object) -> Iterator[FeedFile]:
    sources = feed if isinstance(feed, Iterable) and not isinstance(feed, _ONE) else [feed]
    for number, source in enumerate(sources, start=1):
        if isinstance(source, bytes | bytearray | memoryview):
            yield FeedFile(f"bytes {number}", bytes(source))
        else:
            yield from read_feed([_path(source)])


_ONE = (str, bytes, bytearray, memoryview, PathLike)


def _path(source: object) -> str:
    """A path as text. Raises FindingError for what is none; what was given is never shown."""
    if isinstance(source, str) and _HL7_BEGINS.match(source):
        found, do = "text that begins as HL7 does", "give the message as bytes: text.encode()"
    elif isinstance(source, str | PathLike):
        return str(fspath(source))
    else:
        found = f"an object of type {type(source).__name__}"
        do = "give the path of a file or folder, or what the file holds: file.read() in mode rb"
    raise FindingError(
        Finding(
            "command.unreadable",
            expected="a feed as a path or as bytes, or several of these",
            found=found,
            where="feed",
            do=do,
        )
    )
