"""The packages that run with chargeline, and under which licences: THIRD-PARTY.md.

It owns the reading of a lock file and of what a package says of its licence, in an SPDX expression
or in the older fields. It makes no judgement of a licence; the test beside it does.
"""

import re
from importlib import metadata
from typing import NamedTuple

from . import REPOSITORY

RUNTIME = "requirements-runtime.lock"

# What packages wrote before there were SPDX expressions, and the expression for it.
OLDER_WORDS = {
    "Apache 2": "Apache-2.0",
    "MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    # Of Jinja, as its text says.
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
}
HEAD = """\
# Packages of others

chargeline itself is under the Apache License 2.0 ([LICENSE](LICENSE)). It runs with these packages,
in the versions of `requirements-runtime.lock`. The wheel holds none of them: pip fetches them. The
image holds them all, each with the text of its licence in its `.dist-info` folder below `/app/lib`.
What a browser loads is in the wheel: htmx 2.0.11 (0BSD), one file with the text of its licence
beside it, in `services/chargeline/workbench/static/`.
Rules that follow somebody's publication name their source in `rules/`; CMS's tables and AMA's
descriptors are not part of this repository.

<!-- Made by `make notices` from requirements-runtime.lock and what the packages say. -->

| package | version | licence | text of the licence |
|---|---|---|---|
"""


class Package(NamedTuple):
    """A package: name and version, its licence in SPDX, the files that hold its text."""

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]


def locked(lock: str) -> dict[str, str]:
    """The version of each package of a lock file, by its name."""
    text = (REPOSITORY / lock).read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


def packages() -> list[Package]:
    """What runs with chargeline. Raises PackageNotFoundError for one that is not installed."""
    return [package(metadata.distribution(name)) for name in locked(RUNTIME)]


def package(distribution: metadata.Distribution) -> Package:
    """What a package says of itself; the licence is "" if it says nothing that we can read."""
    said = distribution.metadata
    words = [said.get("License-Expression"), *(said.get_all("Classifier") or ()), said["License"]]
    licences = {
        OLDER_WORDS.get(word, word)
        for word in words
        if word and (word in OLDER_WORDS or (not word.count("::") and "\n" not in word))
    }
    texts = sorted(
        re.sub(r".*\.dist-info/(licenses/)?", "", str(file))
        for file in distribution.files or ()
        if re.search(r"\.dist-info/.*(licen[cs]e|copying|notice)", str(file), re.IGNORECASE)
    )
    expression = said.get("License-Expression") or " OR ".join(sorted(licences))
    name = re.sub(r"[-_.]+", "-", said["Name"]).lower()
    return Package(name, distribution.version, expression, tuple(texts))


def third_party() -> str:
    """THIRD-PARTY.md."""
    return HEAD + "".join(
        f"| {one.name} | {one.version} | {one.licence} | {', '.join(one.texts)} |\n"
        for one in packages()
    )
