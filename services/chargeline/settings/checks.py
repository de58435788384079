"""Reads the settings of a process, and reports all mistakes in them at once.

It owns the rules about several settings together, such as a certificate without its key. An error
shows a path or a log level, and of any other value only the shape ("5 characters, digits and
letters"), because a password in the wrong variable is a common mistake. Whether a server can be
reached, it does not know.
"""

import os
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple, Self

from pydantic import DirectoryPath, FilePath, ValidationError

from chargeline.engine import Finding, FindingError, shape_of
from chargeline.settings.expected import expected_of
from chargeline.settings.kinds import FILE, PREFIX, variable
from chargeline.settings.plaintext import (
    is_local,
    kafka_in_the_clear,
    ledger_in_the_clear,
    mllp_in_the_clear,
    provider_in_the_clear,
    workbench_in_the_clear,
)
from chargeline.settings.provider import PROVIDER, is_half_a_provider
from chargeline.settings.secrets import SecretFileError
from chargeline.settings.values import Settings, secrets


class SettingsError(FindingError, ValueError):
    """The settings have mistakes: a finding for each, without the value."""


class CheckedSettings(NamedTuple):
    """The settings as far as they can be used, and every mistake in them, by variable.

    `wrong` are the fields whose value is refused by itself; `settings` has their defaults.
    """

    settings: Settings
    wrong: frozenset[str]
    mistakes: tuple[Finding, ...]


def load() -> Settings:
    """The settings of this process, from its environment.

    Raises SettingsError with all mistakes. A rule about several settings is left out if one of
    these has a wrong value by itself.
    """
    looked = look()
    if looked.mistakes:
        raise SettingsError(*looked.mistakes)
    return looked.settings


def look() -> CheckedSettings:
    """The settings of this process with the mistakes in them, for who shows both."""
    mistakes = list(_unknown_variables())
    wrong: dict[str, Any] = {}
    try:
        settings = Settings()
    except ValidationError as error:
        names = [str(details["loc"][0]) for details in error.errors()]
        mistakes += [_wrong_value(name) for name in dict.fromkeys(names)]
        wrong = {name: Settings.model_fields[name].default for name in names}
        # With the defaults in place of the wrong values, the other settings can still be checked.
        settings = Settings(**wrong)
    without = {name: mistake for name in secrets() if (mistake := _of_its_file(settings, name))}
    mistakes += without.values()
    mistakes += [
        rule.mistake
        for rule in _TOGETHER
        if (wrong.keys() | without.keys()).isdisjoint(rule.of) and rule.broken(settings)
    ]
    by_variable = sorted(mistakes, key=lambda mistake: mistake.where)
    return CheckedSettings(settings, frozenset(wrong), tuple(by_variable))


# ------------------------------------------------------------------ one variable by itself


# For a service called chargeline-gateway, Kubernetes sets variables such as
# CHARGELINE_GATEWAY_PORT_2575_TCP_ADDR in each pod.
_SERVICE_LINK = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP)(_\w+)?$"
)
_OUR_TESTS = PREFIX + "TEST_"


def _unknown_variables() -> Iterator[Finding]:
    settings = {variable(name) for name in Settings.model_fields}
    for name in sorted(os.environ):
        foreign = name.startswith(_OUR_TESTS) or _SERVICE_LINK.search(name)
        if name.startswith(PREFIX) and name not in settings and not foreign:
            near = get_close_matches(name, settings, 1)
            do = f"did you mean {near[0]}? If not, remove it" if near else "remove it"
            yield Finding(
                "setting.unknown",
                expected="a variable of docs/configuration.md",
                found="a name that is not there",
                where=name,
                do=do,
            )


def _wrong_value(name: str) -> Finding:
    value = os.environ.get(variable(name), "")
    do = "correct the value, or remove the variable to use the default"
    if re.match(r"(tcp|udp)://", value):
        do = (
            "Kubernetes has set it for a service of that name; set enableServiceLinks: false in "
            "the pod"
        )
    return Finding(
        "setting.value",
        expected=expected_of(name),
        found=value if _may_be_shown(name, value) else shape_of(value),
        where=variable(name),
        do=do,
    )


def _of_its_file(settings: Settings, name: str) -> Finding | None:
    """What is wrong with the file of a secret, if anything."""
    if getattr(settings, name + FILE) is None:
        return None
    if name in settings.model_fields_set:
        return Finding(
            "setting.conflict",
            expected=f"either {variable(name)} or {variable(name + FILE)}",
            found="both",
            where=variable(name),
            do="remove one of the two",
        )
    try:
        settings.secret(name)
    except SecretFileError as error:
        return error.findings[0]
    return None


_PATHS = (DirectoryPath | None, FilePath | None)
_PATH = re.compile(r"(/|\.{1,2}/)[^\x00-\x1f\x7f]{1,300}")


def _may_be_shown(name: str, value: str) -> bool:
    """Whether a wrong value is no secret: a path where a path belongs, or a word as log level."""
    if name == "log_level":
        return re.fullmatch(r"[A-Za-z]{1,10}", value) is not None
    return Settings.model_fields[name].annotation in _PATHS and bool(_PATH.fullmatch(value))


# ------------------------------------------------------------------ several variables together


class _Together(NamedTuple):
    """A rule about several settings: when it is broken, and the mistake to report then."""

    of: tuple[str, ...]
    broken: Callable[[Settings], bool]
    mistake: Finding

    @classmethod
    def rule(
        cls, *of: str, broken: Callable[[Settings], bool], expected: str, found: str, do: str
    ) -> Self:
        """A rule about these fields. The mistake names the variable of the first field."""
        where = variable(of[0])
        finding = Finding("setting.conflict", expected=expected, found=found, where=where, do=do)
        return cls(of, broken, finding)


def _sasl(settings: Settings) -> bool:
    return settings.kafka_security_protocol.startswith("SASL_")


def _tls(settings: Settings) -> bool:
    return settings.kafka_security_protocol.endswith("SSL")


def _half(first: object, second: object) -> bool:
    return (first is None) != (second is None)


def _topics(settings: Settings) -> list[str]:
    return [getattr(settings, name) for name in _TOPIC_FIELDS]


_TOPIC_FIELDS = (
    "topic_inbound",
    "topic_drafts",
    "topic_questions",
    "topic_authorizations",
    "topic_parked",
)
_LEDGERS = re.compile(r"sqlite\+aiosqlite://|postgresql\+asyncpg://")
_PAIR = "a certificate and its key"
_OR_ALLOW = ", or CHARGELINE_ALLOW_PLAINTEXT=yes if something else encrypts on the way"


def _forbidden(question: Callable[[Settings], bool]) -> Callable[[Settings], bool]:
    return lambda settings: settings.allow_plaintext == "no" and question(settings)


_TOGETHER = (
    _Together.rule(
        "ledger_key_command",
        "ledger_key_file",
        broken=lambda s: s.ledger_key_file is not None and bool(s.ledger_key_command),
        expected="a key file or a key command",
        found="both",
        do="remove one of them",
    ),
    _Together.rule(
        "kafka_sasl_mechanism",
        "kafka_security_protocol",
        broken=lambda s: _sasl(s) and not s.kafka_sasl_mechanism,
        expected="a SASL mechanism, because the security protocol is SASL_SSL or SASL_PLAINTEXT",
        found="nothing",
        do="set the mechanism that the Kafka server offers",
    ),
    _Together.rule(
        "kafka_sasl_username",
        "kafka_sasl_password",
        "kafka_security_protocol",
        broken=lambda s: (
            _sasl(s) and not (s.kafka_sasl_username and s.secret("kafka_sasl_password"))
        ),
        expected="a user name and a password, because the security protocol is SASL_SSL or "
        "SASL_PLAINTEXT",
        found="one of them, or both, empty",
        do="set both",
    ),
    _Together.rule(
        "kafka_security_protocol",
        "kafka_sasl_mechanism",
        "kafka_sasl_username",
        broken=lambda s: not _sasl(s) and bool(s.kafka_sasl_mechanism or s.kafka_sasl_username),
        expected="SASL_SSL or SASL_PLAINTEXT, because a SASL mechanism or user is set",
        found="a protocol without login",
        do="change the protocol, or remove the mechanism and the user",
    ),
    _Together.rule(
        "kafka_security_protocol",
        "kafka_tls_ca_file",
        "kafka_tls_certificate_file",
        broken=lambda s: not _tls(s) and bool(s.kafka_tls_ca_file or s.kafka_tls_certificate_file),
        expected="SSL or SASL_SSL, because TLS files are set",
        found="a protocol without TLS",
        do="change the protocol, or remove the settings of the files",
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
        broken=lambda s: (
            s.mllp_tls_client_ca_file is not None and s.mllp_tls_certificate_file is None
        ),
        expected="CHARGELINE_MLLP_TLS_CERTIFICATE_FILE to be set as well",
        found="no certificate of the listener",
        do="set the certificate and its key too",
    ),
    _Together.rule(
        "mllp_tls_client_crl_file",
        "mllp_tls_client_ca_file",
        broken=lambda s: (
            s.mllp_tls_client_crl_file is not None and s.mllp_tls_client_ca_file is None
        ),
        expected="CHARGELINE_MLLP_TLS_CLIENT_CA_FILE to be set as well",
        found="no CA certificates of senders",
        do="set the CA certificates too, or remove the list of revoked ones",
    ),
    _Together.rule(
        "kafka_heartbeat_interval_ms",
        "kafka_session_timeout_ms",
        broken=lambda s: s.kafka_heartbeat_interval_ms * 3 > s.kafka_session_timeout_ms,
        expected="at most a third of CHARGELINE_KAFKA_SESSION_TIMEOUT_MS",
        found="more",
        do="lower it, or raise the session timeout",
    ),
    _Together.rule(
        "kafka_rebalance_timeout_ms",
        "kafka_session_timeout_ms",
        broken=lambda s: s.kafka_rebalance_timeout_ms < s.kafka_session_timeout_ms,
        expected="at least CHARGELINE_KAFKA_SESSION_TIMEOUT_MS",
        found="less",
        do="raise it, or lower the session timeout",
    ),
    _Together.rule(
        *_TOPIC_FIELDS,
        broken=lambda s: len(set(_topics(s))) < len(_TOPIC_FIELDS),
        expected="five different topics",
        found="one name twice",
        do="rename one; what chargeline writes must not come back as its input",
    ),
    _Together.rule(
        "mllp_host",
        "mllp_tls_certificate_file",
        "allow_plaintext",
        broken=_forbidden(mllp_in_the_clear),
        expected="TLS on the MLLP listener, because other machines reach its address",
        found="no certificate",
        do="set CHARGELINE_MLLP_TLS_CERTIFICATE_FILE and _KEY_FILE" + _OR_ALLOW,
    ),
    _Together.rule(
        "workbench_host",
        "allow_plaintext",
        broken=_forbidden(workbench_in_the_clear),
        expected="a loopback address, because the workbench itself has no TLS",
        found="an address that other machines reach",
        do="put a proxy with TLS before it on the same machine" + _OR_ALLOW,
    ),
    _Together.rule(
        *PROVIDER,
        "workbench_login",
        broken=lambda s: s.workbench_login == "oidc" and is_half_a_provider(s),
        expected="issuer, client id, client secret, CHARGELINE_WORKBENCH_ADDRESS and "
        "CHARGELINE_WORKBENCH_ROLES, because the login is oidc",
        found="one or more of them empty",
        do="set all five",
    ),
    _Together.rule(
        "workbench_oidc_issuer",
        "workbench_address",
        broken=provider_in_the_clear,
        expected="addresses of the provider and of the workbench that begin with https://",
        found="another address; http:// is for loopback only",
        do="put TLS before both, and set their https addresses",
    ),
    _Together.rule(
        "workbench_login",
        "workbench_host",
        broken=lambda s: s.workbench_login == "development" and not is_local(s.workbench_host),
        expected="a loopback address, because the development login believes every name",
        found="an address that other machines reach",
        do="set CHARGELINE_WORKBENCH_HOST to 127.0.0.1, or another login",
    ),
    _Together.rule(
        "kafka_security_protocol",
        "kafka_bootstrap",
        "allow_plaintext",
        broken=_forbidden(kafka_in_the_clear),
        expected="SSL or SASL_SSL, because Kafka is on another machine",
        found="a protocol without TLS",
        do="set CHARGELINE_KAFKA_SECURITY_PROTOCOL" + _OR_ALLOW,
    ),
    _Together.rule(
        "ledger_url",
        "ledger_tls_ca_file",
        "allow_plaintext",
        broken=_forbidden(ledger_in_the_clear),
        expected="verified TLS to PostgreSQL, because it is on another machine",
        found="an address without sslmode=verify-full",
        do="set CHARGELINE_LEDGER_TLS_CA_FILE" + _OR_ALLOW,
    ),
    _Together.rule(
        "ledger_url",
        broken=lambda s: not _LEDGERS.match(s.secret("ledger_url")),
        expected=expected_of("ledger_url"),
        found="another form",
        do="write the address with its driver, such as postgresql+asyncpg",
    ),
)
