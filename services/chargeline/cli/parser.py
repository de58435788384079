"""The parser of every verb: an option that has a value is given once.

It owns that `hold --patient A --patient B` is wrong use. argparse would keep B and forget A without
a word. A verb need not ask for this: its parser comes from here. Which options and verbs there are,
their own modules know. An option that may repeat says so with the action `append`.
"""

import argparse
from collections.abc import Sequence
from typing import Any


class OnceParser(argparse.ArgumentParser):
    """A parser that refuses an option given twice; the parsers of its verbs are of this class."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.given: set[str] = set()
        for action in (None, "store"):  # an argument that names no action is stored
            self.register("action", action, StoredOnce)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse one command line. A parser of a verb begins here too, with nothing given yet."""
        self.given = set()
        return super().parse_known_args(args, namespace)


class StoredOnce(argparse._StoreAction):
    """Stores the value of an argument; a second value for the same name is wrong use."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store the value. Raises ArgumentError if the command line gave one before."""
        assert isinstance(parser, OnceParser), "each verb has the parser of this module"
        if option_string is not None:
            if self.dest in parser.given:
                more = " with all its values" if self.nargs in ("+", "*") else ""
                raise argparse.ArgumentError(self, f"given twice; give it once{more}")
            parser.given.add(self.dest)
        super().__call__(parser, namespace, values, option_string)
