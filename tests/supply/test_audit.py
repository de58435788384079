"""Claims about `make audit`: it asks about each locked package, and a vulnerability ends it with 1.

A server of the test stands in for the database of vulnerabilities; the last test asks the real one
where there is a network.
"""

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from . import LOCKS, REPOSITORY
from .packages import locked

AUDIT_SECONDS = 300


class Database(ThreadingHTTPServer):
    """Answers as OSV does: what was asked, by name and version, and who is vulnerable."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: set[tuple[str, str]] = set()
        self.vulnerable = ""

    @property
    def options(self) -> str:
        return f"--vulnerability-service osv --osv-url http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Database

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        self.server.asked.add((name, asked["version"]))
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": []}]
        wrong = {"id": "ZEBRA-2026-1", "summary": "invented", "affected": affected}
        body = json.dumps({"vulns": [wrong]} if name == self.server.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def database() -> Iterator[Database]:
    with Database() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(options: str) -> subprocess.CompletedProcess[str]:
    """Play `make audit` with what is installed."""
    return subprocess.run(
        ["make", f"--assume-old={sys.prefix}/.installed", f"VENV={sys.prefix}", "audit",
         f"AUDIT={options}"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False,
    )  # fmt: skip


def test_every_locked_package_is_asked_about(database: Database) -> None:
    """Of each lock file, in its version; when nothing is known, the audit ends well."""
    done = audit(database.options)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {pair for lock in LOCKS for pair in locked(lock).items()}
    # What another Python or machine would install is in the lock, and not asked about here.
    assert database.asked <= wanted and len(database.asked) > 100
    assert set(locked("requirements-runtime.lock").items()) <= database.asked


def test_a_vulnerability_is_named_and_ends_it(database: Database) -> None:
    """The package, its version and the number of the vulnerability; one that is accepted passes."""
    database.vulnerable = "aiokafka"
    done = audit(database.options)
    assert done.returncode != 0
    version = locked("requirements-runtime.lock")["aiokafka"]
    assert f"aiokafka {version}" in " ".join(done.stdout.split()) and "ZEBRA-2026-1" in done.stdout
    assert audit(f"{database.options} --ignore-vuln ZEBRA-2026-1").returncode == 0


def test_a_database_that_does_not_answer_is_no_pass() -> None:
    """Nobody listens there: the audit fails, and does not say that all is well."""
    done = audit("--vulnerability-service osv --osv-url http://127.0.0.1:1")
    assert done.returncode != 0 and "No known vulnerabilities" not in done.stdout + done.stderr


def test_nothing_that_is_locked_has_a_published_vulnerability() -> None:
    """By the database that pip-audit asks. Skips with a warning where it cannot be asked."""
    done = audit("")
    if done.returncode and " known vulnerabilit" not in done.stderr:
        reason = f"skipped: the database of vulnerabilities gave no answer: {done.stderr[-300:]}"
        warnings.warn(pytest.PytestWarning(reason), stacklevel=1)
        pytest.skip(reason)
    assert done.returncode == 0, done.stdout + done.stderr
