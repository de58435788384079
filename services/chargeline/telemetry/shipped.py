"""Writes what the chart ships of telemetry: `python -m chargeline.telemetry.shipped`.

It owns where the dashboards and the alerts lie below the chart's files. What they say stands in
`dashboards/` and `alerts/`; a test holds the files to these tables.
"""

import sys
from pathlib import Path

from chargeline.telemetry import alerts, dashboards

FOLDER = Path("helm/chargeline/files")


def files() -> dict[str, str]:
    """Every file, by its name below the chart's files."""
    drawn = {f"dashboards/{name}": text for name, text in dashboards.files().items()}
    return {**drawn, "alerts.yaml": alerts.as_yaml()}


def write(folder: Path) -> None:
    """Write the files into a folder, and create the folder if it does not exist."""
    for name, text in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
