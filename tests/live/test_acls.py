"""The ACLs of docs/rights/acls.sh are enough for gateway and capture, on a Kafka that refuses what
no ACL allows.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import CreateAclsRequest

from chargeline.ledger.store import Ledger
from chargeline.mllp.client import MllpClient
from chargeline.operate.topics import make_topics
from chargeline.settings import Settings
from tests.drafting.test_processor import by_code
from tests.live.service import TOPICS

from .commands import Ended, command
from .servers import KafkaServer, free_port
from .service import DEADLINE_SECONDS, FRAME_BYTES, PARTITIONS, Service
from .test_gateway import code_of, feed

ACLS = Path(__file__).parents[2] / "docs" / "rights" / "acls.sh"
USERS = ("gateway", "capture", "operator", "billing")
PASSWORD = "correct-horse"
# Numbers of Kafka's protocol: ResourceType and AclOperation.
RESOURCES = {"--topic": 2, "--group": 3, "--cluster": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
LITERAL, ALLOW = 3, 3
JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required "


class Acl(NamedTuple):
    resource: str
    name: str
    user: str
    operation: str


@pytest.fixture(scope="module")
def strict_kafka() -> Iterator[KafkaServer]:
    """A Kafka with an authorizer, and a user for each program; whoever does not log in may all."""
    users = " ".join(f'user_{user}="{PASSWORD}"' for user in USERS)
    server = KafkaServer(
        quick=True,
        settings={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:ANONYMOUS",
            "listener.name.login.plain.sasl.jaas.config": f"{JAAS}{users};",
        },
    )
    server.start()
    yield server
    server.close()


@pytest.fixture
def service(
    strict_kafka: KafkaServer, database: str, topics: Callable[[str], str], tmp_path: Path
) -> Iterator[Service]:
    own = Service(strict_kafka, database, topics("s"), tmp_path / "capture.log")
    yield own
    own.end()


def acls_of(environment: Mapping[str, str], folder: Path) -> list[Acl]:
    """What the script asks `kafka-acls.sh` for; one stands in for it that writes that down."""
    lines = folder / "asked"
    stand_in = folder / "kafka-acls.sh"
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(lines))}\n')
    stand_in.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", str(ACLS)], env={**environment, "PATH": path}, check=True)
    asked = []
    for line in lines.read_text().splitlines():
        words = line.split()
        assert words[:3] == ["--bootstrap-server", environment["BOOTSTRAP"], "--add"]
        user, operation, resource, name = words[4], words[6], words[7], words[8]
        asked.append(Acl(resource, name, user, operation))
    return asked


async def allow(kafka: KafkaServer, acls: list[Acl]) -> None:
    """Make the ACLs, as an administrator does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    for kind, name, user, operation in acls:
        asked = CreateAclsRequest(
            resource_type=RESOURCES[kind],
            resource_name=name,
            resource_pattern_type_filter=LITERAL,
            principal=user,
            host="*",
            operation=OPERATIONS[operation],
            permission_type=ALLOW,
        )
        answer = await admin._send_request(asked)
        assert [code for code, _message in answer.creation_responses] == [0]
    await admin.close()


def login(kafka: KafkaServer, user: str) -> dict[str, str]:
    return {
        "CHARGELINE_KAFKA_BOOTSTRAP": kafka.sasl_bootstrap,
        "CHARGELINE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "CHARGELINE_KAFKA_SASL_MECHANISM": "PLAIN",
        "CHARGELINE_KAFKA_SASL_USERNAME": user,
        "CHARGELINE_KAFKA_SASL_PASSWORD": PASSWORD,
    }


async def test_gateway_and_capture_work_with_these_acls_and_no_others(
    service: Service, strict_kafka: KafkaServer, tmp_path: Path
) -> None:
    """The operator makes the topics, ten visits come over MLLP and are drafted; a user whom no
    ACL lets write cannot, and a gateway cannot read.
    """
    environment = {
        "BOOTSTRAP": strict_kafka.bootstrap,
        "INBOUND": service.inbound,
        **{name.upper(): f"{service.name}.{name}" for name in TOPICS[1:]},
        "GROUP": service.name,
    }
    await allow(strict_kafka, acls_of(environment, tmp_path))
    settings = Settings(
        kafka_bootstrap=strict_kafka.sasl_bootstrap,
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username="operator",
        kafka_sasl_password=PASSWORD,
        topic_inbound=service.inbound,
        topic_drafts=f"{service.name}.drafts",
        topic_questions=f"{service.name}.questions",
        topic_parked=f"{service.name}.parked",
        topic_authorizations=f"{service.name}.authorizations",
        mllp_frame_bytes=FRAME_BYTES,
    )
    assert len(await make_topics(settings, PARTITIONS, 1)) == 5
    ledger = await Ledger.open(service.url, accept_old=True)
    await ledger.migrate()
    await ledger.close()
    await assert_refusals_name_the_right(service, f"{service.name}.drafts")
    port = free_port()
    mllp = {"CHARGELINE_MLLP_PORT": str(port)}
    await service.ready(service.start("gateway", **login(strict_kafka, "gateway"), **mllp))
    await service.ready(service.start(**login(strict_kafka, "capture")))
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    messages = feed()
    answers = [await client.send(message) for message in messages]
    await client.close()
    assert {code_of(answer) for answer in answers} == {"CA"}
    wanted = by_code(messages)
    assert await service.settled(wanted) == wanted, service.last_words()
    assert (
        await caught_up(service, "operator")
    ).out == "revisions added from Kafka: 0, of 0 visits\n"
    for user, topic in (("billing", service.inbound), ("gateway", f"{service.name}.drafts")):
        with pytest.raises(KafkaError):
            await write(strict_kafka, user, topic)
    await write(strict_kafka, "gateway", service.inbound)


async def assert_refusals_name_the_right(service_: Service, topic: str) -> None:
    """Of a topic without a record: who may not see it, and who may see it and not read it, is told
    so, with what was expected and what to do, and catches up with nothing.
    """
    for user, expected, missing in (
        ("gateway", f"the topic {topic}", "no right to Describe it"),
        ("capture", f"the records of the topic {topic}", "no right to Read it"),
    ):
        refused = await caught_up(service_, user)
        assert (refused.code, refused.out) == (1, ""), user
        assert f"expected {expected}, found " in refused.err and missing in refused.err
        assert "give our Kafka user Read on it" in refused.err


async def caught_up(service_: Service, user: str) -> Ended:
    """What `ledger catch-up` of a Kafka user comes to."""
    environment = service_.environment | login(service_.kafka, user)
    return await command("ledger catch-up --reason trial", environment)


async def write(kafka: KafkaServer, user: str, topic: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.sasl_bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=user,
        sasl_plain_password=PASSWORD,
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"zebra", key=b"zebra")
    finally:
        await producer.stop()
