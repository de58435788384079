"""Tests of what the project is made of and hands out: packages, licences, secrets, the wheel."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-runtime.lock", "requirements-build.lock")
