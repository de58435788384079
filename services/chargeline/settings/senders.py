"""The file of senders: who may send, and what.

This module owns the shape of the file, and reports all its mistakes at once. It does not know what
a connection or a message is; the gateway asks.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

from chargeline.engine import Finding, FindingError
from chargeline.settings.networks import Network

_TEXTS = ("name", "certificate", "interface")
_LISTS = ("addresses", "applications", "facilities", "types", "processing_ids")
TEXT_MOST = 200


class SendersError(FindingError, ValueError):
    """The file of senders cannot be used. The error has a finding for each mistake."""


class AllowedSender(NamedTuple):
    """One sender of the file, known by its certificate or its addresses, by both if it has both.

    certificate: a subject alternative name or the common name, in small letters. interface: the
    profile that its messages are read with, "" for the listener's own. applications: MSH-3.1.
    facilities: MSH-4. types: MSH-9.1. processing_ids: MSH-11. An empty set allows any.
    """

    name: str
    certificate: str = ""
    addresses: tuple[Network, ...] = ()
    interface: str = ""
    applications: frozenset[str] = frozenset()
    facilities: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    processing_ids: frozenset[str] = frozenset()


def read_senders(
    path: Path, *, interfaces: Collection[str], certificates: bool
) -> tuple[AllowedSender, ...]:
    """The senders of a file, at least one.

    `interfaces` are the profiles that there are. `certificates` says whether the listener asks for
    certificates; without them nobody can be known by one. Raises SendersError.
    """
    file = f"CHARGELINE_SENDERS, {path}"
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SendersError(
            _mistake(file, "a TOML file in UTF-8", _why_not(error), "correct the file there")
        ) from error
    tables: Any = document.get("sender")
    if document.keys() != {"sender"} or not _is_list_of(tables, dict):
        others = ", ".join(ascii(key[:40]) for key in sorted(document.keys() - {"sender"})[:5])
        found = f"also {others}" if others else "none" if tables is None else "another value"
        raise SendersError(
            _mistake(
                file,
                "tables [[sender]] and nothing else",
                found,
                "begin each sender with a line [[sender]], and write its keys below",
            )
        )
    mistakes: list[Finding] = []
    names: set[str] = set()
    for number, table in enumerate(tables, start=1):
        where = f"{file}: sender {number}"
        mistakes += _mistakes(table, where, interfaces, certificates=certificates)
        if (name := table.get("name")) in names:
            mistakes.append(_mistake(where, "each name once", "one again", "rename one of the two"))
        names |= {name} if isinstance(name, str) else set()
    if mistakes:
        raise SendersError(*mistakes)
    return tuple(map(_sender, tables))


def _why_not(error: Exception) -> str:
    """Why a file is no TOML, with the place. Nothing of the file is quoted."""
    if isinstance(error, OSError):
        return str(error.strerror)
    place = re.search(r"at (line \d+, column \d+|end of document)", str(error))
    if isinstance(error, tomllib.TOMLDecodeError) and place:
        return f"a mistake at {place[1]}"
    return "bytes that are not UTF-8" if isinstance(error, UnicodeError) else "tables too deep"


def _sender(table: Mapping[str, Any]) -> AllowedSender:
    sets = {key: frozenset(table.get(key, ())) for key in _LISTS if key != "addresses"}
    return AllowedSender(
        name=table["name"],
        certificate=table.get("certificate", "").lower(),
        addresses=tuple(map(ip_network, table.get("addresses", ()))),
        interface=table.get("interface", ""),
        **sets,
    )


def _mistakes(
    table: Mapping[str, Any], where: str, interfaces: Collection[str], *, certificates: bool
) -> Iterator[Finding]:
    """All mistakes of one sender."""
    for key in table.keys() - {*_TEXTS, *_LISTS}:
        expected = f"one of {', '.join((*_TEXTS, *_LISTS))}"
        yield _mistake(where, expected, "another key", f"remove or correct {key[:40]!a}")
    for key in _TEXTS:
        if key in table and not _is_text(table[key]):
            yield _mistake(f"{where}: {key}", "a text", "something else", "write a text")
    for key in _LISTS:
        if key in table and not (_is_list_of(table[key], str) and all(map(_is_text, table[key]))):
            do = "write a list, or leave it out, which allows any"
            yield _mistake(f"{where}: {key}", "a list of texts", "something else", do)
    if "name" not in table:
        yield _mistake(where, "a name", "none", "give each sender a name of its own")
    if not table.keys() & {"certificate", "addresses"}:
        do = "say how the sender is known"
        yield _mistake(where, "certificate or addresses", "neither", do)
    if "certificate" in table and not certificates:
        do = "set CHARGELINE_MLLP_TLS_CLIENT_CA_FILE, or know the sender by its addresses"
        yield _mistake(f"{where}: certificate", "a listener that asks for one", "none", do)
    interface = table.get("interface")
    if _is_text(interface) and interface not in interfaces:
        do = "see `chargeline rules list`, or add the folder to rules/interfaces"
        expected = "the name of an interface profile"
        yield _mistake(f"{where}: interface", expected, "another name", do)
    yield from _wrong_addresses(table.get("addresses"), where)


def _wrong_addresses(addresses: object, where: str) -> Iterator[Finding]:
    for number, address in enumerate(addresses if isinstance(addresses, list) else [], start=1):
        try:
            ip_network(address if isinstance(address, str) else "")
        except ValueError:
            expected = "an address or a network such as 10.1.2.0/24"
            do = "write it without a host name, a port or host bits"
            yield _mistake(f"{where}: addresses {number}", expected, "something else", do)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MOST and value == value.strip()


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, kind) for one in value)


def _mistake(where: str, expected: str, found: str, do: str) -> Finding:
    return Finding("senders.file", expected=expected, found=found, where=where, do=do)
