"""The drafting floor, set up from a site's settings.

This module owns which setting goes to which part, for every program that drafts. It does not know
where messages come from.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from chargeline.drafting.announcing import ParkedTopic
from chargeline.drafting.prices import read_prices
from chargeline.drafting.processor import Processor, ProcessorSettings, utc_now
from chargeline.drafting.quarantine import Quarantine
from chargeline.drafting.revisions import DraftingResult, RevisionMaker, Topics
from chargeline.engine import Rulebook
from chargeline.hl7.profile import make_profile
from chargeline.ledger.store import Ledger
from chargeline.refdata.bundle import read_bundle
from chargeline.rulebook.loading import interface_names, read_interface, refuse_unknown_policy
from chargeline.rulebook.location import rules_directory
from chargeline.rulebook.sound import sound_rulebook
from chargeline.settings import Settings

VISITS_IN_MEMORY = 5_000
RETENTION_SECONDS = 3600.0
"""Every hour the live programs remove what was kept for its number of days."""


def load_rules(settings: Settings) -> tuple[Rulebook, Path]:
    """The rulebook, with the default policy and the tables of the settings, and its folder.

    Raises RulebookError if a file of the rules cannot be used, or the policy does not exist, and
    RefdataError if the bundle cannot be used.
    """
    folder = rules_directory(settings.rules)
    rulebook = sound_rulebook(folder, settings.formulary)
    if settings.default_policy:
        refuse_unknown_policy(settings.default_policy, rulebook, where="CHARGELINE_DEFAULT_POLICY")
        rulebook = rulebook._replace(default_policy=settings.default_policy)
    if settings.refdata is not None:
        rulebook = rulebook.with_tables(read_bundle(settings.refdata).tables)
    return rulebook, folder


def new_processor(
    settings: Settings,
    ledger: Ledger,
    inbound: str,
    tell: Callable[[DraftingResult], None] = lambda _result: None,
) -> Processor:
    """A processor for the records of the topic `inbound`.

    `tell` is called with what was committed; a program that only looks commits nothing. Raises
    RulebookError, Hl7Error or PricesError if a file cannot be used.
    """
    rulebook, folder = load_rules(settings)
    maker = RevisionMaker(
        rulebook,
        Topics(settings.topic_drafts, settings.topic_questions, settings.topic_authorizations),
        grace=timedelta(hours=float(settings.discharge_grace_hours)),
        stop_grace=timedelta(minutes=float(settings.missing_stop_grace_minutes)),
        prices=read_prices(settings.prices) if settings.prices is not None else None,
    )
    wanted = ProcessorSettings(
        inbound_topic=inbound,
        parked=ParkedTopic(settings.topic_parked, with_bytes=settings.parked_bytes == "yes"),
        settle=timedelta(seconds=float(settings.settle_seconds)),
        visits_in_memory=VISITS_IN_MEMORY,
    )
    profile = make_profile(read_interface(folder, settings.interface))
    interfaces = {settings.interface: profile}
    for name in interface_names(folder):
        if name != settings.interface:
            interfaces[name] = make_profile(read_interface(folder, name))
    quarantine = Quarantine(
        settings.parked_in_a_row,
        settings.parked_per_minute,
        minutes=settings.quarantine_minutes,
        clock=utc_now,
    )
    return Processor(
        ledger,
        profile,
        maker,
        wanted,
        clock=utc_now,
        quarantine=quarantine,
        tell=tell,
        interfaces=interfaces,
    )
