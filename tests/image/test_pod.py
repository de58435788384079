"""Claims about chart and image together: a pod that Helm renders runs in the image as it stands.

The files of its volumes are made as the kubelet makes them, and mounted where the pod says; the
container of the start and the program run in the played image, as the pod's user, on its command
lines and environment.
"""

import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeline.mllp.client import MllpClient
from chargeline.simulator.feed import simulate
from tests.chart.helm import Pod, pods, rendered, values_of, with_set
from tests.chart.mounted import archive_of_rules, environment_of, files_of
from tests.clock import PATIENCE_SECONDS
from tests.gateway import make_authority, make_certificate
from tests.live.servers import free_port, wait_until

from .room import Account, Room
from .test_played import ENTRYPOINT

pytestmark = pytest.mark.together("image")
pytest.importorskip("helm_python", reason="the chart needs Helm as a library")
MINE = "serve,rules.existingConfigMap=site-rules,refdata.file=,refdata.existingClaim="


@pytest.fixture
def pod_in_image(image: Room, tmp_path: Path) -> Iterator[Pod]:
    """The pod of the set serve, with rules of the site, its volumes mounted in the image."""
    objects = rendered(with_set(values_of("serve"), f"mode={MINE}"))
    (pod,) = [pod for pod in pods(objects) if pod.component == "serve"]
    make_authority(tmp_path, "hospital")
    make_certificate(tmp_path, "gateway", "hospital")
    places = files_of(pod, objects, tmp_path / "pod")
    shutil.rmtree(places["rules"])  # the container of the start is to unpack them
    places["rules"].mkdir()
    (places["rules-archive"] / "rules.tgz").write_bytes(archive_of_rules())
    for name, to in (("gateway.pem", "tls.crt"), ("gateway.key", "tls.key")):
        shutil.copy(tmp_path / name, places["secrets"] / "mllp" / to)
    places["data"] = tmp_path / "pod/data"
    places["data"].mkdir()
    security = pod.spec["securityContext"]
    for place in places.values():  # fsGroup: the group may read what is mounted, and write data
        for path in (place, *place.rglob("*")):
            shutil.chown(path, "root", security["fsGroup"])
            path.chmod(0o2770 if path.is_dir() else 0o440)
    image.volumes = {
        mount["mountPath"]: places[mount["name"]]
        for container in pod.containers
        for mount in container["volumeMounts"]
    }
    image.account, before = Account(security["runAsUser"], security["runAsGroup"]), image.account
    yield pod
    image.volumes, image.account = {}, before


async def test_the_pod_of_serve_drafts(pod_in_image: Pod, image: Room, tmp_path: Path) -> None:
    """The archive of rules is unpacked; serve starts with the files of its secrets and becomes
    ready; a sender over TLS is heard, and the draft rests on the rules of the archive.
    """
    start, program = pod_in_image.containers
    unpacked = subprocess.run(
        image.command(start["command"], read_only=True), capture_output=True, text=True, check=False
    )
    assert unpacked.returncode == 0, unpacked.stderr
    assert (tmp_path / "pod/volumes/rules/sources.toml").is_file()
    environment = environment_of(program, pod_in_image, {}, inside=image.tree)
    # The pod has an address of its own; this machine shares its ports with other tests.
    http, mllp = free_port(), free_port()
    environment |= {"CHARGELINE_HTTP_PORT": str(http), "CHARGELINE_MLLP_PORT": str(mllp)}
    environment |= {"CHARGELINE_SETTLE_SECONDS": "0"}
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            image.command([*ENTRYPOINT, *program["args"]], read_only=True, environment=environment),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{http}/readyz", timeout=5) as page:
                    return bool(page.status == 200)
            except OSError:
                return False

        wait_until(ready, PATIENCE_SECONDS, "serve to be ready")
        context = ssl.create_default_context(cafile=tmp_path / "hospital.pem")
        feed = simulate(visits=2, seed=1, style="standard", mess=0.0).messages
        async with await MllpClient.connect(
            "127.0.0.1", mllp, ssl_context=context, server_name="gateway"
        ) as client:
            for _style, message in feed:
                assert b"MSA|CA" in await client.send(message)
        events = tmp_path / "pod/data/events.jsonl"
        wait_until(lambda: events.exists() and "charge.draft" in events.read_text(),
                   PATIENCE_SECONDS, "a draft in the volume")  # fmt: skip
        assert "secret.open" not in log.read_text()
    finally:
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()[-3000:]
