"""Claims about what a pod may do: no root, no writing, no token, no privilege, and few neighbours.

The policies of the network are read as Kubernetes reads them: what no policy of a pod allows is
denied.
"""

import pytest

from tests.chart.helm import SETS, Object, Rendered, pods, rendered_set

IMAGE_USER = 10001


@pytest.mark.parametrize("name", SETS)
def test_every_pod_is_hardened(name: str) -> None:
    """Those of programs, of jobs and of `helm test` alike, with their containers of the start."""
    for pod in pods(rendered_set(name)):
        security = pod.spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        if name != "air-gapped":  # that cluster gives each namespace its own numbers
            numbers = (security["runAsUser"], security["runAsGroup"], security["fsGroup"])
            assert numbers == (IMAGE_USER,) * 3
        else:
            assert not {"runAsUser", "runAsGroup", "fsGroup"} & security.keys()
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()


@pytest.mark.parametrize("name", SETS)
def test_volumes_are_closed(name: str) -> None:
    """No folder of the node; secrets for the group only; all but data, rules and /tmp read-only."""
    for pod in pods(rendered_set(name)):
        for volume in pod.spec.get("volumes", []):
            assert "hostPath" not in volume
            if "projected" in volume:
                assert volume["projected"]["defaultMode"] == 0o440
        (container,) = pod.spec["containers"]
        written = {m["name"] for m in container.get("volumeMounts", []) if not m.get("readOnly")}
        assert written <= {"tmp", "data"}


@pytest.mark.parametrize("name", SETS)
def test_the_account_has_no_token(name: str) -> None:
    """Nothing of chargeline asks the API of Kubernetes."""
    for account in rendered_set(name).of("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False
    assert not {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} & {
        one["kind"] for one in rendered_set(name).objects
    }


def allowed(objects: Rendered, component: str, direction: str) -> dict[object, list[Object]]:
    """The ports that a pod of this component may be asked on, or may ask, each with the places;
    an empty list is any place. Fails if no policy denies all else.
    """
    peers = "from" if direction == "Ingress" else "to"
    (labels,) = [pod.metadata["labels"] for pod in pods(objects) if pod.component == component]
    ports: dict[object, list[Object]] = {}
    denied = False
    for policy in objects.of("NetworkPolicy").values():
        spec = policy["spec"]
        selected = spec["podSelector"].get("matchLabels", {}).items() <= labels.items()
        for expression in spec["podSelector"].get("matchExpressions", []):
            assert expression["operator"] == "In"
            selected &= labels[expression["key"]] in expression["values"]
        if not selected or direction not in spec["policyTypes"]:
            continue
        denied = True
        for rule in spec.get(direction.lower(), []):
            for port in rule["ports"]:
                ports[port["port"]] = rule.get(peers, [])
    assert denied, f"no policy denies {direction} of {component}"
    return ports


@pytest.mark.parametrize(
    ("component", "asks", "asked"),
    [
        ("gateway", {53, 9093}, {"http", "mllp"}),
        ("capture", {53, 9093, 5432}, {"http"}),
        ("topics", {53, 9093}, set()),
        ("migrate", {53, 5432}, set()),
        ("test", {53, "http", "mllp"}, set()),
    ],
)
def test_what_is_not_named_is_denied(component: str, asks: set[object], asked: set[object]) -> None:
    """Each pod may ask the servers that it needs, and be asked on the ports that it has."""
    assert allowed(rendered_set("minimal"), component, "Egress").keys() == asks
    assert allowed(rendered_set("minimal"), component, "Ingress").keys() == asked


def test_the_workbench_is_opened_through_the_ingress_and_asks_the_provider() -> None:
    """Besides PostgreSQL; at the places that the values name."""
    into = allowed(rendered_set("full"), "workbench", "Ingress")
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}
    assert into.keys() == {"http", "pages"}
    assert into["pages"] == [{"namespaceSelector": namespace}]
    out = allowed(rendered_set("full"), "workbench", "Egress")
    assert out.keys() == {53, 443, 5432, 8443}  # 443 is that of extraEgress, for all
    assert out[8443] == [{"ipBlock": {"cidr": "198.51.100.80/32"}}]
    assert allowed(rendered_set("external-secrets"), "workbench", "Egress").keys() == {
        *(53, 443, 5432),
    }
    assert 443 not in allowed(rendered_set("external-secrets"), "capture", "Egress")


def test_a_console_is_asked_by_nobody() -> None:
    """It may ask Kafka and the ledger, at the places that the values name, and no port is open."""
    out = allowed(rendered_set("external-secrets"), "console", "Egress")
    assert out.keys() == {53, 9093, 5432}
    assert allowed(rendered_set("external-secrets"), "console", "Ingress") == {}
    assert allowed(rendered_set("full"), "console", "Egress")[5432] == [
        {"podSelector": {"matchLabels": {"app": "postgresql"}}}
    ]


def test_serve_asks_nobody() -> None:
    """On SQLite it needs names at most."""
    assert allowed(rendered_set("serve"), "serve", "Egress").keys() == {53}
    assert allowed(rendered_set("serve"), "serve", "Ingress").keys() == {"http", "mllp"}


def test_places_are_those_that_the_values_name() -> None:
    """Senders, monitoring, Kafka and PostgreSQL by their addresses; `helm test` may ask besides."""
    out = allowed(rendered_set("tls"), "capture", "Egress")
    assert out[9093] == out[9094] == [{"ipBlock": {"cidr": "198.51.100.0/28"}}]
    assert out[5432] == [{"ipBlock": {"cidr": "198.51.100.16/32"}}]
    into = allowed(rendered_set("tls"), "gateway", "Ingress")
    assert into["mllp"][0] == {"ipBlock": {"cidr": "192.0.2.0/24"}}
    (monitoring, own_test) = into["http"]
    assert "namespaceSelector" in monitoring
    component = own_test["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
    assert component == "test"
    assert allowed(rendered_set("full"), "capture", "Egress")[443] == [
        {"ipBlock": {"cidr": "203.0.113.9/32"}}
    ]


def test_pods_of_a_program_are_spread_and_not_drained_at_once() -> None:
    """Over nodes and zones; a disruption takes one at a time, of its own program only."""
    objects = rendered_set("full")
    for pod in pods(objects):
        if pod.component not in ("gateway", "capture", "workbench"):
            continue
        spread = pod.spec["topologySpreadConstraints"]
        assert [one["topologyKey"].split("/")[1] for one in spread] == ["hostname", "zone"]
        labels = pod.metadata["labels"].items()
        assert all(one["labelSelector"]["matchLabels"].items() <= labels for one in spread)
        budget = objects.one("PodDisruptionBudget", f"-{pod.component}")["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= labels
    assert rendered_set("serve").of("PodDisruptionBudget") == {}


def test_services_find_their_pods() -> None:
    """MLLP leads to the gateways alone, and each headless service to its program."""
    for name in ("minimal", "full", "serve"):
        objects = rendered_set(name)
        for service in objects.of("Service").values():
            selector = service["spec"]["selector"].items()
            hit = {
                pod.component for pod in pods(objects) if selector <= pod.metadata["labels"].items()
            }
            ports = {port["targetPort"] for port in service["spec"]["ports"]}
            assert len(hit) == 1 and len(ports) == 1
            if ports == {"mllp"}:
                assert hit <= {"gateway", "serve"}
            if ports == {"pages"}:
                assert hit == {"workbench"}


def test_a_change_of_a_file_starts_the_programs_again() -> None:
    """The checksum of the site's files stands in the pods that read one, and the word of rules."""
    for pod in pods(rendered_set("full")):
        annotations = pod.metadata.get("annotations", {})
        reads = pod.component in ("gateway", "capture", "workbench")
        assert ("checksum/site" in annotations) is reads
        if reads:
            assert annotations["chargeline/rules"] == "2026-11"
