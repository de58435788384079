"""Shows the settings: `chargeline config`, and docs/configuration.md.

It owns the words around them and that no secret is shown. `python -m chargeline.settings.page`
prints docs/configuration.md, which a test holds against the code.
"""

from typing import NamedTuple

from pydantic import SecretStr

from chargeline.settings.values import Settings, expected_of, variable

SECRET = "****"

# Which settings stand together on a page: the first one of each group and the group's name.
_GROUPS = {
    "kafka_bootstrap": "Kafka",
    "ledger_url": "Ledger",
    "rules": "Rules",
    "settle_seconds": "Drafts",
    "parked_in_a_row": "Parked messages",
    "http_host": "Health pages",
    "mllp_host": "Gateway",
    "shutdown_seconds": "Process",
}
# What a page says about a group before its settings.
_NOTES = {
    "kafka_bootstrap": """
A program that finds no Kafka at its start, is not let in, or misses a topic says why and ends with exit
code 1; let what runs it start it again. A Kafka that goes away later is waited for, and `/readyz` says so.
For a login over TLS set `SASL_SSL`, mechanism, user, password and, unless the system knows it, the CA file;
for a certificate of our own `SSL` and the three files. `chargeline topics create` makes topics that take
what `CHARGELINE_MLLP_FRAME_BYTES` allows, parked messages, which are a third longer, included; of topics
that are there it says which take less.""",
    "ledger_url": """
A ledger that is not there, refuses us or has another schema ends a program at its start, with the reason.
One that goes away later, or whose disk is full, is waited for: nothing is read further until it is back.""",
    "parked_in_a_row": """
When a limit is passed the program ends with exit code 1 and the reason, after the batch is committed.
Nothing is lost, and what is parked is not counted again after a start.""",
    "mllp_host": """
Up to 64 senders are connected, with up to 4 unanswered messages each. In memory there are at worst
64 x 5 messages of the largest size, 2.7 GB by default; with messages of 10 KB it is 3 MB. What Kafka has
not stored within 10 seconds is answered with AE (CE), and so is what is larger than the listener or the
topic takes. Application acknowledgements in an exchange of their own (MSH-16) are counted, not sent.""",
}


class Described(NamedTuple):
    """One setting as `chargeline config` shows it; secrets are masked."""

    variable: str
    value: str
    default: str
    meaning: str


def describe(settings: Settings) -> list[Described]:
    """All settings in their order, with their values now."""
    return [
        Described(
            variable(name),
            _shown(getattr(settings, name)),
            _shown(field.default),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    return "" if value is None else str(value)


def _masked(secret: str) -> str:
    """Nothing of a secret but, where it is a database's address, which one it is."""
    scheme, found, rest = secret.partition("://")
    if not found:
        return SECRET if secret else ""
    address, _question, query = rest.partition("?")
    _login, at, place = address.rpartition("@")
    if "@" in query:
        return f"{scheme}://{SECRET}"  # nobody can tell where the password ends
    return f"{scheme}://{SECRET + at if at else ''}{place}"


_PAGE_HEAD = """\
# Configuration

Every setting is an environment variable. Empty counts as unset. All mistakes are told at once when a
program starts, without showing a value; `chargeline config` shows what is in force, secrets as `****`.
In Kubernetes set `enableServiceLinks: false`: its own variables for a service would collide with these.

<!-- Made by `python -m chargeline.settings.page` from services/chargeline/settings/values.py. -->"""


def as_markdown() -> str:
    """docs/configuration.md, which a test holds against the code."""
    lines = [_PAGE_HEAD]
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
