"""Everything that a draft is made from besides what happened: rules, formulary, published tables.

It owns the whole of a rulebook, and which policy the visits of a payer follow. It reads no file;
the package `rulebook` does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from chargeline.engine.authorizations.needed import NO_NEEDS, Needs
from chargeline.engine.formulary import Formulary
from chargeline.engine.published_containers import published_containers
from chargeline.engine.rules import Policy
from chargeline.engine.tables import NO_TABLES, PublishedTables
from chargeline.engine.timeline.records import VisitContext


class Rulebook(NamedTuple):
    """Everything that a draft is made from besides the timeline and the history.

    `version` names the text of the rules and, behind a plus sign, the published tables.
    `base` holds the rules that are the same for every payer; `fold` uses them. `policies` are by
    name, and `compared` names those that lines are compared with. `payers` maps a payer to a
    policy, and `sources` a citation key to its title. `tables` are the published tables, NO_TABLES
    where the site has none, and `needs` says for which codes payers want an authorization.
    """

    version: str
    base: Policy
    policies: Mapping[str, Policy]
    compared: tuple[str, ...]
    default_policy: str
    payers: Mapping[str, str]
    formulary: Formulary
    sources: Mapping[str, str]
    tables: PublishedTables = NO_TABLES
    needs: Needs = NO_NEEDS

    def with_tables(self, tables: PublishedTables) -> "Rulebook":
        """The rulebook with published tables, whose version is part of its own.

        So a draft says by which tables it was made, and open visits are drafted again after a new
        bundle as they are after new rules. The formulary knows the packages of the crosswalk.
        """
        packages = published_containers(tables, self.formulary)
        return self._replace(
            version=f"{self.version}+{tables.version}",
            tables=tables,
            formulary=self.formulary.with_containers(packages, tables.packages()),
        )

    def policy_for(self, context: VisitContext) -> str:
        """The policy of the visit's payer; the site's default where the table lacks the payer."""
        return self.policy_of_payer(context.payer)

    def policy_of_payer(self, payer: str) -> str:
        """The policy of a payer; the site's default where the table lacks it."""
        return self.payers.get(payer.upper(), self.default_policy)
