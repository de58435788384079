"""Which drug of an administration an answer is about.

It owns the search among the drugs of a mixture, by their products. It changes nothing.
"""

from chargeline.engine.events import Answer
from chargeline.engine.formulary import Formulary
from chargeline.engine.services.facts import product_of
from chargeline.engine.timeline.records import Administration


def place_of_drug(answer: Answer, item: Administration, formulary: Formulary) -> int:
    """Where the drug in question stands among the drugs: by its product, else the first drug."""
    for number, drug in enumerate(item.drugs):
        product = product_of(item, drug, formulary).drug
        if product is not None and product.id == answer.drug:
            return number
    return first_drug(item)


def other_parts(place: int, item: Administration, formulary: Formulary) -> set[int]:
    """The places of further parts of one drug of a mixture: the amount given is that of all."""
    ids = [
        product.id if (product := product_of(item, drug, formulary).drug) is not None else ""
        for drug in item.drugs
    ]
    return {n for n, name in enumerate(ids) if n != place and name and name == ids[place]}


def first_drug(item: Administration) -> int:
    """The place of the first drug that is no fluid which carries the others."""
    return next((number for number, drug in enumerate(item.drugs) if drug.component != "base"), 0)
