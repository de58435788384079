"""`chargeline.code`: a feed drafted in one call, for those who work in Python.

It owns what the call takes and how its arguments are refused. The work is done as by the command
`chargeline code`, and comes to the same drafts.
"""

from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path

from chargeline.coding.assembly import code_feed
from chargeline.coding.run import Run
from chargeline.engine import Finding, Rulebook
from chargeline.files import FeedFile, read_feed
from chargeline.hl7.profile import make_profile
from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory

Source = str | PathLike[str] | bytes


def code(
    feed: Source | Iterable[Source],
    *,
    policy: str = "",
    interface: str = "standard",
    rules: str | PathLike[str] | None = None,
    formulary: str | PathLike[str] | None = None,
) -> Run:
    """Draft the charges of a feed: every visit with its timeline, lines, questions and reasons.

    `feed` is a file or a folder, the bytes of a feed (HL7 v2 with CR or LF, MLLP captures, FHS/BHS
    batches), or several of these, which are read in their order. `policy` is a policy of the rules,
    such as "cms-facility-2026"; without one each visit is coded under its payer's. `interface` is a
    folder of rules/interfaces: how the sender writes. `rules` is another rules folder than the
    shipped one, `formulary` a CSV of drugs that is laid over ours.

    A message that cannot be used is in `Run.set_aside` and raises nothing. Raises FindingError
    where the rules, the formulary, the interface or the policy cannot be used, and OSError where a
    path cannot be read.
    """
    folder = rules_directory(Path(rules) if rules is not None else None)
    rulebook = load_rulebook(folder, Path(formulary) if formulary is not None else None)
    refuse_unknown_policy(policy, rulebook, where="policy")
    profile = make_profile(read_interface(folder, interface))
    return code_feed(_files(feed), rulebook, profile, policy)


def refuse_unknown_policy(policy: str, rulebook: Rulebook, *, where: str) -> None:
    """Raise RulebookError for a policy that the rules do not have; "" means that none is chosen."""
    if policy and policy not in rulebook.policies:
        raise RulebookError(
            Finding(
                "rules.choice",
                expected=f"one of {', '.join(sorted(rulebook.policies))}",
                found=repr(policy),
                where=where,
                do="choose one of them",
            )
        )


def _files(feed: Source | Iterable[Source]) -> Iterator[FeedFile]:
    sources = [feed] if isinstance(feed, str | bytes | PathLike) else list(feed)
    for number, source in enumerate(sources, start=1):
        if isinstance(source, bytes):
            yield FeedFile(f"bytes {number}", source)
        else:
            yield from read_feed([fspath(source)])
