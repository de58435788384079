"""`chargeline survey` and `chargeline send`: for the person who connects a sender.

It owns the arguments of these two verbs. What a survey counts is decided in hl7/survey.py, and how
a message is sent in `sending.py`.
"""

import argparse

from chargeline.cli.arguments import (
    Verbs,
    add_formulary,
    add_interface,
    add_rules_folder,
    count,
    loaded_rules,
)
from chargeline.cli.ending import FAILED, OK, SET_ASIDE
from chargeline.cli.sending import accepted_by, add_tls, address, listener
from chargeline.coding.survey import survey_as_json, survey_of, survey_page
from chargeline.files import read_feed
from chargeline.hl7.framing import split_messages
from chargeline.hl7.profile import make_profile
from chargeline.rulebook.loading import read_interface

_SURVEY_HELP = """\
Counts what a sender writes at the addresses that an interface profile asks about: action words,
routes, classes, how often RXA-4 is filled, observations and Z fields that nobody reads, and drugs
that the formulary does not know. "?" stands beside a word that the profile does not know. No
patient is shown: texts that fewer than three visits have are only counted.
"""
_SEND_HELP = """\
Sends the messages of a file over MLLP, one after another, and waits for each answer.
"""


def add_interfaces(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verbs `survey` and `send`."""
    survey = verbs.add_parser(
        "survey",
        help="count the words, fields and drugs of a sender",
        description=_SURVEY_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    survey.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder, or - for standard input"
    )
    add_interface(survey)
    add_formulary(survey)
    add_rules_folder(survey)
    survey.add_argument("--json", action="store_true", help="print one JSON object")
    survey.set_defaults(run=_survey)
    send = verbs.add_parser(
        "send", help="send the messages of a file over MLLP", description=_SEND_HELP
    )
    send.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or -")
    send.add_argument("to", metavar="HOST:PORT", type=address, help="where a listener is")
    send.add_argument(
        "--per-second",
        type=count,
        metavar="N",
        help="at most so many messages a second, as a real sender does (default: as fast as they "
        "are answered)",
    )
    add_tls(send)
    send.set_defaults(run=_send)


def _survey(asked: argparse.Namespace) -> int:
    rulebook, folder = loaded_rules(asked)
    profile = make_profile(read_interface(folder, asked.interface))
    surveyed = survey_of(read_feed(asked.paths), profile, rulebook.formulary)
    if asked.json:
        print(survey_as_json(surveyed))
    else:
        for line in survey_page(surveyed):
            print(line)
    return OK


def _send(asked: argparse.Namespace) -> int:
    frames = [frame for file in read_feed(asked.paths) for frame in split_messages(file.data)]
    messages = [frame.data for frame in frames if frame.problem is None]
    to = listener(asked, asked.to)
    accepted = accepted_by(to, messages, lambda n: f"message {n}", per_second=asked.per_second)
    if accepted is None:
        return FAILED
    print(
        f"{len(messages)} messages sent, {accepted} accepted, {len(frames) - len(messages)} unfit"
    )
    return OK if accepted == len(frames) else SET_ASIDE
