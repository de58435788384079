"""The settings of the live service: environment variables that begin with CHARGELINE_.

It owns their names, types, defaults and meanings. Which settings contradict each other is written
in checks.py, and how the settings are shown in page.py.
"""

from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode

from pydantic import DirectoryPath, FilePath, SecretStr

from chargeline.settings.kafka_values import KafkaSettings
from chargeline.settings.kinds import (
    FILE,
    NAME,
    Amount,
    Count,
    FrameBytes,
    Host,
    Name,
    Networks,
    OptionalName,
    Port,
    setting,
    variable,
)
from chargeline.settings.secrets import secret_of_file

_TOPICS = ("inbound", "drafts", "questions", "authorizations", "parked")


class Settings(KafkaSettings):
    """All settings. The field `http_port` is the variable CHARGELINE_HTTP_PORT."""

    # Ledger
    ledger_url: SecretStr = setting(
        SecretStr("sqlite+aiosqlite:///chargeline.sqlite"),
        "Database for messages and drafts. SQLite serves one process, PostgreSQL many.",
        "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE",
    )
    ledger_url_file: FilePath | None = setting(
        None, "A file with the address of the ledger, in place of the variable."
    )
    ledger_tls_ca_file: FilePath | None = setting(
        None,
        "CA certificates that PostgreSQL's certificate is checked with, PEM. If set, its name is "
        "checked as well (sslmode=verify-full), and a server without TLS is refused.",
    )
    ledger_key_file: FilePath | None = setting(
        None,
        "A file of keys of 32 bytes in base64, one a line, the newest first (`openssl rand -base64 "
        "32` makes one). If set, the bytes and headers of messages are encrypted in the ledger. "
        "Whoever loses the keys loses the messages.",
    )
    ledger_key_command: str = setting(
        "",
        "A command that prints such keys, in place of the file: for a KMS or Vault. It is run once "
        "at the start, without a shell. Put no secret into it.",
        "a program and its arguments",
    )
    signing_key_file: FilePath | None = setting(
        None,
        "An Ed25519 key as PEM, with which the head of the ledger is signed in the log once an "
        "hour, and by `chargeline ledger head --sign`. Keep it from who writes the ledger.",
    )
    retention_days: Count = setting(
        400,
        "Days that messages and drafts are kept after the last change of their visit. A parked "
        "message that was retried or dropped is kept so many days after it came, if not fewer.",
    )
    parked_retention_days: Count = setting(
        180,
        "Days that a parked message is kept, whether or not a person has seen to it. One that goes "
        "unseen is lost, and is counted in the log (parked.expired).",
    )
    record_retention_days: Count = setting(
        1_096,
        "Days that the record of a patient is kept, which later visits of the patient are drafted "
        "with. It may be kept longer than the messages that it comes from. What is left of "
        "forgotten visits and of merged numbers goes with it.",
    )

    # Rules
    rules: DirectoryPath | None = setting(
        None, "The rules folder of the site. Unset: the rules that chargeline brings."
    )
    formulary: FilePath | None = setting(
        None, "A CSV file of the site's drugs. A row with the id of a shipped drug replaces it."
    )
    refdata: FilePath | None = setting(
        None, "A bundle of published tables that `chargeline refdata build` made. Unset: none."
    )
    prices: FilePath | None = setting(
        None, "A CSV file of the site's prices (code, cents), for the metric of money at stake."
    )
    interface: Name = setting(
        "standard",
        "How the sender writes its messages: the name of a folder of rules/interfaces. A capture "
        "reads a message as its gateway says in the header chargeline-interface, else so.",
        NAME,
    )
    default_policy: OptionalName = setting(
        "",
        "Policy of the payers that payers.toml does not name. Empty: the default of payers.toml.",
        NAME,
    )

    # Drafts
    settle_seconds: Amount = setting(
        120,
        "How long after the first new message a visit is drafted, together with the messages that "
        "came meanwhile. 0: at once, unless more than 150 rows are charted.",
    )
    redraft_per_second: Amount = setting(
        10,
        "After a change of rules or formulary, a program drafts at most so many open visits a "
        "second again, while no messages wait. 0: only `chargeline redraft` does.",
    )
    discharge_grace_hours: Amount = setting(
        24, "How long after discharge a draft waits for late charting before it becomes final."
    )
    missing_stop_grace_minutes: Amount = setting(
        30, "How long after its ordered end an infusion may run before we ask for its stop time."
    )

    # Parked messages
    parked_in_a_row: Count = setting(
        50,
        "A sender is quarantined when more of its messages than this are parked without a used one "
        "between. Each process counts for itself: divide it by the number of captures.",
    )
    parked_per_minute: Count = setting(
        500,
        "A sender is quarantined when more of its messages than this are parked in a minute. "
        "Each process counts for itself: divide it by the number of captures.",
    )
    quarantine_minutes: Count = setting(
        15, "How long the messages of a quarantined sender are parked unread."
    )
    parked_bytes: Literal["no", "yes"] = setting(
        "no",
        "Whether the event of a parked message on Kafka holds the message and the headers of its "
        "record, patients included. Without, it says which message of the ledger it is, and why "
        "it was parked. `serve` never writes them out.",
    )

    # Health pages
    http_host: Host = setting(
        "127.0.0.1", "Address that the health pages listen on. In a container: 0.0.0.0.", "a host"
    )
    http_port: Port = setting(8080, "Port of /healthz, /readyz, /metrics and /version.")

    # Gateway
    mllp_host: Host = setting(
        "127.0.0.1",
        "Address that the MLLP listener listens on. In a container: 0.0.0.0, with TLS or "
        "CHARGELINE_ALLOW_PLAINTEXT.",
        "a host",
    )
    mllp_port: Port = setting(2575, "Port of the MLLP listener.")
    mllp_tls_certificate_file: FilePath | None = setting(
        None, "Certificate of the MLLP listener, PEM. Unset: no TLS."
    )
    mllp_tls_key_file: FilePath | None = setting(
        None, "The key of the listener's certificate, PEM."
    )
    mllp_tls_client_ca_file: FilePath | None = setting(
        None,
        "CA certificates that senders are checked with, PEM. If set, a sender needs a certificate.",
    )
    mllp_tls_client_crl_file: FilePath | None = setting(
        None,
        "Revoked certificates of senders, a PEM list (CRL) of the same CA. A list that is older "
        "than it says it may be refuses every sender.",
    )
    senders: FilePath | None = setting(
        None,
        "A TOML file of those that may send, and what. Unset: every sender that can connect may "
        "send all.",
    )
    mllp_frame_bytes: FrameBytes = setting(
        1_048_576,
        "The largest message that is accepted. Our Kafka clients and `topics create` follow it, so "
        "set the same value for all programs.",
    )
    mllp_memory_bytes: Count = setting(
        268_435_456,
        "What the messages of all senders may take together until they are acknowledged; each byte "
        "counts as 4. Above it the listener reads no further, and the senders wait.",
    )
    mllp_connections: Count = setting(
        64,
        "The most senders that may be connected at once. A further one takes the place of the one "
        "that has been silent longest, if that is 10 seconds or more, else it is refused.",
    )
    mllp_connections_per_address: Count = setting(
        16,
        "The most connections of one address, so that no host takes all places. Raise it if "
        "senders come through one proxy. Of IPv6, addresses with the same first 64 bits are one.",
    )
    mllp_handshakes: Count = setting(
        16,
        "The most connections that may be agreeing on TLS, each for at most 3 seconds. They take "
        "no place of a sender until they have.",
    )
    mllp_idle_seconds: Count = setting(
        300, "A connection on which nothing comes for so long is closed."
    )

    # Workbench
    workbench_host: Host = setting(
        "127.0.0.1",
        "Address that the workbench listens on. Another than loopback needs something before it "
        "that encrypts, and CHARGELINE_ALLOW_PLAINTEXT.",
        "a host",
    )
    workbench_port: Port = setting(8090, "Port of the pages and the API of the workbench.")
    workbench_login: Literal["", "oidc", "development"] = setting(
        "",
        "How people log in: `oidc` asks the identity provider of the site. `development` asks for "
        "a name and believes it, on loopback only, and says so on each page. Required by the "
        "workbench.",
    )
    workbench_address: str = setting(
        "",
        "Where people reach the workbench. The identity provider sends them back to "
        "/login/back there.",
        "an address such as https://chargeline.example",
    )
    workbench_proxies: Networks = setting(
        "",
        "The proxies before the workbench. Of a request that comes from one of them, "
        "X-Forwarded-For says whose it is, read from the right past every proxy of this list, and "
        "X-Forwarded-Proto whether it came over TLS. Of any other request both are ignored.",
        "addresses or networks with commas, such as 10.1.2.3,10.9.0.0/16",
    )
    workbench_oidc_issuer: str = setting(
        "",
        "The issuer of the identity provider; /.well-known/openid-configuration is read from it.",
        "an address such as https://login.example/realms/hospital",
    )
    workbench_oidc_client_id: str = setting("", "Our name at the identity provider.", "a name")
    workbench_oidc_client_secret: SecretStr = setting(
        SecretStr(""), "Our secret at the identity provider.", "a secret"
    )
    workbench_oidc_client_secret_file: FilePath | None = setting(
        None, "A file with our secret at the identity provider, in place of the variable."
    )
    workbench_oidc_scope: str = setting(
        "openid profile", "What we ask the provider for.", "words with blanks, openid among them"
    )
    workbench_oidc_roles_claim: str = setting(
        "groups", "The claim of the ID token that holds a person's groups.", "the name of a claim"
    )
    workbench_roles: str = setting(
        "",
        "Which role each group of the claim has; somebody without any cannot log in.",
        "GROUP=ROLE, several with commas, such as infusion-coders=coder,infusion-leads=lead",
    )
    workbench_idle_minutes: Count = setting(
        15, "A session of the workbench ends when nobody used it for so long."
    )

    workbench_compare_rules: str = setting(
        "",
        "Rules folders that people may choose on the screen Compare, each by a name. No other "
        "folder can be named in a browser.",
        "NAME=FOLDER, several with commas, such as january=/etc/chargeline/rules-2027",
    )

    # Process
    allow_plaintext: Literal["no", "yes"] = setting(
        "no",
        "Whether patients may go over a network without verified TLS: to the MLLP listener, Kafka "
        "or PostgreSQL. Without yes, a program that is set up so does not start. Loopback is "
        "always allowed. Say yes only where something else encrypts, such as a service mesh.",
    )
    shutdown_seconds: Count = setting(
        25,
        "How long a program that is stopped may finish its work. Less than the pod's grace period.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "The lowest level that is logged."
    )

    def kafka_record_bytes(self) -> int:
        """The largest record of our topics: a parked message in base64, and its reason."""
        return self.mllp_frame_bytes * 4 // 3 + 131_072

    def topics(self) -> tuple[str, ...]:
        """The topics of the live service: inbound, drafts, questions, authorizations, parked."""
        return tuple([getattr(self, f"topic_{kind}") for kind in _TOPICS])

    def topic_days(self) -> tuple[int, ...]:
        """How many days Kafka keeps each topic, in the order of `topics`."""
        return tuple([getattr(self, f"topic_{kind}_days") for kind in _TOPICS])

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
