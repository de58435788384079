"""A rulebook of a handful of rows, for tests that spoil it or date it.

It owns the folder's layout. Every text of it is the smallest that the loader accepts.
"""

from collections.abc import Sequence
from pathlib import Path

DRUG_COLUMNS = "id,names,hcpcs,unit_amount,unit,kind,container,from,until,cite,note\n"
CODE_COLUMNS = "role,code,from,until,cite\n"


def rule(name: str, **keys: str) -> str:
    """One [[rule]]; a key's text stands as it is given, `from_` for `from`."""
    known = {
        "decides": '"units.additional_hour"',
        "from": "2024-01-01",
        "then": "{ remainder_minutes = 31 }",
        "why": '"A zebra is striped."',
        "cite": '["HOUSE"]',
    } | {key.rstrip("_"): text for key, text in keys.items()}
    return f'[[rule]]\nid = "{name}"\n' + "".join(f"{key} = {text}\n" for key, text in known.items())


def small_rules(
    folder: Path, *, base: str = "", own: str = "", codes: Sequence[str] = (), drugs: Sequence[str] = ()
) -> Path:
    """A rules folder with one policy, zebra-2026, whose own rules are `own`."""
    texts = {
        "sources.toml": '[HOUSE]\ntitle = "A decision of this house"\n',
        "payers.toml": 'default = "zebra-2026"\n',
        "base/rules.toml": base,
        "base/codes.csv": CODE_COLUMNS + "".join(f"{row}\n" for row in codes),
        "policies/zebra-2026/policy.toml": f'name = "zebra-2026"\ndescribes = "stripes"\n{own}',
        "formulary/drugs.csv": DRUG_COLUMNS + "".join(f"{row}\n" for row in drugs),
    }
    for name, text in texts.items():
        path = folder / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "small"
