"""Reads the settings of a process and says all that is wrong with them at once, before anything
starts.

It owns the rules about several settings together. A value is never shown in an error, only its
shape: a password that was set in the wrong variable is a common mistake.
"""

import os
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple, Self

from pydantic import SecretStr, ValidationError

from chargeline.engine import Finding, FindingError, shape_of
from chargeline.settings.values import PREFIX, Settings, expected_of, variable


class SettingsError(FindingError, ValueError):
    """The settings cannot be used; there is a finding for each mistake, and none shows a value."""


def load() -> Settings:
    """The settings of this process, from its environment; raises SettingsError with all
    mistakes.
    """
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
        each.mistake
        for each in _TOGETHER
        if each.broken(settings) and wrong.keys().isdisjoint(each.of)
    ]
    if mistakes:
        raise SettingsError(*sorted(mistakes, key=lambda mistake: mistake.where))
    return settings


# ------------------------------------------------------------------ one variable by itself


# Kubernetes tells each pod of each service in variables such as
# CHARGELINE_GATEWAY_PORT_2575_TCP_ADDR.
_SERVICE_LINK = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP)(_\w+)?$"
)
_OUR_TESTS = PREFIX + "TEST_"


def _unknown_variables() -> Iterator[Finding]:
    known = {variable(name) for name in Settings.model_fields}
    for name in sorted(os.environ):
        foreign = name.startswith(_OUR_TESTS) or _SERVICE_LINK.search(name)
        if name.startswith(PREFIX) and name not in known and not foreign:
            near = get_close_matches(name, known, 1)
            do = f"did you mean {near[0]}? else remove it" if near else "remove it"
            yield Finding(
                "setting.unknown",
                expected="a variable of docs/configuration.md",
                found="a name that is not there",
                where=name,
                do=do,
            )


def _wrong_value(name: str) -> Finding:
    value = os.environ.get(variable(name), "")
    do = "correct it, or remove it to have the default"
    if re.match(r"(tcp|udp)://", value):
        do = "it was set by Kubernetes for a service of that name: set enableServiceLinks: false in the pod"
    return Finding(
        "setting.value",
        expected=expected_of(name),
        found=shape_of(value),
        where=variable(name),
        do=do,
    )


# ------------------------------------------------------------------ several variables together


class _Together(NamedTuple):
    """Settings that contradict each other: when they do, and what is said about it."""

    of: tuple[str, ...]
    broken: Callable[[Settings], bool]
    mistake: Finding

    @classmethod
    def rule(
        cls, *of: str, broken: Callable[[Settings], bool], expected: str, found: str, do: str
    ) -> Self:
        """A rule about these fields; the first is the one that the mistake names."""
        where = variable(of[0])
        finding = Finding("setting.conflict", expected=expected, found=found, where=where, do=do)
        return cls(of, broken, finding)


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
        broken=lambda s: (
            _sasl(s) and not (s.kafka_sasl_username and _secret(s.kafka_sasl_password))
        ),
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
        broken=lambda s: (
            s.mllp_tls_client_ca_file is not None and s.mllp_tls_certificate_file is None
        ),
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
