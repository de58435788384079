"""The settings of Kafka: servers, login, topics and how a consumer behaves.

It owns their names, types, defaults and meanings, and where all settings are read from.
"""

from typing import Literal

from pydantic import FilePath, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chargeline.settings.kinds import (
    NAME,
    PREFIX,
    TOPIC,
    Count,
    Hosts,
    Name,
    OptionalName,
    Topic,
    setting,
)


class KafkaSettings(BaseSettings):
    """What the programs are told of Kafka."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka_bootstrap: Hosts = setting(
        "localhost:9092", "Kafka servers to connect to first.", "host:port, several with commas"
    )
    kafka_group: Name = setting(
        "chargeline",
        "Consumer group. The programs of one group share the messages among them.",
        NAME,
    )
    kafka_client_id: Name = setting(
        "chargeline", "Name of our clients in the logs and quotas of Kafka.", NAME
    )
    kafka_instance_id: OptionalName = setting(
        "",
        "Static member name (group.instance.id), such as the name of the pod. A quick restart then "
        "moves no partitions to other programs. Empty: none.",
        NAME,
    )
    topic_inbound: Topic = setting("hl7.inbound", "Topic that HL7 messages are read from.", TOPIC)
    topic_drafts: Topic = setting("charge.draft", "Topic that draft charges are written to.", TOPIC)
    topic_questions: Topic = setting(
        "documentation.question", "Topic that questions to a person are written to.", TOPIC
    )
    topic_authorizations: Topic = setting(
        "authorization.needed",
        "Topic that authorizations which orders lack are written to.",
        TOPIC,
    )
    topic_parked: Topic = setting("hl7.parked", "Topic for messages that could not be used.", TOPIC)
    topic_inbound_days: Count = setting(
        14, "Days that `topics create` has Kafka keep the inbound topic. Longer than a failover."
    )
    topic_drafts_days: Count = setting(
        90, "Days of the topic of drafts. Longer than any reader may be down."
    )
    topic_questions_days: Count = setting(14, "Days of the topic of questions.")
    topic_authorizations_days: Count = setting(14, "Days of the topic of authorizations.")
    topic_parked_days: Count = setting(
        90, "Days of the topic of parked messages. Longer than it takes to correct a sender."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = setting(
        "PLAINTEXT", "How we connect to Kafka. Use SSL or SASL_SSL wherever patients are real."
    )
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = setting(
        "", "How we log in to Kafka. Required with SASL_PLAINTEXT and SASL_SSL."
    )
    kafka_sasl_username: str = setting("", "Our user name at Kafka.", "a user name")
    kafka_sasl_password: SecretStr = setting(SecretStr(""), "Our password at Kafka.", "a password")
    kafka_sasl_password_file: FilePath | None = setting(
        None, "A file with our password at Kafka, in place of the variable."
    )
    kafka_tls_ca_file: FilePath | None = setting(
        None, "CA certificates that Kafka's certificate is checked with, PEM. Unset: the system's."
    )
    kafka_tls_certificate_file: FilePath | None = setting(
        None, "Our client certificate for Kafka, PEM."
    )
    kafka_tls_key_file: FilePath | None = setting(None, "The key of our client certificate, PEM.")
    kafka_session_timeout_ms: Count = setting(
        45_000, "A consumer that sends no heartbeat for so long loses its partitions."
    )
    kafka_heartbeat_interval_ms: Count = setting(
        3_000, "How often a consumer sends a heartbeat. At most a third of the session timeout."
    )
    kafka_rebalance_timeout_ms: Count = setting(
        60_000,
        "How long a rebalance waits for consumers to finish a batch. At least the session timeout.",
    )
    kafka_max_poll_interval_ms: Count = setting(
        300_000, "How long one batch may take before the consumer loses its partitions."
    )
    kafka_max_poll_records: Count = setting(
        2_000, "The most messages in a batch. A batch is one transaction."
    )
    kafka_poll_timeout_ms: Count = setting(
        1_000, "How long a poll waits for messages before the program does its other work."
    )
