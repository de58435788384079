"""Secrets that stand in files, as a vault or Kubernetes mounts them.

It owns how the content of such a file becomes a value, and what is said of a file that has none. A
file is read each time that its value is asked for, so that a new password counts for the next
connection. It never shows a value.
"""

from pathlib import Path

from chargeline.engine import Finding, FindingError, shape_of


class SecretFileError(FindingError, OSError):
    """The file of a secret cannot be read, or holds no value."""


def secret_of_file(path: Path, where: str) -> str:
    """The value in a file: its text without a byte order mark and one newline at the end.

    `where` is the variable that names the file. Raises SecretFileError.
    """
    try:
        # An editor of Windows puts a byte order mark first, which is no part of a password.
        value = path.read_text(encoding="utf-8-sig").removesuffix("\n")
    except OSError as error:
        raise _no_value(where, str(error.strerror)) from None
    except UnicodeDecodeError:
        raise _no_value(where, "bytes that are not UTF-8") from None
    if not value:
        raise _no_value(where, "nothing in it")
    if not value.isprintable():
        raise _no_value(where, f"{shape_of(value)}, several lines or control characters among them")
    return value


def _no_value(where: str, found: str) -> SecretFileError:
    return SecretFileError(
        Finding(
            "setting.value",
            expected="a file that we may read and that holds the value on one line",
            found=found,
            where=where,
            do="write the value into the file, or give the user of chargeline the right to read it",
        )
    )
