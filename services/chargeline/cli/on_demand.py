"""How a verb of the live service runs: it imports its module first, and then reads the settings.

Kafka and database libraries take a second to import, and `chargeline code` needs none of them.
This module owns that wait, and does not know the verbs.
"""

import argparse
from collections.abc import Callable
from importlib import import_module
from types import ModuleType


def on_demand(
    module: str, work: Callable[[ModuleType, argparse.Namespace], object]
) -> Callable[[argparse.Namespace], int]:
    """What a verb runs. `work` takes the imported module, and gives work that takes settings."""

    def run(asked: argparse.Namespace) -> int:
        running = import_module("chargeline.operate.running")
        return int(running.with_settings(work(import_module(f"chargeline.{module}"), asked)))

    return run
