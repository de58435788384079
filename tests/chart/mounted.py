"""What a container of a rendered pod sees: its files, made below a folder, and its environment.

It owns how volumes become files and how an environment is filled, as the kubelet does both. What a
person must bring (secrets, an archive of rules, a bundle) is invented here, by the path at which a
program finds it. A file that no volume brings is not there, so a wrong path shows.
"""

import base64
import io
import shutil
import tarfile
from pathlib import Path

from tests.chart.helm import REPOSITORY, Object, Pod, Rendered

RULES = REPOSITORY / "rules"
KEY = base64.b64encode(bytes(range(32))).decode()
# By the last part of the path in the pod.
CONTENTS = {
    "url": "postgresql+asyncpg://zebra:stripes@postgresql.hospital.example/charges",
    "password": "stripes",
    "keys": f"{KEY}\n",
    "client-secret": "okapi",
}
FROM_SECRETS = {"username": "zebra"}
PEM = "-----BEGIN CERTIFICATE-----\ninvented\n-----END CERTIFICATE-----\n"


def secrets_of(pod: Pod) -> set[tuple[str, str]]:
    """Each secret that a pod sees, with the key, in its files and in its environment."""
    projected = {
        (source["secret"]["name"], item["key"])
        for volume in pod.spec.get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        for item in source["secret"]["items"]
    }
    named = {
        (
            variable["valueFrom"]["secretKeyRef"]["name"],
            variable["valueFrom"]["secretKeyRef"]["key"],
        )
        for container in pod.containers
        for variable in container.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    return projected | named


def files_of(pod: Pod, rendered: Rendered, folder: Path) -> dict[str, Path]:
    """Make the files of a pod's volumes below a folder; returns where each volume lies."""
    places = {}
    for volume in pod.spec["volumes"]:
        place = folder / "volumes" / volume["name"]
        place.mkdir(parents=True)
        places[volume["name"]] = place
        if "projected" in volume:
            for source in volume["projected"]["sources"]:
                for item in source["secret"]["items"]:
                    path = place / item["path"]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(CONTENTS.get(path.name, PEM))
        elif "configMap" in volume:
            _config_map(volume["configMap"], rendered, place)
        elif volume["name"] == "refdata":  # a claim or an image of the site
            (place / "2026Q4.refdata").touch()
        elif "image" in volume:
            shutil.copytree(RULES, place / "rules")
    if "rules-archive" in places:  # what the container of the start unpacks
        with tarfile.open(places["rules-archive"] / "rules.tgz") as archive:
            archive.extractall(places["rules"], filter="data")
    return places


def _config_map(reference: Object, rendered: Rendered, place: Path) -> None:
    if reference["name"] in rendered.of("ConfigMap"):
        for name, text in rendered.of("ConfigMap")[reference["name"]]["data"].items():
            (place / name).write_text(text)
        return
    (item,) = reference["items"]
    (place / item["path"]).write_bytes(archive_of_rules())


def archive_of_rules() -> bytes:
    """The shipped rules, packed as docs/kubernetes.md says."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(RULES, ".")
    return packed.getvalue()


def environment_of(
    container: Object, pod: Pod, places: dict[str, Path], *, inside: Path | None = None
) -> dict[str, str]:
    """The environment of a container. A path in it leads to the files that were made.

    With `inside`, paths stay as they are: the container will see the files where they belong.
    """
    environment = {}
    for variable in container["env"]:
        value = variable.get("value", "")
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            assert source["fieldRef"] == {"fieldPath": "metadata.name"}
            value = f"{pod.name}-0"
        elif "secretKeyRef" in source:
            value = FROM_SECRETS["username"]
        elif inside is None:
            value = _led(value, container, places)
        environment[variable["name"]] = value
    return environment


def _led(value: str, container: Object, places: dict[str, Path]) -> str:
    for mount in container["volumeMounts"]:
        if value == mount["mountPath"] or value.startswith(f"{mount['mountPath']}/"):
            below = places[mount["name"]] / mount.get("subPath", "")
            return str(below / value[len(mount["mountPath"]) :].lstrip("/"))
    return value
