"""The verbs `offsets show` and `offsets skip`: their arguments and their help.

It owns what a person must say before records are skipped. It does not know what a skip does.
"""

import argparse
from types import ModuleType

from chargeline.cli.arguments import Verbs, add_actor, count
from chargeline.cli.on_demand import on_demand


def add_offsets(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add both verbs."""
    offsets = verbs.add_parser(
        "offsets",
        help="how far each partition has been read, and the last resort",
        description="The offsets of the ledger decide where a capture goes on reading.",
    ).add_subparsers(required=True, metavar="VERB")
    show = offsets.add_parser("show", help="print each partition with next offset and owner")
    show.add_argument("--json", action="store_true", help="a JSON object a line")
    show.set_defaults(run=on_demand("operate.offsets", lambda m, asked: m.show(as_json=asked.json)))
    skip = offsets.add_parser(
        "skip",
        help="go on behind records that hold up their partition (the last resort)",
        description="Goes on at an offset of the inbound topic. The records before it are not "
        "read, and no draft has them: note what they were. A capture that has the partition goes "
        "on by itself.",
    )
    skip.add_argument("--partition", type=int, required=True, metavar="N", help="which partition")
    skip.add_argument("--to", type=count, required=True, metavar="OFFSET", help="where to go on")
    add_actor(skip, reason=True)
    skip.set_defaults(run=on_demand("operate.offsets", _skip))


def _skip(module: ModuleType, asked: argparse.Namespace) -> object:
    return module.skip(asked.partition, asked.to, who=asked.who, why=asked.reason)
