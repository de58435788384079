"""What a setting takes, in words: for its page, and for the error about a value that it refuses.

It owns the sentence for each type of setting. It does not know which settings there are.
"""

from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import DirectoryPath
from pydantic.fields import FieldInfo

from chargeline.settings.values import Settings


def expected_of(name: str) -> str:
    """What a field takes, in words: "a whole number from 1 to 65535"."""
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    written = str(extra["expected"]) if isinstance(extra, dict) else ""
    if written:
        return written
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(word for word in get_args(field.annotation) if word)
    if field.annotation is int:
        return _whole_number(field)
    return (
        "a folder that exists" if field.annotation == DirectoryPath | None else "a file that exists"
    )


def _whole_number(field: FieldInfo) -> str:
    least = next(limit.ge for limit in field.metadata if isinstance(limit, Ge))
    most = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    return f"a whole number from {least}" + (f" to {most}" if most is not None else "")
