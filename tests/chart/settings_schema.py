"""The settings that the chart passes on as they are, as JSON Schema of its values.

`python -m tests.chart.settings_schema` writes them into the chart's values.schema.json; a test
holds the two together. It owns which settings have a place of their own in the chart instead.
"""

import json
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import DirectoryPath, FilePath, SecretStr

from chargeline.settings import Settings, variable
from chargeline.settings.expected import expected_of

SCHEMA = Path(__file__).resolve().parents[2] / "helm/chargeline/values.schema.json"
# What the chart sets itself, beside secrets and files: from these values, or for good.
PLACED = {
    "kafka_bootstrap": "kafka.bootstrap",
    "kafka_instance_id": "the name of the pod",
    "kafka_security_protocol": "kafka.tls and kafka.sasl",
    "kafka_sasl_mechanism": "kafka.sasl.mechanism",
    "kafka_sasl_username": "kafka.sasl.existingSecret",
    "http_port": "8080",
    "mllp_port": "2575",
    "workbench_host": "0.0.0.0",
    "workbench_port": "8090",
    "workbench_login": "oidc",
    "workbench_address": "workbench.address",
    "workbench_proxies": "workbench.proxies",
    "workbench_oidc_issuer": "workbench.oidc.issuer",
    "workbench_oidc_client_id": "workbench.oidc.clientId",
    "workbench_roles": "workbench.roles",
    "allow_plaintext": "allowPlaintext and workbench.allowPlaintext",
}
_FILES = (DirectoryPath | None, FilePath | None)
_NUMBER = {"type": ["integer", "string"], "pattern": "^[0-9]+$"}


def passed_on() -> dict[str, dict[str, Any]]:
    """The schema of each setting that is passed on, by its variable, in order."""
    return {
        variable(name): {**_type(name), "description": _description(name)}
        for name, field in Settings.model_fields.items()
        if name not in PLACED and field.annotation not in (*_FILES, SecretStr)
    }


def _description(name: str) -> str:
    said = str(Settings.model_fields[name].description)
    return f"{said} Expected: {expected_of(name)}."


def _type(name: str) -> dict[str, Any]:
    annotation = Settings.model_fields[name].annotation
    choices = get_args(annotation) if get_origin(annotation) is not None else ()
    if choices == ("no", "yes"):  # YAML reads a bare yes as true
        return {"enum": [*choices, False, True]}
    if choices:
        return {"enum": list(choices)}
    return _NUMBER if annotation is int else {"type": "string"}


def with_settings(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of the values with these settings in place of those that it has."""
    schema["definitions"]["settings"]["properties"] = passed_on()
    return schema


def as_text(schema: dict[str, Any]) -> str:
    """The schema as the file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(as_text(with_settings(json.loads(SCHEMA.read_text("utf-8")))), "utf-8")
