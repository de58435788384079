"""`chargeline simulate`: an invented infusion centre, as files of HL7 messages.

It owns the arguments of this verb and the hints that it prints. The messages come from the package
`simulator`.
"""

import argparse
from pathlib import Path

from chargeline.cli.arguments import Verbs, count, share
from chargeline.cli.ending import OK
from chargeline.simulator.feed import simulate, write_feed

_HELP = """\
Invents visits of an infusion centre and writes their HL7 messages into DIR: one file for each
style of sender (standard.hl7, action-stream.hl7), and truth.json, which says what really happened
and which questions should be asked of each visit.
No patient is real. The same arguments write the same bytes.
"""


def add_simulate(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `simulate`."""
    verb = verbs.add_parser(
        "simulate", help="invent a feed of HL7 messages to try chargeline with", description=_HELP
    )
    verb.add_argument("--visits", type=count, required=True, metavar="N", help="how many visits")
    verb.add_argument(
        "--seed",
        type=int,
        required=True,
        metavar="S",
        help="any whole number; another seed invents other visits",
    )
    verb.add_argument(
        "--style",
        choices=("standard", "action-stream", "mixed"),
        default="mixed",
        help="how the senders write: standard has start and stop in one record, action-stream "
        "sends a message for each action (new bag, stopped), mixed has visits of both "
        "(default: mixed)",
    )
    verb.add_argument(
        "--mess",
        type=share,
        default=0.0,
        metavar="0..1",
        help="how much goes wrong, as in a real feed: duplicates, messages out of order, "
        "corrections, missing stops, merges (default: 0)",
    )
    verb.add_argument(
        "--faults",
        type=share,
        default=0.0,
        metavar="0..1",
        help="in how many of the visits something is charted or written wrongly: ten times the "
        "dose, a stop one day late, one bag twice, a local name of a drug (default: 0)",
    )
    _add_beside(verb)
    verb.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder to write into"
    )
    verb.set_defaults(run=_simulate)


def _add_beside(verb: argparse.ArgumentParser) -> None:
    """What is invented beside the infusions."""
    verb.add_argument(
        "--courses",
        type=count,
        default=0,
        metavar="N",
        help="how many courses of radiation are reported beside, over weeks: eight fractions to "
        "sixty-two, two a day, with days off, resumed; some are told by the schedule too "
        "(default: 0)",
    )
    verb.add_argument(
        "--examinations",
        type=share,
        default=0.0,
        metavar="0..1",
        help="in how many of the visits a practitioner sees the patient too, with a report, a note "
        "and a posted charge (default: 0)",
    )
    verb.add_argument(
        "--authorizations",
        type=count,
        default=0,
        metavar="N",
        help="how many treatments are given beside, from October 2026 on, that need a payer's "
        "authorization: approved, pended, denied, used up, expiring, of another payer; each has "
        "the next of these life cycles (default: 0)",
    )


def _simulate(asked: argparse.Namespace) -> int:
    feed = simulate(
        visits=asked.visits,
        seed=asked.seed,
        style=asked.style,
        mess=asked.mess,
        faults=asked.faults,
        courses=asked.courses,
        examinations=asked.examinations,
        authorizations=asked.authorizations,
    )
    write_feed(feed, asked.out)
    styles = sorted({style for style, _message in feed.messages})
    print(f"{len(feed.messages)} messages of {asked.visits} visits in {asked.out}:")
    for style in styles:
        print(f"  chargeline code {asked.out / style}.hl7 --interface {style}")
    print(f"  {asked.out / 'truth.json'} holds what really happened")
    return OK
