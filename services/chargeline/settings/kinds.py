"""The kinds of values that a setting takes, and how a setting is declared.

It owns what is allowed by itself, such as a port or the name of a topic. It does not know which
settings there are.
"""

from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, StringConstraints

from chargeline.settings.networks import all_networks

PREFIX = "CHARGELINE_"
FILE = "_file"
"""What is added to the name of a secret for the setting that names its file."""

Port = Annotated[int, Ge(1), Le(65535)]
Count = Annotated[int, Ge(1)]
Amount = Annotated[int, Ge(0)]
# A message of 64 MiB is about 86 MiB in base64, and any broker still takes such a request.
FrameBytes = Annotated[int, Ge(1), Le(67_108_864)]
Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
OptionalName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,199})?$")]
Hosts = Annotated[str, StringConstraints(pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$")]
Networks = Annotated[str, AfterValidator(all_networks)]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]

TOPIC = "a topic name: letters, digits, . _ -"
NAME = "a name: letters, digits, . _ -"


def setting(default: Any, meaning: str, expected: str = "") -> Any:
    """A setting with its default and its meaning; `expected` is for what the type does not say."""
    return Field(default, description=meaning, json_schema_extra={"expected": expected})


def variable(name: str) -> str:
    """The environment variable of a field: `http_port` is CHARGELINE_HTTP_PORT."""
    return PREFIX + name.upper()
