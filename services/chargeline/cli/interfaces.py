"""`chargeline survey` and `chargeline send`: for the person who connects a sender.

It owns the arguments of these two verbs. What a survey counts is decided in hl7/survey.py, and how
a message is carried in the package `mllp`.
"""

import argparse
import asyncio
import sys

from chargeline.cli.arguments import (
    Verbs,
    add_formulary,
    add_interface,
    add_rules_folder,
    loaded_rules,
)
from chargeline.cli.ending import OK, SET_ASIDE, wrong_use
from chargeline.coding.survey import survey_as_json, survey_of, survey_page
from chargeline.files import read_feed
from chargeline.hl7.framing import split_messages
from chargeline.hl7.profile import make_profile
from chargeline.mllp.client import MllpClient
from chargeline.mllp.wire import MllpError
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
    send.add_argument("to", metavar="HOST:PORT", type=_address, help="where a listener is")
    send.set_defaults(run=_send)


def _address(text: str) -> tuple[str, int]:
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise argparse.ArgumentTypeError(
            f"expected HOST:PORT such as localhost:2575, found {text!r}"
        )
    return host.strip("[]"), int(port)


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
    try:
        accepted = asyncio.run(_sent(messages, *asked.to))
    except (OSError, MllpError, TimeoutError) as error:
        return wrong_use(f"{asked.to[0]}:{asked.to[1]}: {error or 'no answer in time'}")
    print(
        f"{len(messages)} messages sent, {accepted} accepted, {len(frames) - len(messages)} unfit"
    )
    return OK if accepted == len(frames) else SET_ASIDE


async def _sent(messages: list[bytes], host: str, port: int) -> int:
    """Send the messages; returns how many were accepted (AA or CA). Prints every other answer."""
    accepted = 0
    async with await MllpClient.connect(host, port) as client:
        for number, message in enumerate(messages, start=1):
            answer = await client.send(message)
            if any(
                line[4:6] in (b"AA", b"CA") for line in answer.split(b"\r") if line[:3] == b"MSA"
            ):
                accepted += 1
            else:
                shown = answer.decode("utf-8", "replace").replace("\r", " ")
                print(f"message {number}: {shown}", file=sys.stderr)
    return accepted
