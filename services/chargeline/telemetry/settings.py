"""What a site may set from outside: environment variables that begin with CHARGELINE_.

It owns their names, defaults, meanings and checks, and says all that is wrong with them at once, before
anything starts. A value is never shown in an error, only its shape: a password set in the wrong variable
is a common mistake. It lives beside the logs because every program reads both first.
`python -m chargeline.telemetry.settings` prints docs/configuration.md.
"""

import os
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import DirectoryPath, Field, FilePath, SecretStr, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CHARGELINE_"
SECRET = "****"

_Port = Annotated[int, Ge(1), Le(65535)]
_Count = Annotated[int, Ge(1)]
_Amount = Annotated[int, Ge(0)]
_FrameBytes = Annotated[int, Ge(1), Le(67_108_864)]  # in base64 still a request that any broker takes
_Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
_OptionalName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,199})?$")]
_Hosts = Annotated[str, StringConstraints(pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$")]
_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]

_TOPIC = "a topic name: letters, digits, . _ -"
_NAME = "a name: letters, digits, . _ -"


def _set(default: Any, meaning: str, expected: str = "") -> Any:
    """A setting with its default, its meaning, and what is expected where its type does not say it."""
    return Field(default, description=meaning, json_schema_extra={"expected": expected})


class Settings(BaseSettings):
    """Everything that a site may set; each field is one variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # Kafka
    kafka_bootstrap: _Hosts = _set(
        "localhost:9092", "Kafka servers to ask first.", "host:port, several with commas"
    )
    kafka_group: _Name = _set("chargeline", "Consumer group; programs of one group share the feed.", _NAME)
    kafka_client_id: _Name = _set("chargeline", "Name under which Kafka's logs and quotas show us.", _NAME)
    kafka_instance_id: _OptionalName = _set(
        "", "Static member name, such as the pod's: a restart then moves no partitions. Empty: none.", _NAME
    )
    topic_inbound: _Topic = _set("hl7.inbound", "Where HL7 messages come from.", _TOPIC)
    topic_drafts: _Topic = _set("charge.draft", "Where draft charges go.", _TOPIC)
    topic_questions: _Topic = _set("documentation.question", "Where questions to a person go.", _TOPIC)
    topic_parked: _Topic = _set("hl7.parked", "Where messages go that could not be used.", _TOPIC)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _set(
        "PLAINTEXT", "Use SSL or SASL_SSL wherever patients are real."
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _set(
        "", "How we log in to Kafka; needed with SASL_PLAINTEXT and SASL_SSL."
    )
    kafka_sasl_username: str = _set("", "User for Kafka.", "a user name")
    kafka_sasl_password: SecretStr = _set(SecretStr(""), "Password for Kafka.", "a password")
    kafka_tls_ca_file: FilePath | None = _set(None, "Who vouches for Kafka's certificate; unset: the system.")
    kafka_tls_certificate_file: FilePath | None = _set(None, "Our certificate for Kafka, PEM.")
    kafka_tls_key_file: FilePath | None = _set(None, "The key of that certificate, PEM.")
    kafka_session_timeout_ms: _Count = _set(
        45_000, "A consumer that is silent for so long loses its partitions."
    )
    kafka_heartbeat_interval_ms: _Count = _set(
        3_000, "How often a consumer says that it lives; at most a third of the session."
    )
    kafka_rebalance_timeout_ms: _Count = _set(
        60_000, "How long a rebalance waits for consumers to finish a batch; at least the session."
    )
    kafka_max_poll_interval_ms: _Count = _set(300_000, "The longest that one batch may take.")
    kafka_max_poll_records: _Count = _set(2_000, "The most messages of a batch, which is one transaction.")
    kafka_poll_timeout_ms: _Count = _set(1_000, "How long to wait for messages before looking at the rest.")

    # Ledger
    ledger_url: SecretStr = _set(
        SecretStr("sqlite+aiosqlite:///chargeline.sqlite"),
        "Where messages, timelines and drafts are kept. SQLite holds one process; PostgreSQL many.",
        "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE",
    )
    retention_days: _Count = _set(400, "Days that messages and drafts are kept after a visit's last change.")

    # Rules
    rules: DirectoryPath | None = _set(None, "The site's rules; unset: those that ship.")
    formulary: FilePath | None = _set(None, "A CSV of drugs laid over the shipped one.")
    prices: FilePath | None = _set(
        None, "A CSV of the site's prices (code, cents): what open questions cost."
    )
    interface: _Name = _set("standard", "How the sender writes: a folder of rules/interfaces.", _NAME)
    default_policy: _OptionalName = _set(
        "", "Policy of payers that payers.toml does not name. Empty: the one that payers.toml says.", _NAME
    )

    # Drafts
    settle_seconds: _Amount = _set(
        120,
        "How long after a visit's first new message it is drafted, with all that came meanwhile; 0: at once.",
    )
    discharge_grace_hours: _Amount = _set(
        24, "How long after discharge late charting is awaited before a draft becomes final."
    )
    missing_stop_grace_minutes: _Amount = _set(
        30, "How long past its ordered end an infusion may run before its stop is asked for."
    )

    # Parked messages
    parked_in_a_row: _Count = _set(50, "The most messages parked without one used between; then we stop.")
    parked_per_minute: _Count = _set(500, "The most messages parked in a minute; then we stop.")

    # Health pages
    http_host: _Host = _set("127.0.0.1", "Address of the health pages; 0.0.0.0 in a container.", "a host")
    http_port: _Port = _set(8080, "Port of /healthz, /readyz, /metrics and /version.")

    # Gateway
    mllp_host: _Host = _set("127.0.0.1", "Address of the MLLP listener; 0.0.0.0 in a container.", "a host")
    mllp_port: _Port = _set(2575, "Port of the MLLP listener.")
    mllp_tls_certificate_file: FilePath | None = _set(
        None, "Certificate of the MLLP listener, PEM; unset: no TLS."
    )
    mllp_tls_key_file: FilePath | None = _set(None, "The key of that certificate, PEM.")
    mllp_tls_client_ca_file: FilePath | None = _set(
        None, "Who vouches for senders; set, only senders with a certificate are let in."
    )
    mllp_frame_bytes: _FrameBytes = _set(
        8_388_608,
        "The largest message that is taken; also sets what our Kafka clients and `topics create` allow, so "
        "set it alike everywhere.",
    )
    mllp_idle_seconds: _Count = _set(300, "A connection that is silent for so long is closed.")

    # Process
    shutdown_seconds: _Count = _set(
        25, "How long the work under way may take at a stop; less than the pod's grace period."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _set("info", "The least level that is logged.")

    def kafka_record_bytes(self) -> int:
        """The largest record of our topics: a parked message in base64, with the reason beside it."""
        return self.mllp_frame_bytes * 4 // 3 + 131_072

    def kafka_client(self) -> dict[str, object]:
        """What every Kafka client is told, TLS files apart, under aiokafka's names."""
        told: dict[str, object] = {
            "bootstrap_servers": self.kafka_bootstrap,
            "client_id": self.kafka_client_id,
            "security_protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.startswith("SASL"):
            told["sasl_mechanism"] = self.kafka_sasl_mechanism
            told["sasl_plain_username"] = self.kafka_sasl_username
            told["sasl_plain_password"] = self.kafka_sasl_password.get_secret_value()
        return told

    def kafka_tls_files(self) -> tuple[Path | None, Path | None, Path | None]:
        """Authority, certificate and key for Kafka."""
        return (
            self.kafka_tls_ca_file, self.kafka_tls_certificate_file, self.kafka_tls_key_file
        )  # fmt: skip


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


class Mistake(NamedTuple):
    """One thing wrong with the settings; `found` is a shape, never a value."""

    variable: str
    expected: str
    found: str
    do: str

    def __str__(self) -> str:
        return f"{self.variable}: expected {self.expected}, found {self.found}; {self.do}"


class SettingsError(ValueError):
    """The settings cannot be used; `mistakes` are all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(each) for each in mistakes))
        self.mistakes = tuple(mistakes)


def load() -> Settings:
    """The settings of this process, from its environment; raises SettingsError with all mistakes."""
    mistakes = list(_unknown_variables())
    wrong: dict[str, Any] = {}
    try:
        settings = Settings()
    except ValidationError as error:
        names = [str(each["loc"][0]) for each in error.errors()]
        mistakes += [_wrong_value(name) for name in dict.fromkeys(names)]
        wrong = {name: Settings.model_fields[name].default for name in names}
        settings = Settings(**wrong)  # the rest can still be judged together
    mistakes += [
        each.mistake for each in _TOGETHER if each.broken(settings) and wrong.keys().isdisjoint(each.of)
    ]
    if mistakes:
        raise SettingsError(sorted(mistakes))
    return settings


# ------------------------------------------------------------------ one variable by itself


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


# Kubernetes tells each pod of each service in variables such as CHARGELINE_GATEWAY_PORT_2575_TCP_ADDR.
_SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP)(_\w+)?$")
_OUR_TESTS = PREFIX + "TEST_"


def _unknown_variables() -> Iterator[Mistake]:
    known = {variable(name) for name in Settings.model_fields}
    for name in sorted(os.environ):
        foreign = name.startswith(_OUR_TESTS) or _SERVICE_LINK.search(name)
        if name.startswith(PREFIX) and name not in known and not foreign:
            near = get_close_matches(name, known, 1)
            do = f"did you mean {near[0]}? else remove it" if near else "remove it"
            yield Mistake(name, "a variable of docs/configuration.md", "a name that is not there", do)


def _wrong_value(name: str) -> Mistake:
    value = os.environ.get(variable(name), "")
    do = "correct it, or remove it to have the default"
    if re.match(r"(tcp|udp)://", value):
        do = "it was set by Kubernetes for a service of that name: set enableServiceLinks: false in the pod"
    return Mistake(variable(name), expected_of(name), shape_of(value), do)


def shape_of(value: str) -> str:
    """What may be said of a value without showing it: `8 characters, letters and digits`."""
    if not value:
        return "nothing"
    kinds = [
        name
        for name, matches in (
            ("digits", str.isdigit),
            ("letters", str.isalpha),
            ("blanks", str.isspace),
            ("other signs", lambda c: not (c.isdigit() or c.isalpha() or c.isspace())),
        )
        if any(map(matches, value))
    ]
    return f"{len(value)} character{'s' if len(value) > 1 else ''}, {' and '.join(kinds)}"


def expected_of(name: str) -> str:
    """What a field takes, in words."""
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    said = str(extra["expected"]) if isinstance(extra, dict) else ""
    if said:
        return said
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(word for word in get_args(field.annotation) if word)
    if field.annotation is int:
        return _whole_number(field)
    return "a folder that exists" if field.annotation == DirectoryPath | None else "a file that exists"


def _whole_number(field: FieldInfo) -> str:
    least = next(each.ge for each in field.metadata if isinstance(each, Ge))
    most = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    return f"a whole number from {least}" + (f" to {most}" if most is not None else "")


# ------------------------------------------------------------------ several variables together


class _Together(NamedTuple):
    """Settings that contradict each other: when they do, and what is said about it."""

    of: tuple[str, ...]
    broken: Callable[[Settings], bool]
    mistake: Mistake

    @classmethod
    def rule(cls, *of: str, broken: Callable[[Settings], bool], expected: str, found: str, do: str) -> Self:
        """A rule about these fields; the first is the one that the mistake names."""
        return cls(of, broken, Mistake(variable(of[0]), expected, found, do))


def _sasl(settings: Settings) -> bool:
    return settings.kafka_security_protocol.startswith("SASL_")


def _tls(settings: Settings) -> bool:
    return settings.kafka_security_protocol.endswith("SSL")


def _half(first: object, second: object) -> bool:
    return (first is None) != (second is None)


def _secret(value: SecretStr) -> str:
    return value.get_secret_value()


def _topics(settings: Settings) -> list[str]:
    return [getattr(settings, name) for name in _TOPIC_FIELDS]


_TOPIC_FIELDS = ("topic_inbound", "topic_drafts", "topic_questions", "topic_parked")
_LEDGERS = re.compile(r"sqlite\+aiosqlite://|postgresql\+asyncpg://")
_PAIR = "a certificate and its key"
_TOGETHER = (
    _Together.rule(
        "kafka_sasl_mechanism",
        "kafka_security_protocol",
        broken=lambda s: _sasl(s) and not s.kafka_sasl_mechanism,
        expected="a mechanism, as the protocol is a SASL one",
        found="nothing",
        do="name the mechanism that the Kafka server offers",
    ),
    _Together.rule(
        "kafka_sasl_username",
        "kafka_sasl_password",
        "kafka_security_protocol",
        broken=lambda s: _sasl(s) and not (s.kafka_sasl_username and _secret(s.kafka_sasl_password)),
        expected="a user name and a password, as the protocol is a SASL one",
        found="one or both empty",
        do="set both, from a secret",
    ),
    _Together.rule(
        "kafka_security_protocol",
        "kafka_sasl_mechanism",
        "kafka_sasl_username",
        broken=lambda s: not _sasl(s) and bool(s.kafka_sasl_mechanism or s.kafka_sasl_username),
        expected="SASL_SSL or SASL_PLAINTEXT, as a login is set",
        found="a protocol without login",
        do="change the protocol, or remove the login",
    ),
    _Together.rule(
        "kafka_security_protocol",
        "kafka_tls_ca_file",
        "kafka_tls_certificate_file",
        broken=lambda s: not _tls(s) and bool(s.kafka_tls_ca_file or s.kafka_tls_certificate_file),
        expected="SSL or SASL_SSL, as TLS files are set",
        found="a protocol without TLS",
        do="change the protocol, or remove the files",
    ),
    _Together.rule(
        "kafka_tls_certificate_file",
        "kafka_tls_key_file",
        broken=lambda s: _half(s.kafka_tls_certificate_file, s.kafka_tls_key_file),
        expected=_PAIR,
        found="only one of the two",
        do="set both, or none",
    ),
    _Together.rule(
        "mllp_tls_certificate_file",
        "mllp_tls_key_file",
        broken=lambda s: _half(s.mllp_tls_certificate_file, s.mllp_tls_key_file),
        expected=_PAIR,
        found="only one of the two",
        do="set both, or none",
    ),
    _Together.rule(
        "mllp_tls_client_ca_file",
        "mllp_tls_certificate_file",
        broken=lambda s: s.mllp_tls_client_ca_file is not None and s.mllp_tls_certificate_file is None,
        expected="the listener's own certificate beside it",
        found="none",
        do="set the certificate and its key too",
    ),
    _Together.rule(
        "kafka_heartbeat_interval_ms",
        "kafka_session_timeout_ms",
        broken=lambda s: s.kafka_heartbeat_interval_ms * 3 > s.kafka_session_timeout_ms,
        expected="at most a third of the session timeout",
        found="more",
        do="lower it, or raise the session timeout",
    ),
    _Together.rule(
        "kafka_rebalance_timeout_ms",
        "kafka_session_timeout_ms",
        broken=lambda s: s.kafka_rebalance_timeout_ms < s.kafka_session_timeout_ms,
        expected="at least the session timeout",
        found="less",
        do="raise it",
    ),
    _Together.rule(
        "topic_inbound",
        "topic_drafts",
        "topic_questions",
        "topic_parked",
        broken=lambda s: len(set(_topics(s))) < len(_TOPIC_FIELDS),
        expected="four different topics",
        found="one name twice",
        do="rename one: what we write must not come back as input",
    ),
    _Together.rule(
        "ledger_url",
        broken=lambda s: not _LEDGERS.match(_secret(s.ledger_url)),
        expected=expected_of("ledger_url"),
        found="another form",
        do="name the database with its driver",
    ),
)


# ------------------------------------------------------------------ showing them


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
            variable(name), _shown(getattr(settings, name)), _shown(field.default), str(field.description)
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

<!-- Made by `python -m chargeline.telemetry.settings` from services/chargeline/telemetry/settings.py. -->"""


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
        lines.append(f"| `{variable(name)}` | {shown} | {expected_of(name)} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
