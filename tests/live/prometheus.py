"""A real Prometheus for tests, and its promtool: Debian's package, unpacked and not installed.

This module owns where the two programs come from, and one server on a free port. It knows nothing
of chargeline's metrics.
"""

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .servers import ServerError, fetched, free_port, run, tail, wait_until

VARIABLE = "CHARGELINE_TEST_PROMETHEUS"  # a folder with both programs
START_SECONDS = 60
STOP_SECONDS = 30


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`: of the variable, of this machine, or unpacked."""
    if folder := os.environ.get(VARIABLE):
        return str(Path(folder) / name)
    if there := shutil.which(name):
        return there
    return str(fetched("prometheus-debian", _fetch) / "usr/bin" / name)


def _fetch(folder: Path) -> None:
    run(["apt-get", "download", "prometheus"], "fetching Prometheus", 300, cwd=folder)
    (package,) = folder.glob("prometheus_*.deb")
    run(["dpkg", "-x", package.name, "."], "unpacking Prometheus", cwd=folder)
    package.unlink()


class Prometheus:
    """One server that scrapes the given ports each second and evaluates a file of rules."""

    def __init__(self, folder: Path, jobs: dict[str, int], rules: Path) -> None:
        self.port = free_port()
        self.log = folder / "prometheus.log"
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                for job, port in jobs.items()
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(configuration))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> None:
        """Wait until it answers."""
        wait_until(self._answers, START_SECONDS, "Prometheus to be ready")

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise ServerError(f"Prometheus ended.\n{tail(self.log.read_text())}")
        try:
            self._get("/-/ready")
        except OSError:
            return False
        return True

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of a query as of now, each with its labels and value."""
        return list(self._api("query", query=expr)["result"])

    def range(self, expr: str, start: float, end: float) -> list[dict[str, Any]]:
        """The series of a query over a time, a value each second."""
        asked = {"start": str(start), "end": str(end), "step": "1"}
        return list(self._api("query_range", query=expr, **asked)["result"])

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with their health and state."""
        return [rule for group in self._api("rules")["groups"] for rule in group["rules"]]

    def _api(self, what: str, **parameters: str) -> Any:
        return json.loads(self._get(f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}"))["data"]

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            body: bytes = answer.read()
            return body

    def end(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
