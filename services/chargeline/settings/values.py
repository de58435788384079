"""The settings of the live service: environment variables that begin with CHARGELINE_.

It owns their names, types, defaults and meanings. Which settings contradict each other is written
in checks.py, and how the settings are shown in page.py.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlencode

from annotated_types import Ge, Le
from pydantic import DirectoryPath, Field, FilePath, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from chargeline.settings.secrets import secret_of_file

PREFIX = "CHARGELINE_"
FILE = "_file"
"""What is added to the name of a secret for the setting that names its file."""

_Port = Annotated[int, Ge(1), Le(65535)]
_Count = Annotated[int, Ge(1)]
_Amount = Annotated[int, Ge(0)]
# A message of 64 MiB is about 86 MiB in base64, and any broker still takes such a request.
_FrameBytes = Annotated[int, Ge(1), Le(67_108_864)]
_Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
_OptionalName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,199})?$")]
_Hosts = Annotated[str, StringConstraints(pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$")]
_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]

_TOPIC = "a topic name: letters, digits, . _ -"
_NAME = "a name: letters, digits, . _ -"


def _set(default: Any, meaning: str, expected: str = "") -> Any:
    """A setting with its default and its meaning; `expected` is for what the type does not say."""
    return Field(default, description=meaning, json_schema_extra={"expected": expected})


class Settings(BaseSettings):
    """All settings. The field `http_port` is the variable CHARGELINE_HTTP_PORT."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Kafka
    kafka_bootstrap: _Hosts = _set(
        "localhost:9092", "Kafka servers to connect to first.", "host:port, several with commas"
    )
    kafka_group: _Name = _set(
        "chargeline",
        "Consumer group. The programs of one group share the messages among them.",
        _NAME,
    )
    kafka_client_id: _Name = _set(
        "chargeline", "Name of our clients in the logs and quotas of Kafka.", _NAME
    )
    kafka_instance_id: _OptionalName = _set(
        "",
        "Static member name (group.instance.id), such as the name of the pod. A quick restart then "
        "moves no partitions to other programs. Empty: none.",
        _NAME,
    )
    topic_inbound: _Topic = _set("hl7.inbound", "Topic that HL7 messages are read from.", _TOPIC)
    topic_drafts: _Topic = _set("charge.draft", "Topic that draft charges are written to.", _TOPIC)
    topic_questions: _Topic = _set(
        "documentation.question", "Topic that questions to a person are written to.", _TOPIC
    )
    topic_authorizations: _Topic = _set(
        "authorization.needed",
        "Topic that authorizations which orders lack are written to.",
        _TOPIC,
    )
    topic_parked: _Topic = _set("hl7.parked", "Topic for messages that could not be used.", _TOPIC)
    topic_inbound_days: _Count = _set(
        14, "Days that `topics create` has Kafka keep the inbound topic. Longer than a failover."
    )
    topic_drafts_days: _Count = _set(
        90, "Days of the topic of drafts. Longer than any reader may be down."
    )
    topic_questions_days: _Count = _set(14, "Days of the topic of questions.")
    topic_authorizations_days: _Count = _set(14, "Days of the topic of authorizations.")
    topic_parked_days: _Count = _set(
        90, "Days of the topic of parked messages. Longer than it takes to correct a sender."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _set(
        "PLAINTEXT", "How we connect to Kafka. Use SSL or SASL_SSL wherever patients are real."
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _set(
        "", "How we log in to Kafka. Required with SASL_PLAINTEXT and SASL_SSL."
    )
    kafka_sasl_username: str = _set("", "Our user name at Kafka.", "a user name")
    kafka_sasl_password: SecretStr = _set(SecretStr(""), "Our password at Kafka.", "a password")
    kafka_sasl_password_file: FilePath | None = _set(
        None, "A file with our password at Kafka, in place of the variable."
    )
    kafka_tls_ca_file: FilePath | None = _set(
        None, "CA certificates that Kafka's certificate is checked with, PEM. Unset: the system's."
    )
    kafka_tls_certificate_file: FilePath | None = _set(
        None, "Our client certificate for Kafka, PEM."
    )
    kafka_tls_key_file: FilePath | None = _set(None, "The key of our client certificate, PEM.")
    kafka_session_timeout_ms: _Count = _set(
        45_000, "A consumer that sends no heartbeat for so long loses its partitions."
    )
    kafka_heartbeat_interval_ms: _Count = _set(
        3_000, "How often a consumer sends a heartbeat. At most a third of the session timeout."
    )
    kafka_rebalance_timeout_ms: _Count = _set(
        60_000,
        "How long a rebalance waits for consumers to finish a batch. At least the session timeout.",
    )
    kafka_max_poll_interval_ms: _Count = _set(
        300_000, "How long one batch may take before the consumer loses its partitions."
    )
    kafka_max_poll_records: _Count = _set(
        2_000, "The most messages in a batch. A batch is one transaction."
    )
    kafka_poll_timeout_ms: _Count = _set(
        1_000, "How long a poll waits for messages before the program does its other work."
    )

    # Ledger
    ledger_url: SecretStr = _set(
        SecretStr("sqlite+aiosqlite:///chargeline.sqlite"),
        "Database for messages and drafts. SQLite serves one process, PostgreSQL many.",
        "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE",
    )
    ledger_url_file: FilePath | None = _set(
        None, "A file with the address of the ledger, in place of the variable."
    )
    ledger_tls_ca_file: FilePath | None = _set(
        None,
        "CA certificates that PostgreSQL's certificate is checked with, PEM. If set, its name is "
        "checked as well (sslmode=verify-full), and a server without TLS is refused.",
    )
    ledger_key_file: FilePath | None = _set(
        None,
        "A file of keys of 32 bytes in base64, one a line, the newest first (`openssl rand -base64 "
        "32` makes one). If set, the bytes and headers of messages are encrypted in the ledger. "
        "Whoever loses the keys loses the messages.",
    )
    ledger_key_command: str = _set(
        "",
        "A command that prints such keys, in place of the file: for a KMS or Vault. It is run once "
        "at the start, without a shell. Put no secret into it.",
        "a program and its arguments",
    )
    signing_key_file: FilePath | None = _set(
        None,
        "An Ed25519 key as PEM, with which the head of the ledger is signed in the log once an "
        "hour, and by `chargeline ledger head --sign`. Keep it from who writes the ledger.",
    )
    retention_days: _Count = _set(
        400,
        "Days that messages and drafts are kept after the last change of their visit. A parked "
        "message that was retried or dropped is kept so many days after it came, if not fewer.",
    )
    parked_retention_days: _Count = _set(
        180,
        "Days that a parked message is kept, whether or not a person has seen to it. One that goes "
        "unseen is lost, and is counted in the log (parked.expired).",
    )
    record_retention_days: _Count = _set(
        1_096,
        "Days that the record of a patient is kept, which later visits of the patient are drafted "
        "with. It may be kept longer than the messages that it comes from. What is left of "
        "forgotten visits and of merged numbers goes with it.",
    )

    # Rules
    rules: DirectoryPath | None = _set(
        None, "The rules folder of the site. Unset: the rules that chargeline brings."
    )
    formulary: FilePath | None = _set(
        None, "A CSV file of the site's drugs. A row with the id of a shipped drug replaces it."
    )
    refdata: FilePath | None = _set(
        None, "A bundle of published tables that `chargeline refdata build` made. Unset: none."
    )
    prices: FilePath | None = _set(
        None, "A CSV file of the site's prices (code, cents), for the metric of money at stake."
    )
    interface: _Name = _set(
        "standard",
        "How the sender writes its messages: the name of a folder of rules/interfaces. A capture "
        "reads a message as its gateway says in the header chargeline-interface, else so.",
        _NAME,
    )
    default_policy: _OptionalName = _set(
        "",
        "Policy of the payers that payers.toml does not name. Empty: the default of payers.toml.",
        _NAME,
    )

    # Drafts
    settle_seconds: _Amount = _set(
        120,
        "How long after the first new message a visit is drafted, together with the messages that "
        "came meanwhile. 0: at once, unless more than 150 rows are charted.",
    )
    redraft_per_second: _Amount = _set(
        10,
        "After a change of rules or formulary, a program drafts at most so many open visits a "
        "second again, while no messages wait. 0: only `chargeline redraft` does.",
    )
    discharge_grace_hours: _Amount = _set(
        24, "How long after discharge a draft waits for late charting before it becomes final."
    )
    missing_stop_grace_minutes: _Amount = _set(
        30, "How long after its ordered end an infusion may run before we ask for its stop time."
    )

    # Parked messages
    parked_in_a_row: _Count = _set(
        50,
        "A sender is quarantined when more of its messages than this are parked without a used one "
        "between. Each process counts for itself: divide it by the number of captures.",
    )
    parked_per_minute: _Count = _set(
        500,
        "A sender is quarantined when more of its messages than this are parked in a minute. "
        "Each process counts for itself: divide it by the number of captures.",
    )
    quarantine_minutes: _Count = _set(
        15, "How long the messages of a quarantined sender are parked unread."
    )
    parked_bytes: Literal["no", "yes"] = _set(
        "no",
        "Whether the event of a parked message on Kafka holds the message and the headers of its "
        "record, patients included. Without, it says which message of the ledger it is, and why "
        "it was parked. `serve` never writes them out.",
    )

    # Health pages
    http_host: _Host = _set(
        "127.0.0.1", "Address that the health pages listen on. In a container: 0.0.0.0.", "a host"
    )
    http_port: _Port = _set(8080, "Port of /healthz, /readyz, /metrics and /version.")

    # Gateway
    mllp_host: _Host = _set(
        "127.0.0.1",
        "Address that the MLLP listener listens on. In a container: 0.0.0.0, with TLS or "
        "CHARGELINE_ALLOW_PLAINTEXT.",
        "a host",
    )
    mllp_port: _Port = _set(2575, "Port of the MLLP listener.")
    mllp_tls_certificate_file: FilePath | None = _set(
        None, "Certificate of the MLLP listener, PEM. Unset: no TLS."
    )
    mllp_tls_key_file: FilePath | None = _set(None, "The key of the listener's certificate, PEM.")
    mllp_tls_client_ca_file: FilePath | None = _set(
        None,
        "CA certificates that senders are checked with, PEM. If set, a sender needs a certificate.",
    )
    mllp_tls_client_crl_file: FilePath | None = _set(
        None,
        "Revoked certificates of senders, a PEM list (CRL) of the same CA. A list that is older "
        "than it says it may be refuses every sender.",
    )
    senders: FilePath | None = _set(
        None,
        "A TOML file of those that may send, and what. Unset: every sender that can connect may "
        "send all.",
    )
    mllp_frame_bytes: _FrameBytes = _set(
        1_048_576,
        "The largest message that is accepted. Our Kafka clients and `topics create` follow it, so "
        "set the same value for all programs.",
    )
    mllp_memory_bytes: _Count = _set(
        268_435_456,
        "What the messages of all senders may take together until they are acknowledged; each byte "
        "counts as 4. Above it the listener reads no further, and the senders wait.",
    )
    mllp_connections: _Count = _set(
        64,
        "The most senders that may be connected at once. A further one takes the place of the one "
        "that has been silent longest, if that is 10 seconds or more, else it is refused.",
    )
    mllp_connections_per_address: _Count = _set(
        16,
        "The most connections of one address, so that no host takes all places. Raise it if "
        "senders come through one proxy. Of IPv6, addresses with the same first 64 bits are one.",
    )
    mllp_handshakes: _Count = _set(
        16,
        "The most connections that may be agreeing on TLS, each for at most 3 seconds. They take "
        "no place of a sender until they have.",
    )
    mllp_idle_seconds: _Count = _set(
        300, "A connection on which nothing comes for so long is closed."
    )

    # Process
    allow_plaintext: Literal["no", "yes"] = _set(
        "no",
        "Whether patients may go over a network without verified TLS: to the MLLP listener, Kafka "
        "or PostgreSQL. Without yes, a program that is set up so does not start. Loopback is "
        "always allowed. Say yes only where something else encrypts, such as a service mesh.",
    )
    shutdown_seconds: _Count = _set(
        25,
        "How long a program that is stopped may finish its work. Less than the pod's grace period.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _set(
        "info", "The lowest level that is logged."
    )

    def kafka_record_bytes(self) -> int:
        """The largest record of our topics: a parked message in base64, and its reason."""
        return self.mllp_frame_bytes * 4 // 3 + 131_072

    def topics(self) -> tuple[str, ...]:
        """The topics of the live service: inbound, drafts, questions, authorizations, parked."""
        kinds = ("inbound", "drafts", "questions", "authorizations", "parked")
        return tuple([getattr(self, f"topic_{kind}") for kind in kinds])

    def topic_days(self) -> tuple[int, ...]:
        """How many days Kafka keeps each topic, in the order of `topics`."""
        return (
            self.topic_inbound_days,
            self.topic_drafts_days,
            self.topic_questions_days,
            self.topic_authorizations_days,
            self.topic_parked_days,
        )

    def kafka_client(self) -> dict[str, object]:
        """The options of all our Kafka clients, under aiokafka's names, without the TLS files."""
        options: dict[str, object] = {
            "bootstrap_servers": self.kafka_bootstrap,
            "client_id": self.kafka_client_id,
            "security_protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.kafka_sasl_mechanism
            options["sasl_plain_username"] = self.kafka_sasl_username
            options["sasl_plain_password"] = self.kafka_password()
        return options

    def kafka_password(self) -> str:
        """Our password at Kafka, as it is now; "" without a login. Raises SecretFileError."""
        return self.secret("kafka_sasl_password")

    def secret(self, name: str) -> str:
        """A secret by its field, as it is now: from its file, if that is set.

        Raises SecretFileError.
        """
        path = getattr(self, name + FILE)
        if path is None:
            value: SecretStr = getattr(self, name)
            return value.get_secret_value()
        return secret_of_file(path, variable(name + FILE))

    def ledger_address(self) -> str:
        """The address of the ledger; with `ledger_tls_ca_file` it asks PostgreSQL for verified TLS.

        It may hold a password, and is read again if a file holds it. Raises SecretFileError.
        """
        url = self.secret("ledger_url")
        if self.ledger_tls_ca_file is None or not url.startswith("postgresql"):
            return url
        address, _question, query = url.partition("?")
        said = parse_qs(query)
        added = {"sslmode": "verify-full", "sslrootcert": str(self.ledger_tls_ca_file)}
        wanted = [urlencode({name: value}) for name, value in added.items() if name not in said]
        return f"{address}?{'&'.join([*filter(None, [query]), *wanted])}"

    def http_address(self) -> tuple[str, int]:
        """Host and port of the health pages."""
        return self.http_host, self.http_port

    def kafka_tls_files(self) -> tuple[Path | None, Path | None, Path | None]:
        """The files of CA certificates, client certificate and key for Kafka."""
        return (
            self.kafka_tls_ca_file, self.kafka_tls_certificate_file, self.kafka_tls_key_file
        )  # fmt: skip


def secrets() -> list[str]:
    """The fields that are secrets, each with a second field for its file."""
    return [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]


def variable(name: str) -> str:
    """The environment variable of a field: `http_port` is CHARGELINE_HTTP_PORT."""
    return PREFIX + name.upper()
