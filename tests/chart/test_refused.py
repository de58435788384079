"""Claims about wrong values: each is refused before anything is installed, with a readable reason.

What one value may be stands in values.schema.json; what several may be together, in the template
_mistakes.tpl.
"""

import pytest

from tests.chart.helm import Values, refusal, values_of, with_set

BENCH = (
    "workbench.enabled=true,workbench.address=https://chargeline.example,"
    "workbench.oidc.issuer=https://login.example,workbench.oidc.clientId=chargeline,"
    "workbench.oidc.existingSecret=chargeline-oidc,workbench.roles.coders=coder,"
    "workbench.allowPlaintext=true"
)
WRONG = {
    # a value by itself: where it is, and what is wrong
    "a key that is not there": ("gatway.replicas=2", "additional properties 'gatway' not allowed"),
    "another mode": ("mode=kafka", "'/mode': value must be one of 'live', 'serve'"),
    "fewer than no pods": ("programs.gateway.replicas=-1", "'/programs/gateway/replicas': minimum"),
    "a word for a number": (
        "mllp.service.port=hl7",
        "'/mllp/service/port': got string, want integer",
    ),
    "a secret that no secret is called": (
        "mllp.tls.existingSecret=My_Secret",
        "'My_Secret' does not",
    ),
    "servers without a port": (
        "kafka.bootstrap=kafka",
        "'/kafka/bootstrap': 'kafka' does not match",
    ),
    "a setting that is misspelt": (
        "settings.CHARGELINE_SETTLE_SECOND=60",
        "additional properties 'CHARGELINE_SETTLE_SECOND' not allowed",
    ),
    "a secret among the settings": (
        "settings.CHARGELINE_LEDGER_URL=postgresql://zebra:stripes@db/x",
        "additional properties 'CHARGELINE_LEDGER_URL' not allowed",
    ),
    "a setting that is no number": (
        "settings.CHARGELINE_SETTLE_SECONDS=soon",
        "'/settings/CHARGELINE_SETTLE_SECONDS': 'soon' does not match",
    ),
    "a digest that is none": ("image.digest=latest", "'/image/digest': 'latest' does not match"),
    "two pods of serve": (
        "programs.serve.replicas=2",
        "additional properties 'replicas' not allowed",
    ),
    "the root user": ("user.runAsUser=0", "'/user/runAsUser': minimum: got 0, want 1"),
    # several values together: expected, found, and what to do
    "no Kafka": ("kafka.bootstrap=", "kafka.bootstrap: expected host:port of Kafka, found nothing"),
    "no ledger": ("ledger.existingSecret=", "expected a secret with the address of PostgreSQL for"),
    "MLLP in the clear": ("mllp.tls.existingSecret=", "certificate and key of the listener, found"),
    "Kafka in the clear": ("kafka.tls.enabled=false", "kafka.tls.enabled: expected true"),
    "a login without a secret": ("kafka.sasl.mechanism=PLAIN", "user and password for gateway"),
    "a secret without a login": ("kafka.sasl.existingSecret=a", "kafka.sasl.mechanism: expected"),
    "half a certificate": (
        "kafka.tls.certificateKey=tls.crt",
        "certificateKey and keyKey, found one",
    ),
    "revoked by nobody": ("mllp.tls.clientCrlKey=crl.pem", "mllp.tls.clientCaKey: expected"),
    "rules from two places": ("rules.existingConfigMap=a,rules.image=b", "image, found both"),
    "a path without an image": ("rules.path=rules", "rules.path: expected rules.image"),
    "a bundle from nowhere": ("refdata.file=2026Q4.refdata", "existingClaim or image"),
    "a volume without a bundle": ("refdata.existingClaim=a", "refdata.file: expected the name"),
    "more captures than partitions": (
        "programs.capture.replicas=49",
        "expected at most kafka.topics.partitions (48), found 49",
    ),
    "more scaled captures than partitions": (
        "keda.enabled=true,keda.maxReplicas=49",
        "keda.maxReplicas: expected at most kafka.topics.partitions (48), found 49",
    ),
    "fewest above most": (
        "keda.enabled=true,keda.minReplicas=13",
        "keda.minReplicas: expected at most keda.maxReplicas (12), found 13",
    ),
    "a scaled serve": ("mode=serve,keda.enabled=true", "keda.enabled: expected false"),
    "a console without a login": (
        "jobs.console.enabled=true",
        "jobs.console.ledgerSecret: expected a secret of its own, with the login of an operator at "
        "the ledger, found none",
    ),
    "a console with the login of captures": (
        "jobs.console.enabled=true,jobs.console.ledgerSecret=chargeline-ledger",
        "with the login of an operator at the ledger, found that of a program",
    ),
    "a console with the Kafka user of programs": (
        "jobs.console.enabled=true,jobs.console.ledgerSecret=a,jobs.console.kafkaSecret=b,"
        "kafka.sasl.mechanism=PLAIN,kafka.sasl.existingSecret=b",
        "user and password of an operator at Kafka, found that of a program",
    ),
    "a console for ever": (
        "jobs.console.hours=1000",
        "'/jobs/console/hours': maximum: got 1,000, want 72",
    ),
    "a console beside serve": (
        "mode=serve,jobs.console.enabled=true",
        "jobs.console.enabled: expected false",
    ),
    "pages at no address": (
        f"{BENCH},workbench.address=",
        "workbench.address: expected where people reach the workbench",
    ),
    "pages without TLS before them": (
        f"{BENCH},workbench.address=http://chargeline.example",
        "'/workbench/address': 'http://chargeline.example' does not match",
    ),
    "a login by nobody": (
        f"{BENCH},workbench.oidc.issuer=",
        "workbench.oidc: expected issuer and clientId of the identity provider",
    ),
    "a provider that does not know us": (
        f"{BENCH},workbench.oidc.existingSecret=",
        "workbench.oidc.existingSecret: expected a secret with our secret",
    ),
    "a role for nobody": (
        f"{BENCH},workbench.roles=null",
        "workbench.roles: expected the role of each group",
    ),
    "a role that there is not": (
        f"{BENCH},workbench.roles.coders=king",
        "'/workbench/roles/coders': value must be one of 'viewer'",
    ),
    "a group that would be two": (
        f"{BENCH},workbench.roles.a=coder,workbench.roles.b\\,c=coder",
        "'b,c' does not match pattern",
    ),
    "a proxy by its name": (
        f"{BENCH},workbench.proxies={{ingress}}",
        "'/workbench/proxies/0': 'ingress' does not match",
    ),
    "pages in the clear": (
        f"{BENCH},workbench.allowPlaintext=false",
        "workbench.allowPlaintext: expected true, because the pages have no TLS",
    ),
    "an Ingress to nothing": (
        "workbench.ingress.enabled=true",
        "workbench.ingress.enabled: expected workbench.enabled, found false",
    ),
    "an Ingress without TLS": (
        f"{BENCH},workbench.ingress.enabled=true",
        "workbench.ingress.tlsSecret: expected a secret with certificate and key",
    ),
    "pages beside serve": (f"{BENCH},mode=serve", "workbench.enabled: expected false"),
    "a workbench without a ledger": (
        f"{BENCH},ledger.existingSecret=,programs.capture.ledgerSecret=a,"
        "jobs.migrate.ledgerSecret=b",
        "with the address of PostgreSQL for workbench",
    ),
    "an end that is cut off": (
        "settings.CHARGELINE_SHUTDOWN_SECONDS=60",
        "expected more than CHARGELINE_SHUTDOWN_SECONDS (60) and 5, found 45",
    ),
}


@pytest.fixture(scope="module")
def right() -> Values:
    values = values_of("minimal")
    assert refusal(values) == ""
    return values


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused(right: Values, case: str) -> None:
    """Each mistake is told with its place; all but it are the values of the set minimal."""
    expression, said = WRONG[case]
    assert said in refusal(with_set(right, expression))


def test_all_mistakes_come_at_once(right: Values) -> None:
    """Who has made three mistakes reads three lines, each with what was expected and found."""
    told = refusal(with_set(right, "kafka.bootstrap=,mllp.tls.existingSecret=,rules.path=a"))
    lines = [line for line in told.splitlines() if line.startswith("- ")]
    assert len(lines) == 3
    assert all(": expected " in line and ", found " in line for line in lines)


@pytest.mark.parametrize(
    "expressions",
    [
        "kafka.tls.enabled=false,mllp.tls.existingSecret=,allowPlaintext=true",
        "mode=serve,kafka.bootstrap=,ledger.existingSecret=",
        "programs.capture.replicas=48",
        BENCH,
        f"{BENCH},workbench.allowPlaintext=false,allowPlaintext=true",
        f"{BENCH},workbench.ingress.enabled=true,workbench.ingress.tlsSecret=a",
        "jobs.console.enabled=true,jobs.console.ledgerSecret=chargeline-operator",
        "keda.enabled=true,keda.maxReplicas=48,programs.capture.replicas=49",
        "settings.CHARGELINE_SHUTDOWN_SECONDS=60,programs.gateway.terminationGracePeriodSeconds=70,"
        "programs.capture.terminationGracePeriodSeconds=70",
        "global.registry=registry.hospital.example",
    ],
)
def test_what_only_resembles_a_mistake_is_taken(right: Values, expressions: str) -> None:
    """A mesh may encrypt; serve needs no servers; as many captures as partitions are right."""
    assert refusal(with_set(right, expressions)) == ""
