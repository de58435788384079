"""Claims about the settings: where they come from, how they are checked, and what is never shown.

Each test begins with an environment that has no variable of ours.
"""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from chargeline.engine import shape_of
from chargeline.hl7.errors import Hl7Error
from chargeline.published.events import parked
from chargeline.settings import Settings, SettingsError, describe, load, variable
from chargeline.settings.expected import expected_of
from chargeline.settings.page import as_markdown
from chargeline.settings.values import secrets

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = "correct-ZEBRA-battery"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of ours that the tests were started with."""
    for name in [name for name in os.environ if name.startswith("CHARGELINE_")]:
        monkeypatch.delenv(name)


def mistakes(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    """The mistakes of an environment with these values, as they are printed."""
    for name, value in values.items():
        monkeypatch.setenv(f"CHARGELINE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load()
    lines = [str(finding) for finding in caught.value.findings]
    assert str(caught.value) == "\n".join(lines)
    return lines


def test_nothing_needs_to_be_set() -> None:
    """The defaults are valid."""
    assert load() == Settings.model_construct()


def test_a_variable_sets_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is CHARGELINE_ and the field in capitals: settle_seconds, 30 instead of 120."""
    monkeypatch.setenv("CHARGELINE_SETTLE_SECONDS", "30")
    assert load().settle_seconds == 30


@pytest.mark.parametrize("frame_bytes", [1, 1_048_576, 8_388_608, 67_108_864])
def test_the_largest_message_fits_its_topics_even_when_it_is_parked(frame_bytes: int) -> None:
    """Parked in base64 and JSON, with long headers and reasons, it fits into a record of ours."""
    words = "x" * 2_000
    trouble = Hl7Error("message.no_msh", expected=words, found=words, where=words, do=words)
    headers = [(f"header-{number}", b"x" * 500) for number in range(20)]
    record = parked(
        b"x" * frame_bytes, headers, at=("t" * 249, 0, 0), key=(words, words), why=trouble.finding,
        message_type=words, control_id=words, number=1, with_bytes=True,
    )  # fmt: skip
    assert (
        len(record.model_dump_json()) < Settings(mllp_frame_bytes=frame_bytes).kafka_record_bytes()
    )


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Helm chart that leaves a value empty gets the default."""
    monkeypatch.setenv("CHARGELINE_HTTP_PORT", "")
    assert load().http_port == 8080


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong values, unknown names and contradictions come in one error."""
    lines = mistakes(
        monkeypatch,
        HTTP_PORT="80b80",
        RETENTION_DAYS="0",
        SETLE_SECONDS="3",
        KAFKA_HEARTBEAT_INTERVAL_MS="40000",
    )
    assert [line.partition(": ")[0].removeprefix("CHARGELINE_") for line in lines] == [
        "HTTP_PORT", "KAFKA_HEARTBEAT_INTERVAL_MS", "RETENTION_DAYS", "SETLE_SECONDS",
    ]  # fmt: skip


def test_a_mistake_says_variable_expected_found_and_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake has the form of all findings, and shows the shape of the value only."""
    assert mistakes(monkeypatch, HTTP_PORT="80b80") == [
        "CHARGELINE_HTTP_PORT: expected a whole number from 1 to 65535, found 5 characters, "
        "digits and letters; correct the value, or remove the variable to use the default"
    ]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_no_error_shows_a_value(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A password in the wrong variable is neither in the error nor in the cause of the error."""
    monkeypatch.setenv(
        variable(name), f"{SECRET} \N{ZEBRA FACE}" if name == "kafka_group" else SECRET
    )
    monkeypatch.setenv("CHARGELINE_HTTP_PORT", SECRET)
    with pytest.raises(SettingsError) as caught:
        load()
    assert SECRET not in str(caught.value) and caught.value.__context__ is None


def test_a_misspelt_name_is_told_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that no program reads is a mistake, and the nearest setting is named."""
    (mistake,) = mistakes(monkeypatch, DEFAULT_POLCY="guide-2026")
    assert "did you mean CHARGELINE_DEFAULT_POLICY?" in mistake


@pytest.mark.parametrize(
    "name", ["GATEWAY_SERVICE_HOST", "GATEWAY_PORT", "GATEWAY_PORT_2575_TCP_ADDR", "TEST_KAFKA"]
)
def test_variables_of_kubernetes_and_of_our_tests_are_no_mistakes(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Kubernetes sets such variables for a service called chargeline-gateway; they are ignored."""
    monkeypatch.setenv(f"CHARGELINE_{name}", "tcp://10.0.0.1:2575")
    load()


def test_a_port_that_kubernetes_set_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service called chargeline-http sets our variable; the error says how to prevent that."""
    (mistake,) = mistakes(monkeypatch, HTTP_PORT="tcp://10.0.0.1:8080")
    assert "enableServiceLinks: false" in mistake


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_MECHANISM"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN"},
            "KAFKA_SASL_USERNAME",
        ),
        ({"KAFKA_SASL_USERNAME": "zebra"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_TLS_CA_FILE": __file__}, "KAFKA_SECURITY_PROTOCOL"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_TLS_KEY_FILE": __file__},
            "KAFKA_TLS_CERTIFICATE_FILE",
        ),
        ({"MLLP_TLS_KEY_FILE": __file__}, "MLLP_TLS_CERTIFICATE_FILE"),
        ({"MLLP_TLS_CLIENT_CA_FILE": __file__}, "MLLP_TLS_CLIENT_CA_FILE"),
        ({"KAFKA_HEARTBEAT_INTERVAL_MS": "15001"}, "KAFKA_HEARTBEAT_INTERVAL_MS"),
        ({"KAFKA_REBALANCE_TIMEOUT_MS": "44999"}, "KAFKA_REBALANCE_TIMEOUT_MS"),
        ({"TOPIC_PARKED": "hl7.inbound"}, "TOPIC_INBOUND"),
        ({"LEDGER_URL": "mysql://localhost/x"}, "LEDGER_URL"),
        ({"LEDGER_KEY_FILE": __file__, "LEDGER_KEY_COMMAND": "zebra"}, "LEDGER_KEY_COMMAND"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], first: str
) -> None:
    """Each contradiction is a mistake, under the first variable of its rule."""
    assert mistakes(monkeypatch, **values)[0].startswith(f"CHARGELINE_{first}: expected ")


def test_a_login_with_all_its_parts_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete login over SASL_SSL breaks none of the rules."""
    for name, value in {
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_USERNAME": "zebra",
        "SASL_PASSWORD": SECRET,
    }.items():
        monkeypatch.setenv(f"CHARGELINE_KAFKA_{name}", value)
    assert load().kafka_sasl_password.get_secret_value() == SECRET


def test_a_wrong_value_is_not_blamed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule about two settings is not applied if one of them has a wrong value by itself."""
    lines = mistakes(monkeypatch, KAFKA_SESSION_TIMEOUT_MS="x", KAFKA_HEARTBEAT_INTERVAL_MS="45000")
    assert len(lines) == 1


def test_the_description_shows_what_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable is shown with its value, its default and its meaning."""
    monkeypatch.setenv("CHARGELINE_RETENTION_DAYS", "30")
    (row,) = [row for row in describe(load()) if row.variable == "CHARGELINE_RETENTION_DAYS"]
    assert (row.value, row.default) == ("30", "400") and row.meaning


def test_the_description_masks_secrets() -> None:
    """A password is shown as stars, also inside the address of a database."""
    url = f"postgresql+asyncpg://zebra:{SECRET}@db:5432/charges?application_name=x"
    settings = Settings(kafka_sasl_password=SecretStr(SECRET), ledger_url=SecretStr(url))
    shown = {row.variable: row.value for row in describe(settings)}
    assert SECRET not in str(shown)
    assert shown["CHARGELINE_KAFKA_SASL_PASSWORD"] == "****"
    assert shown["CHARGELINE_LEDGER_URL"] == "postgresql+asyncpg://****@db:5432/charges"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+asyncpg://db/charges?user=zebra&password={SECRET}",
        f"postgresql+asyncpg://zebra:{SECRET}@part@db/charges",
        f"postgresql+asyncpg://zebra:{SECRET}?x@db/charges",
        f"postgresql+asyncpg://zebra:{SECRET}@[broken/charges",
    ],
)
def test_a_password_in_an_odd_place_is_masked(url: str) -> None:
    """If the password cannot be told from the rest of the address, none of it is shown."""
    assert SECRET not in str(describe(Settings(ledger_url=SecretStr(url))))


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    """The repr of the settings, as in a traceback, has stars for secrets."""
    assert SECRET not in repr(
        Settings(kafka_sasl_password=SecretStr(SECRET), ledger_url=SecretStr(SECRET))
    )


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_says_what_it_means_and_expects(name: str) -> None:
    """Each setting has a sentence for its meaning, and a text for what is expected."""
    assert str(Settings.model_fields[name].description).endswith(".") and expected_of(name)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("", "nothing"),
        ("7", "1 character, digits"),
        ("a b!", "4 characters, letters and blanks and other signs"),
    ],
)
def test_a_shape_tells_length_and_kinds(value: str, shape: str) -> None:
    """The shape is enough to find the mistake, and too little to learn the value."""
    assert shape_of(value) == shape


def test_the_documentation_of_the_settings_is_true() -> None:
    """docs/configuration.md is what `python -m chargeline.settings.page` prints."""
    assert (REPOSITORY / "docs/configuration.md").read_text(encoding="utf-8") == as_markdown()


# ------------------------------------------------------------------ patients in the clear


VERIFIED = "postgresql+asyncpg://zebra@db/charges?sslmode=verify-full&sslrootcert=/ca.pem"


@pytest.mark.parametrize(
    ("variable_name", "value", "where"),
    [
        ("MLLP_HOST", "0.0.0.0", "MLLP_HOST"),
        ("MLLP_HOST", "::", "MLLP_HOST"),
        ("MLLP_HOST", "gateway.example", "MLLP_HOST"),
        ("KAFKA_BOOTSTRAP", "kafka-1:9092", "KAFKA_SECURITY_PROTOCOL"),
        ("KAFKA_BOOTSTRAP", "localhost:9092,10.0.0.7:9092", "KAFKA_SECURITY_PROTOCOL"),
        ("LEDGER_URL", "postgresql+asyncpg://zebra@db/charges", "LEDGER_URL"),
        ("LEDGER_URL", "postgresql+asyncpg://zebra@db:5432/charges?sslmode=require", "LEDGER_URL"),
        ("LEDGER_URL", "postgresql+asyncpg:///charges?host=10.0.0.7", "LEDGER_URL"),
    ],
)
def test_patients_do_not_cross_a_network_in_the_clear(
    monkeypatch: pytest.MonkeyPatch, variable_name: str, value: str, where: str
) -> None:
    """Beyond loopback a program without verified TLS does not start, unless the one setting allows
    it; the mistake names that setting.
    """
    (mistake,) = mistakes(monkeypatch, **{variable_name: value})
    assert f"CHARGELINE_{where}" in mistake
    assert "CHARGELINE_ALLOW_PLAINTEXT=yes" in mistake
    monkeypatch.setenv("CHARGELINE_ALLOW_PLAINTEXT", "yes")
    load()


@pytest.mark.parametrize(
    ("variable_name", "value"),
    [
        ("MLLP_HOST", "127.0.0.2"),
        ("MLLP_HOST", "::1"),
        ("KAFKA_BOOTSTRAP", "localhost:9092,127.0.0.1:9093"),
        ("LEDGER_URL", "postgresql+asyncpg://zebra@localhost/charges"),
        ("LEDGER_URL", "postgresql+asyncpg://zebra@[::1]:5432/charges"),
        ("LEDGER_URL", "postgresql+asyncpg:///charges"),
        ("LEDGER_URL", "postgresql+asyncpg:///charges?host=/var/run/postgresql"),
        ("LEDGER_URL", VERIFIED),
    ],
)
def test_loopback_sockets_and_verified_tls_need_no_permission(
    monkeypatch: pytest.MonkeyPatch, variable_name: str, value: str
) -> None:
    """What stays on the machine, and a PostgreSQL whose certificate is verified."""
    monkeypatch.setenv(f"CHARGELINE_{variable_name}", value)
    load()


def test_a_ca_file_asks_postgresql_for_verified_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The address gets sslmode=verify-full and the file; what the address says itself stays."""
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    monkeypatch.setenv("CHARGELINE_LEDGER_TLS_CA_FILE", str(authority))
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", "postgresql+asyncpg://zebra@db/charges")
    query = parse_qs(urlsplit(load().ledger_address()).query)
    assert query == {"sslmode": ["verify-full"], "sslrootcert": [str(authority)]}
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", VERIFIED)
    assert load().ledger_address() == VERIFIED


# ------------------------------------------------------------------ secrets in files


def test_every_secret_has_a_setting_for_its_file() -> None:
    """A secret that could stand in a variable only would end up in the list of processes."""
    assert secrets() and all(f"{name}_file" in Settings.model_fields for name in secrets())


@pytest.mark.parametrize("name", secrets())
def test_a_secret_in_a_file_counts_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """The content counts without its last newline, and is read again; `config` names the variable
    of the file.
    """
    file = tmp_path / "secret"
    url = f"postgresql+asyncpg://zebra:{SECRET}@localhost/charges"
    file.write_text(f"{url}\n")
    monkeypatch.setenv(variable(f"{name}_file"), str(file))
    settings = load()
    assert settings.secret(name) == url
    shown = {row.variable: row.value for row in describe(settings)}
    assert shown[variable(name)] == f"(from {variable(f'{name}_file')})"
    assert SECRET not in str(shown)
    file.write_text(f"{url}x")
    assert settings.secret(name) == f"{url}x"


@pytest.mark.parametrize("name", secrets())
def test_a_secret_in_two_places_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """The mistake names both variables, and shows neither value."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    lines = mistakes(monkeypatch, **{name.upper(): SECRET, f"{name.upper()}_FILE": str(file)})
    (line,) = [line for line in lines if "expected either" in line]
    assert variable(name) in line and variable(f"{name}_file") in line and SECRET not in str(lines)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "nothing in it"),
        (b"\n", "nothing in it"),
        (b"\xff\n", "bytes that are not UTF-8"),
        (SECRET.encode() + b"\nmore\n", "several lines or control characters"),
    ],
)
def test_a_file_without_a_value_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, found: str
) -> None:
    """Each says what was found in place of a value on one line, and shows nothing of it."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    (line,) = mistakes(monkeypatch, LEDGER_URL_FILE=str(file))
    assert line.startswith("CHARGELINE_LEDGER_URL_FILE: ") and found in line
    assert SECRET not in line


def test_a_file_that_we_may_not_read_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The reason of the system is told, with the variable of the file."""
    file = tmp_path / "secret"
    file.write_text(SECRET)

    def refused(*_given: object, **_named: object) -> str:
        raise PermissionError(13, "Permission denied", str(file))  # a root user may read any file

    monkeypatch.setenv("CHARGELINE_KAFKA_SASL_PASSWORD_FILE", str(file))
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(SettingsError, match=r"PASSWORD_FILE: .* found Permission denied"):
        load()
