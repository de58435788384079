"""Shows the settings: for `chargeline config`, and as docs/configuration.md.

It owns the text around the settings, and it hides the secrets. `python -m chargeline.settings.page`
prints docs/configuration.md; a test compares the page with this output. What a setting means is
written in values.py.
"""

from collections.abc import Set
from typing import NamedTuple

from pydantic import SecretStr

from chargeline.settings.expected import expected_of
from chargeline.settings.kinds import FILE, variable
from chargeline.settings.values import Settings, secrets

SECRET = "****"
REFUSED = "(refused)"

# The groups of settings on the page: the first setting of each group, and the title.
_GROUPS = {
    "kafka_bootstrap": "Kafka",
    "ledger_url": "Ledger",
    "rules": "Rules",
    "settle_seconds": "Drafts",
    "parked_in_a_row": "Parked messages",
    "http_host": "Health pages",
    "mllp_host": "Gateway",
    "workbench_host": "Workbench",
    "allow_plaintext": "Process",
}
# The text of a group, before the table of its settings.
_NOTES = {
    "kafka_bootstrap": """
A program ends with exit code 1 and the reason if it finds no Kafka when it starts, if Kafka refuses
its login, or if a topic is missing; let your process manager start it again. If Kafka goes away
later, the program waits for it, and `/readyz` says so.

For a login over TLS, set `SASL_SSL`, the mechanism, the user, the password and, unless the system
trusts it, the CA file. For a client certificate, set `SSL` and the three files.

`chargeline topics create` creates topics that take the largest messages that
`CHARGELINE_MLLP_FRAME_BYTES` allows, also when they are parked, which makes them a third longer. Of
topics that exist it says which take less.""",
    "ledger_url": """
A program ends with the reason if the ledger cannot be reached when the program starts, refuses the
login, or has another schema. If the ledger goes away later, or its disk is full, the program waits
and reads no further messages until the ledger is back.

For PostgreSQL on another machine, set `CHARGELINE_LEDGER_TLS_CA_FILE`, or write
`?sslmode=verify-full&sslrootcert=FILE` into the address. Else `CHARGELINE_ALLOW_PLAINTEXT` must
allow a connection that nobody has verified.

With a key (`CHARGELINE_LEDGER_KEY_FILE` or `CHARGELINE_LEDGER_KEY_COMMAND`), the bytes and headers
of messages, parked messages and waiting events are encrypted in the ledger. Give the same key to
every program that opens it; a program without it, or with another one, does not start. To change
the key, put the new one above the old one, restart the programs, run
`chargeline ledger rotate --reason TEXT`, and remove the old one.""",
    "parked_in_a_row": """
When a sender exceeds a limit, it is quarantined: its messages are acknowledged as usual and parked
unread (`sender.quarantined`), until the time is over or the program starts again. All other senders
go on, and the program does not end. Senders are told apart by their host and certificate, their
interface, MSH-3 and MSH-4; at most 200 of them, the rest share one place. Nothing is lost:
`chargeline parked retry --code sender.quarantined` brings the messages back, and
`chargeline_quarantined_senders` says how many senders are quarantined.""",
    "mllp_host": """
Up to `CHARGELINE_MLLP_CONNECTIONS` senders may be connected, each with up to 4 unanswered messages
(8 in `serve`). What they take together is bound by `CHARGELINE_MLLP_MEMORY_BYTES`: above it the
listener reads no further until messages are acknowledged. With the defaults, 64 messages of the
largest size at once made a gateway take 200 MB and a `serve` 215 MB, at rest 95 MB.

Certificates, keys and the list of revoked ones are read again within 10 seconds after a file has
changed, and at SIGHUP; open connections go on, but for those of a revoked certificate. Files that
cannot be used are logged (`certificates.refused`, with the setting and the reason), and those
before them stay in force. So does the list of revoked ones before one that no authority of
`CHARGELINE_MLLP_TLS_CLIENT_CA_FILE` has signed.

The gateway answers a message with AE (CE) if Kafka has not stored it within 10 seconds, or if it is
larger than the listener or the topic takes. Application acknowledgements that MSH-16 asks for in an
exchange of their own are counted, but not sent.""",
}


class Described(NamedTuple):
    """One setting as `chargeline config` shows it. Secrets are masked."""

    variable: str
    value: str
    default: str
    meaning: str


def describe(settings: Settings, wrong: Set[str] = frozenset()) -> list[Described]:
    """All settings with their values, in the order of the class `Settings`.

    `wrong` are the fields whose value was refused: what was set there may be a secret, and nothing
    is in force, so neither it nor the default is shown.
    """
    return [
        Described(
            variable(name),
            REFUSED if name in wrong else _in_force(settings, name),
            _shown(field.default),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]


def _in_force(settings: Settings, name: str) -> str:
    """The value of a setting. Of a secret in a file it is only said that it comes from there."""
    if getattr(settings, name + FILE, None) is not None and name in secrets():
        return f"(from {variable(name + FILE)})"
    return _shown(getattr(settings, name))


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    return "" if value is None else str(value)


def _masked(secret: str) -> str:
    """A secret as `****`; of the address of a database, the part without user and password.

    `postgresql+asyncpg://zebra:stripes@db/charges` becomes `postgresql+asyncpg://****@db/charges`.
    """
    scheme, separator, rest = secret.partition("://")
    if not separator:
        return SECRET if secret else ""
    address, _question, query = rest.partition("?")
    _login, at, place = address.rpartition("@")
    if "#" in secret:
        return f"{scheme}://{SECRET}"  # the same
    if "@" in query:
        return f"{scheme}://{SECRET}"  # the password may hold this @ and end anywhere
    return f"{scheme}://{SECRET + at if at else ''}{place}"


_PAGE_HEAD = """\
# Configuration

Each setting of the live service is an environment variable. An empty variable counts as not set.
When a program starts, it reports all mistakes at once, without showing a value. `chargeline config`
prints the settings in force, with secrets as `****`, and the mistakes below. In Kubernetes, set
`enableServiceLinks: false`, because Kubernetes sets variables for a service that may collide with
these.

A secret may stand in a file instead, as a vault or Kubernetes mounts it: `<NAME>_FILE` names the
file, which holds the value on one line. It is read again for each new connection, so a new password
needs no restart: change it at the server, then in the file. Both `<NAME>` and `<NAME>_FILE` is a
mistake.

<!-- Made by `python -m chargeline.settings.page` from services/chargeline/settings/values.py. -->
"""


def as_markdown() -> str:
    """The text of docs/configuration.md."""
    lines = [_PAGE_HEAD.rstrip()]
    for name, field in Settings.model_fields.items():
        if name in _GROUPS:
            lines += [
                f"\n## {_GROUPS[name]}\n{_NOTES.get(name, '')}".rstrip() + "\n",
                "| variable | default | expected | meaning |",
                "|---|---|---|---|",
            ]
        default = _shown(field.default)
        shown = f"`{default}`" if default else "-"
        lines.append(
            f"| `{variable(name)}` | {shown} | {expected_of(name)} | {field.description} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
