"""Claims about the packages of others: each is named with its licence, and may be handed on."""

import re
from email.message import Message
from importlib import metadata

from . import REPOSITORY
from .packages import RUNTIME, locked, package, packages, third_party

# Licences under which a hospital may run and hand on the image, without opening its own code.
# MPL-2.0 asks for the source of its own files only, which certifi's package is.
PERMISSIVE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}


def test_the_page_is_current() -> None:
    """THIRD-PARTY.md is what `make notices` writes from the lock and from the packages."""
    assert (REPOSITORY / "THIRD-PARTY.md").read_text("utf-8") == third_party()


def test_what_is_installed_is_what_is_locked() -> None:
    """So the page speaks of the versions that run; `make setup` installs them."""
    assert {one.name: one.version for one in packages()} == locked(RUNTIME)


def test_every_licence_is_permissive_and_has_its_text() -> None:
    """Each package says its licence, brings the text, and asks nothing of those who use it."""
    for one in packages():
        named = set(re.split(r" (?:AND|OR) ", one.licence))
        assert named <= PERMISSIVE, one
        assert one.texts, one


class Said(metadata.Distribution):
    """A package that says this of itself."""

    def __init__(self, **said: str) -> None:
        self.said = said

    def read_text(self, filename: str) -> str | None:
        message = Message()
        for name, value in {"Name": "zebra", "Version": "1", **self.said}.items():
            message[name.replace("_", "-")] = value
        return message.as_string() if filename == "METADATA" else None

    def locate_file(self, path: object) -> object:
        raise AssertionError("nobody asks where it is")


def test_a_licence_is_read_where_packages_say_it() -> None:
    """An expression counts before older words; what nobody can read is no licence."""
    assert package(Said(License_Expression="MIT", License="GPL")).licence == "MIT"
    assert package(Said(License="Apache 2")).licence == "Apache-2.0"
    assert package(Said(License="GPL-3.0-only")).licence == "GPL-3.0-only"
    assert package(Said(Classifier="Topic :: Health")).licence == ""
