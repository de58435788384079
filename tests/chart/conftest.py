"""Where Helm as a library cannot be had, the tests of the chart are skipped, with a warning."""

import warnings
from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True, scope="session")
def helm_itself() -> None:
    """Skip with the reason if there is no Helm: its library has no wheel for Linux on ARM."""
    if find_spec("helm_python") is None:
        reason = "the chart needs Helm as a library, which has no wheel for this machine"
        warnings.warn(pytest.PytestWarning(f"skipped: {reason}"), stacklevel=1)
        pytest.skip(reason)
