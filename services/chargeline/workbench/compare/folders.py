"""The rules folders that a browser may choose: a closed list that the operator names.

It owns the form of the setting. It reads no rules.
"""

import re
from pathlib import Path

from chargeline.engine import Finding, FindingError

_PAIR = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,79})=([^=,\x00-\x1f\x7f]{1,1000}?)\s*")


class CompareFoldersError(FindingError):
    """The setting that names the rules folders of the screen Compare cannot be used."""


def folders_by_name(written: str) -> dict[str, Path]:
    """The folders of `january=/etc/chargeline/rules-2027, draft=/srv/rules`.

    Whether they hold rules, is said when somebody compares. Raises CompareFoldersError.
    """
    pairs = [_PAIR.fullmatch(part) for part in written.split(",") if part.strip()]
    folders = {pair[1]: Path(pair[2]) for pair in pairs if pair is not None}
    if len(folders) == len(pairs):
        return folders
    raise CompareFoldersError(
        Finding(
            "setting.value",
            expected="NAME=FOLDER, several with commas, and each name once",
            found="another form",
            where="CHARGELINE_WORKBENCH_COMPARE_RULES",
            do="name each folder by letters, digits, . _ -, and an equals sign before its path",
        )
    )
