"""Tests of the image: its Dockerfile is linted, read, and played without a container engine."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = REPOSITORY / "Dockerfile"


def version_of(base: str) -> str:
    """The Python of a base image: 3.12 of `docker.io/library/python:3.12-slim@sha256:…`."""
    named = re.search(r"/python:(\d+\.\d+)", base)
    assert named is not None, f"expected a base image of Python with its version, found {base}"
    return named[1]
