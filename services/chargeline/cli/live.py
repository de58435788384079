"""The verbs of the live service: capture, gateway, serve, workbench, config, topics, parked.

It owns their arguments and their help. The settings of these verbs come from the environment
(docs/configuration.md).
"""

import argparse
from importlib import import_module
from pathlib import Path

from chargeline.cli.arguments import Verbs, add_actor, count
from chargeline.cli.ledger import add_ledger
from chargeline.cli.offsets import add_offsets
from chargeline.cli.on_demand import on_demand

_CAPTURE_HELP = """\
Reads HL7 messages from the inbound topic of Kafka, keeps messages and drafts in the ledger, and
publishes drafts, questions and parked messages. Any number of these processes may run side by
side. SIGTERM stops the program after the work that it has begun.
"""
_GATEWAY_HELP = """\
Listens for HL7 messages over MLLP and writes them into the inbound topic of Kafka. A message is
acknowledged when Kafka has stored it.
"""
_SERVE_HELP = """\
Gateway, capture and ledger in one process, without Kafka: listens for HL7 messages over MLLP, keeps
them in the ledger, and writes drafts and questions as JSON lines. ^C or SIGTERM stops the program.
"""
_WORKBENCH_HELP = """\
Shows web pages over the ledger, for coders, nurses and operations, and keeps what they say there as
answers. It drafts nothing by itself: a capture or `serve` does. SIGTERM or ^C stops it.
"""
_CONFIG_HELP = """\
Prints each setting of the live service with its environment variable, its value and its meaning.
Passwords are shown as ****. Below stands each mistake, and the exit code is then 2.
"""
_PARKED_HELP = """\
A message that could not be used is parked: it stays whole in the ledger with the reason, until a
person retries or drops it. The drafts of its visit are marked incomplete until then.
"""


def add_live(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add all verbs of the live service."""
    _add_programs(verbs)
    _add_workbench(verbs)
    config = verbs.add_parser(
        "config", help="print the settings of the live service", description=_CONFIG_HELP
    )
    config.set_defaults(
        run=lambda _asked: import_module("chargeline.operate.configuration").show_configuration()
    )
    _add_topics(verbs)
    add_ledger(verbs)
    _add_parked(verbs)
    _add_redraft(verbs)
    add_offsets(verbs)


def _add_programs(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    capture = verbs.add_parser(
        "capture",
        help="live service: HL7 messages from Kafka in, drafts and questions out",
        description=_CAPTURE_HELP,
    )
    capture.set_defaults(run=on_demand("capture.program", lambda module, _asked: module.run))
    gateway = verbs.add_parser(
        "gateway",
        help="live service: HL7 messages over MLLP in, Kafka out",
        description=_GATEWAY_HELP,
    )
    gateway.set_defaults(run=on_demand("gateway.program", lambda module, _asked: module.run))
    serve = verbs.add_parser(
        "serve",
        help="gateway and capture in one process, without Kafka",
        description=_SERVE_HELP,
    )
    serve.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="append drafts and questions to this file (default: print them)",
    )
    serve.add_argument(
        "--workbench", action="store_true", help="show the web pages of the workbench as well"
    )
    serve.set_defaults(
        run=on_demand(
            "serve.program",
            lambda module, asked: module.serve(asked.out, with_workbench=asked.workbench),
        )
    )


def _add_workbench(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    workbench = verbs.add_parser(
        "workbench",
        help="live service: web pages over the ledger",
        description=_WORKBENCH_HELP,
    )
    workbench.set_defaults(run=on_demand("workbench.program", lambda module, _asked: module.run))


def _add_topics(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    topics = verbs.add_parser(
        "topics",
        help="create the Kafka topics of the live service",
        description="Works on the Kafka topics of the live service.",
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    create = topics.add_parser(
        "create",
        help="create the topics that are missing",
        description="Creates the topics that are missing. Of a topic that exists, it says whether "
        "its messages may be large enough.",
    )
    create.add_argument(
        "--partitions",
        type=count,
        default=48,
        metavar="N",
        help="the partitions of each new topic (default: 48)",
    )
    create.add_argument(
        "--replication",
        type=count,
        default=3,
        metavar="N",
        help="on how many brokers each message is kept (default: 3)",
    )
    create.set_defaults(
        run=on_demand(
            "operate.topics",
            lambda module, asked: module.create_topics(asked.partitions, asked.replication),
        )
    )


def _add_parked(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    actions = verbs.add_parser(
        "parked",
        help="list, show, retry or drop messages that could not be used",
        description=_PARKED_HELP,
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="print each parked message on a line, with the reason",
        description="Prints each parked message on a line: its id, when it came, the reason, its "
        "type, visit and sender, and the field at fault. No content of the message is printed.",
    )
    _add_code(listing)
    listing.add_argument("--json", action="store_true", help="print a JSON object a line")
    listing.set_defaults(
        run=on_demand(
            "operate.parked",
            lambda module, asked: module.parked_list(asked.code, as_json=asked.json),
        )
    )
    show = actions.add_parser("show", help=_SHOW_HELP[0], description=_SHOW_HELP[1])
    show.add_argument("id", type=count, metavar="ID", help=_ID_HELP)
    show.add_argument(
        "--unmask", action="store_true", help="show the values too; needs --reason, and is audited"
    )
    add_actor(show)
    looking = on_demand(
        "operate.parked",
        lambda module, asked: module.parked_show(
            asked.id, unmask=asked.unmask, who=asked.who, why=asked.reason
        ),
    )

    def look(asked: argparse.Namespace) -> int:
        if asked.unmask and not asked.reason.strip():
            show.error("--unmask needs --reason TEXT")
        return looking(asked)

    show.set_defaults(run=look)
    _add_retry_and_drop(actions)


def _add_code(verb: "argparse.ArgumentParser | argparse._MutuallyExclusiveGroup") -> None:
    verb.add_argument(
        "--code",
        metavar="CODE",
        default="",
        help="the messages that were parked for this reason, such as status.unknown",
    )


def _add_retry_and_drop(actions: "Verbs[argparse.ArgumentParser]") -> None:
    retry = actions.add_parser("retry", help=_RETRY_HELP[0], description=_RETRY_HELP[1])
    which = _add_ids(retry)
    which.add_argument("--all", action="store_true", help="all parked messages")
    add_actor(retry)
    retry.set_defaults(
        run=on_demand(
            "operate.parked",
            lambda module, asked: module.parked_retry(
                asked.ids,
                code=asked.code,
                everything=asked.all,
                who=asked.who,
                why=asked.reason,
            ),
        )
    )
    drop = actions.add_parser("drop", help=_DROP_HELP[0], description=_DROP_HELP[1])
    _add_ids(drop)
    add_actor(drop, reason=True)
    drop.set_defaults(
        run=on_demand(
            "operate.parked",
            lambda module, asked: module.parked_drop(
                asked.ids, code=asked.code, who=asked.who, why=asked.reason
            ),
        )
    )


def _add_ids(verb: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", type=count, nargs="*", default=[], metavar="ID", help=_ID_HELP)
    _add_code(which)
    return which


def _add_redraft(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    redraft = verbs.add_parser(
        "redraft",
        help="draft visits of the ledger again, after a change of rules or formulary",
        description="Has visits of the ledger drafted again with the rules that `chargeline "
        "capture` or `serve` has now. A new revision is announced for each visit whose draft "
        "changes.",
    )
    which = redraft.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="all visits that have a draft")
    which.add_argument("--visit", metavar="NUMBER", default="", help="the visits of this number")
    which.add_argument(
        "--question",
        metavar="CODE",
        default="",
        help="the visits with such an open question, such as drug.unknown",
    )
    add_actor(redraft)
    redraft.set_defaults(
        run=on_demand(
            "operate.redraft",
            lambda module, asked: module.redraft(
                asked.visit, asked.question, who=asked.who, why=asked.reason
            ),
        )
    )


_ID_HELP = "the id of a message, as `chargeline parked list` prints it"
# Of each action on parked messages, the help and the description.
_SHOW_HELP = (
    "print one message with the shape of its values, or with --unmask in full",
    "Prints one parked message: why it could not be used, and its segments with X for each letter "
    "and 9 for each digit. With --unmask it prints the message itself, which holds patient data, "
    "and what a strict HL7 reader objects to; the audit trail keeps who looked and why.",
)
_RETRY_HELP = (
    "read messages again",
    "Sends parked messages through the inbound topic again. Correct the cause first, such as the "
    "interface profile, and restart the programs; else the messages are parked again.",
)
_DROP_HELP = (
    "give messages up",
    "Gives parked messages up: their visits no longer wait for them, and what could not be read of "
    "them is asked about no more. The ledger keeps them for CHARGELINE_RETENTION_DAYS.",
)
