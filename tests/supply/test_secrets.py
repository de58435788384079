"""Claims about secrets: none is committed. What looks like one stands here, with the reason.

detect-secrets reads every file that git has. A value that it suspects must be in this list, so a
new one is looked at by a person, wherever it stands.
"""

import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from detect_secrets.core import scan
from detect_secrets.settings import default_settings

from . import REPOSITORY

EXPLAINED = [
    (r"PASSWORD|password|secret", "what a document shows in place of one"),
    (r"laptop", "compose.yaml: invented visits, ports of this machine alone"),
    (r"stripes|swordfish|okapi|correct-(horse|ZEBRA-battery)|wrong", "with these our tests log in"),
    (r"BEGIN PRIVATE KEY", "a test looks for it where no key may be"),
    (r"TESTPATIENT\^ZEBRA", "an invented patient beside the word key"),
    (r"CHARGELINE_MLLP_TLS_KEY_FILE|with_password", "names of a setting and of a variable"),
    (
        r"(chargeline|vault)-[a-z-]+|hospital-ca|postgresql-ca|kafka-password|client-secret|oidc-secret",
        "names in the chart",
    ),
    (r"[0-9a-f]{12}|[0-9a-f]{64}", "a digest: a line id, a chain, or the script that is shipped"),
]
# Digests stand in examples and their tests; anywhere else a long hexadecimal is looked at.
DIGESTS = ("schemas/examples/", "tests/published/", "tests/workbench/test_vendored.py")


def committed() -> dict[str, list[str]]:
    """The files that git has, by their first folder, two deep below tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    parts: dict[str, list[str]] = defaultdict(list)
    for path in filter(None, listed.split("\0")):
        folders = path.split("/")[:-1]
        parts["/".join(folders[:2])].append(path)
    return parts


FILES = committed()


def suspected(path: str) -> list[str]:
    """The values of a file that look like secrets."""
    with default_settings():
        return [str(secret.secret_value) for secret in scan.scan_file(path)]


def unexplained(path: str, value: str) -> bool:
    """Whether nobody has said why this value is none."""
    matching = [words for words, _why in EXPLAINED if re.fullmatch(words, value)]
    if matching and "0-9a-f" in matching[0]:
        return not path.startswith(DIGESTS)
    return not matching


@pytest.mark.parametrize("part", FILES)
def test_no_secret_is_committed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of no file of this part does anything look like a secret but what is explained."""
    monkeypatch.chdir(REPOSITORY)
    for path in filter(os.path.isfile, FILES[part]):  # a removed file is listed, too
        odd = sum(unexplained(path, value) for value in suspected(path))
        # The values are not printed: one may be a secret.
        assert odd == 0, f"{path}: {odd} values look like secrets"


def test_no_file_is_one_of_keys_or_settings() -> None:
    """No key, no ledger and no .env is among the files."""
    paths = [path for part in FILES.values() for path in part]
    assert len(paths) > 1000
    assert [path for path in paths if re.search(r"\.(pem|key|p12|jks|sqlite|db|env)$", path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "AWS_KEY = 'AKIA" + "QYLPMN5HHHFPZAM2'",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "url = 'postgresql://chargeline:" + "Xk9-zebra@db/chargeline'",
        "token = '" + "ghp_" + 36 * "a1"[0:1] + "'",
        "password = '" + "T0rnado-zebra-77'",
    ],
)
def test_a_secret_is_found(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of a cloud, private keys, passwords in addresses and in settings, tokens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.py").write_text(line + "\n")
    values = suspected("settings.py")
    assert values and all(unexplained("settings.py", value) for value in values)
