"""What was given and where it went, in a few words, for every page.

It owns these words only. The name of a drug is its id in the formulary, or what the sender wrote
where the formulary does not know it; the text comes from the feed and is not yet printable.
"""

from collections.abc import Mapping

from chargeline.engine import Administration, Formulary, plain, product_of

_SHORT_ROUTES: Mapping[str, str] = {
    "intravenous": "IV",
    "subcutaneous": "SC",
    "intramuscular": "IM",
    "intra_arterial": "IA",
}


def drug_words(item: Administration, formulary: Formulary) -> str:
    """The drugs of an administration with their amounts, such as `carboplatin 450 mg`."""
    parts = []
    for drug in item.drugs:
        if drug.component == "" and len(item.drugs) > 1:
            continue
        entry = product_of(item, drug, formulary).drug
        name = entry.id if entry else (drug.text or "/".join(drug.codes) or "unknown drug")
        amount = f" {plain(drug.amount)} {drug.unit}".rstrip() if drug.amount else ""
        parts.append(f"{name}{amount}" + (" (base)" if drug.component == "base" else ""))
    return " + ".join(parts) or "drug not charted"


def route_words(item: Administration) -> str:
    """The route in short, such as `IV`, or as the sender wrote it; `no route` without one."""
    route = _SHORT_ROUTES.get(item.route) or (
        item.route_text if item.route == "other" else item.route
    )
    return route or item.route_text or "no route"
