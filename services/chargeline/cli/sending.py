"""Sending to a listener: the arguments of the verbs that send, and the check before the first byte.

It owns that patients leave this machine over verified TLS only, unless the site allows it. How a
message is carried is in the package `mllp`.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from chargeline.cli.ending import tell
from chargeline.engine import Finding, FindingError
from chargeline.mllp.sending import MllpListener, SendingTls, sent
from chargeline.mllp.wire import MllpError


def address(text: str) -> tuple[str, int]:
    """HOST:PORT of a listener."""
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise argparse.ArgumentTypeError(
            f"expected HOST:PORT such as localhost:2575, found {text!r}"
        )
    return host.strip("[]"), int(port)


def add_tls(verb: argparse.ArgumentParser) -> None:
    """The arguments of TLS towards the listener."""
    tls = verb.add_argument_group(
        "TLS", "Beyond this machine messages travel over TLS only, as those of real patients must."
    )
    tls.add_argument(
        "--tls-ca",
        metavar="FILE",
        type=Path,
        help="the authorities by which the listener's certificate is checked, PEM",
    )
    tls.add_argument(
        "--tls-certificate", metavar="FILE", type=Path, help="our own certificate, PEM"
    )
    tls.add_argument("--tls-key", metavar="FILE", type=Path, help="the key of our certificate, PEM")
    tls.add_argument(
        "--tls-name",
        metavar="NAME",
        default="",
        help="the name in the listener's certificate, if it is not HOST",
    )


def listener(asked: argparse.Namespace, to: tuple[str, int]) -> MllpListener:
    """The listener that the arguments name. Raises FindingError if nothing may be sent there."""
    if asked.tls_ca is not None:
        own = SendingTls(asked.tls_ca, asked.tls_certificate, asked.tls_key, asked.tls_name)
        return MllpListener(*to, own)
    if asked.tls_certificate is not None or asked.tls_key is not None or asked.tls_name:
        raise _refused(
            "the authorities of the listener beside the other TLS options",
            "none",
            where="--tls-ca",
            do="name the PEM file with --tls-ca",
        )
    plaintext = import_module("chargeline.settings.plaintext")
    if plaintext.is_local(to[0]):
        return MllpListener(*to)
    settings = import_module("chargeline.settings").load()
    if settings.allow_plaintext == "yes":
        return MllpListener(*to)
    raise _refused(
        "TLS to a listener on another machine",
        "no --tls-ca",
        where=f"{to[0]}:{to[1]}",
        do="name the listener's authorities with --tls-ca, or set CHARGELINE_ALLOW_PLAINTEXT=yes "
        "where the network itself is trusted",
    )


def _refused(expected: str, found: str, *, where: str, do: str) -> FindingError:
    return FindingError(
        Finding("setting.value", expected=expected, found=found, where=where, do=do)
    )


def accepted_by(
    to: MllpListener,
    messages: Sequence[bytes],
    name: Callable[[int], str],
    *,
    per_second: int | None = None,
) -> int | None:
    """Send messages; returns how many were accepted, None if the listener could not be reached.

    `name` names a message by its place, from 1. Each answer that refuses is printed, and what ended
    the sending. `per_second` bounds the pace in messages; None sends as fast as they are answered.
    """
    done: list[bool] = []

    async def work() -> None:
        async for message in sent(messages, to, per_second=per_second):
            done.append(message.accepted)
            if not message.accepted:
                shown = message.answer.decode("utf-8", "replace").replace("\r", " ")
                print(f"{name(message.number)}: {shown}", file=sys.stderr)

    try:
        asyncio.run(work())
    except (OSError, MllpError, TimeoutError) as error:
        stopped = Finding(
            "command.not_found",
            expected="a listener that takes messages",
            found=str(error) or "no answer in time",
            where=f"{to.host}:{to.port}",
            do="look whether it runs, and at its address and its TLS; then send again",
        )
        tell(stopped)
        if done:
            print(f"{len(done)} of {len(messages)} messages sent before; a repeat is known as one")
        return None
    return sum(done)
