"""What all published shapes share.

It owns that a value cannot be changed, and that a key which no shape names is refused.
"""

from pydantic import BaseModel, ConfigDict


class PublishedModel(BaseModel):
    """What all shapes share: a value cannot be changed, and holds no key that is not named here."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        # A key with a default came later than the first ledgers: it is read where it is missing,
        # and always written.
        json_schema_serialization_defaults_required=True,
    )
