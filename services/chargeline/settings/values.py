"""What a site may set from outside: environment variables that begin with CHARGELINE_.

It owns their names, types, defaults and meanings. What contradicts what is for checks.py to say,
how they are shown for page.py.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import DirectoryPath, Field, FilePath, SecretStr, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CHARGELINE_"

_Port = Annotated[int, Ge(1), Le(65535)]
_Count = Annotated[int, Ge(1)]
_Amount = Annotated[int, Ge(0)]
_FrameBytes = Annotated[
    int, Ge(1), Le(67_108_864)
]  # in base64 still a request that any broker takes
_Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
_OptionalName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,199})?$")]
_Hosts = Annotated[str, StringConstraints(pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$")]
_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]

_TOPIC = "a topic name: letters, digits, . _ -"
_NAME = "a name: letters, digits, . _ -"


def _set(default: Any, meaning: str, expected: str = "") -> Any:
    """A setting with its default, its meaning, and what is expected where its type does not say
    it.
    """
    return Field(default, description=meaning, json_schema_extra={"expected": expected})


class Settings(BaseSettings):
    """Everything that a site may set; each field is one variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Kafka
    kafka_bootstrap: _Hosts = _set(
        "localhost:9092", "Kafka servers to ask first.", "host:port, several with commas"
    )
    kafka_group: _Name = _set(
        "chargeline", "Consumer group; programs of one group share the feed.", _NAME
    )
    kafka_client_id: _Name = _set(
        "chargeline", "Name under which Kafka's logs and quotas show us.", _NAME
    )
    kafka_instance_id: _OptionalName = _set(
        "",
        "Static member name, such as the pod's: a restart then moves no partitions. Empty: none.",
        _NAME,
    )
    topic_inbound: _Topic = _set("hl7.inbound", "Where HL7 messages come from.", _TOPIC)
    topic_drafts: _Topic = _set("charge.draft", "Where draft charges go.", _TOPIC)
    topic_questions: _Topic = _set(
        "documentation.question", "Where questions to a person go.", _TOPIC
    )
    topic_parked: _Topic = _set("hl7.parked", "Where messages go that could not be used.", _TOPIC)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _set(
        "PLAINTEXT", "Use SSL or SASL_SSL wherever patients are real."
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _set(
        "", "How we log in to Kafka; needed with SASL_PLAINTEXT and SASL_SSL."
    )
    kafka_sasl_username: str = _set("", "User for Kafka.", "a user name")
    kafka_sasl_password: SecretStr = _set(SecretStr(""), "Password for Kafka.", "a password")
    kafka_tls_ca_file: FilePath | None = _set(
        None, "Who vouches for Kafka's certificate; unset: the system."
    )
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
    kafka_max_poll_records: _Count = _set(
        2_000, "The most messages of a batch, which is one transaction."
    )
    kafka_poll_timeout_ms: _Count = _set(
        1_000, "How long to wait for messages before looking at the rest."
    )

    # Ledger
    ledger_url: SecretStr = _set(
        SecretStr("sqlite+aiosqlite:///chargeline.sqlite"),
        "Where messages, timelines and drafts are kept. SQLite holds one process; PostgreSQL many.",
        "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE",
    )
    retention_days: _Count = _set(
        400, "Days that messages and drafts are kept after a visit's last change."
    )
    record_retention_days: _Count = _set(
        1_096,
        "Days that the patient's record is kept: what later visits of the patient are drafted "
        "with. It outlives messages.",
    )

    # Rules
    rules: DirectoryPath | None = _set(None, "The site's rules; unset: those that ship.")
    formulary: FilePath | None = _set(None, "A CSV of drugs laid over the shipped one.")
    prices: FilePath | None = _set(
        None, "A CSV of the site's prices (code, cents): what open questions cost."
    )
    interface: _Name = _set(
        "standard", "How the sender writes: a folder of rules/interfaces.", _NAME
    )
    default_policy: _OptionalName = _set(
        "",
        "Policy of payers that payers.toml does not name. Empty: the one that payers.toml says.",
        _NAME,
    )

    # Drafts
    settle_seconds: _Amount = _set(
        120,
        "How long after a visit's first new message it is drafted, with all that came meanwhile; "
        "0: at once.",
    )
    discharge_grace_hours: _Amount = _set(
        24, "How long after discharge late charting is awaited before a draft becomes final."
    )
    missing_stop_grace_minutes: _Amount = _set(
        30, "How long past its ordered end an infusion may run before its stop is asked for."
    )

    # Parked messages
    parked_in_a_row: _Count = _set(
        50, "The most messages parked without one used between; then we stop."
    )
    parked_per_minute: _Count = _set(500, "The most messages parked in a minute; then we stop.")

    # Health pages
    http_host: _Host = _set(
        "127.0.0.1", "Address of the health pages; 0.0.0.0 in a container.", "a host"
    )
    http_port: _Port = _set(8080, "Port of /healthz, /readyz, /metrics and /version.")

    # Gateway
    mllp_host: _Host = _set(
        "127.0.0.1", "Address of the MLLP listener; 0.0.0.0 in a container.", "a host"
    )
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
        "The largest message that is taken; also sets what our Kafka clients and `topics create` "
        "allow, so set it alike everywhere.",
    )
    mllp_idle_seconds: _Count = _set(300, "A connection that is silent for so long is closed.")

    # Process
    shutdown_seconds: _Count = _set(
        25, "How long the work under way may take at a stop; less than the pod's grace period."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _set(
        "info", "The least level that is logged."
    )

    def kafka_record_bytes(self) -> int:
        """The largest record of our topics: a parked message in base64, with the reason beside
        it.
        """
        return self.mllp_frame_bytes * 4 // 3 + 131_072

    def topics(self) -> tuple[str, str, str, str]:
        """The topics of the live service: inbound, drafts, questions, parked."""
        return self.topic_inbound, self.topic_drafts, self.topic_questions, self.topic_parked

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

    def http_address(self) -> tuple[str, int]:
        """Host and port of the health pages."""
        return self.http_host, self.http_port

    def kafka_tls_files(self) -> tuple[Path | None, Path | None, Path | None]:
        """Authority, certificate and key for Kafka."""
        return (
            self.kafka_tls_ca_file, self.kafka_tls_certificate_file, self.kafka_tls_key_file
        )  # fmt: skip


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


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
    return (
        "a folder that exists" if field.annotation == DirectoryPath | None else "a file that exists"
    )


def _whole_number(field: FieldInfo) -> str:
    least = next(each.ge for each in field.metadata if isinstance(each, Ge))
    most = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    return f"a whole number from {least}" + (f" to {most}" if most is not None else "")
