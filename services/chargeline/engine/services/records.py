"""The shapes of one administration as a service, and the order of services by the clock.

It owns `Facts` (what holds of an administration under any policy), `Judgement` (what the rules of
one policy say of the administration) and `Service` (both together). It decides nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chargeline.engine.containers import Container
from chargeline.engine.events import DrugAmount, Source, VialCode
from chargeline.engine.formulary import Drug
from chargeline.engine.ndc import NotAnNdc
from chargeline.engine.rules import Decision, Table
from chargeline.engine.services.concerns import (
    ClassAnswer,
    OneTimeAnswer,
    RankAnswer,
    TechniqueAnswer,
    TechniqueFacts,
)
from chargeline.engine.spans import Span, union
from chargeline.engine.timeline.records import Administration
from chargeline.engine.trace import Question, Step
from chargeline.engine.words import Charting, DrugClass, DrugKind, Outcome, PurposeFact, Technique

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class NamedDrug(NamedTuple):
    """A drug of the formulary with the amount that was charted.

    `whole` is what the row itself says of a drug of its mixture, beside its parts; None without.
    """

    drug: Drug
    amount: DrugAmount
    whole: DrugAmount | None = None


class NamedVial(NamedTuple):
    """A vial as charted: its NDC, or why its code is none, and what is known of its container.

    `is_fluid` says that it holds no drug but fluid, such as the bag in which a drug is dissolved.
    `serial` is the number that its barcode gives to this one vial, "" for none.
    """

    vial: VialCode
    ndc: str
    container: Container | None
    refused: NotAnNdc | None = None
    is_fluid: bool = False
    serial: str = ""


class Service(NamedTuple):
    """One administration as a service.

    `substance` names what was given; the drugs of a mixture are joined by `+`. `minutes` are whole
    running minutes without pauses. `reason` and `says` tell why the service is withheld or asked
    about. `provisional` names the open question that may change the service. Fields without a value
    have their defaults: a service that is withheld without a rule has no technique.
    """

    administration: Administration
    substance: str
    outcome: Outcome = "service"
    reason: str = ""
    says: str = ""
    drugs: tuple[NamedDrug, ...] = ()
    vehicles: tuple[DrugAmount, ...] = ()
    service_class: DrugClass = "therapeutic"
    technique: Technique | None = None
    minutes: int = 0
    spans: tuple[Span, ...] = ()
    modifier: str = ""
    provisional: str = ""
    steps: tuple[Step, ...] = ()
    questions: tuple[Question, ...] = ()
    judgement: "Judgement | None" = None
    vials: tuple[NamedVial, ...] = ()


FLUIDS: frozenset[DrugClass] = frozenset({"hydration", "flush"})
"""The classes that can serve a line alone: keep the vein open, or rinse the line."""


def joined_spans(services: Iterable["Service"]) -> list[Span]:
    """The time in which services run, as `union` gives it."""
    return union(span for service in services for span in service.spans)


def purpose_of(item: Administration, service_class: DrugClass) -> PurposeFact:
    """What an administration is for. A word in a note marks only what is itself a fluid or a flush.

    Nurses write "flush with 10 mL NS after infusion" beside the drug; the drug is no flush.
    """
    return (item.purpose or "none") if service_class in FLUIDS else "none"


def line_purpose_of(service: "Service") -> PurposeFact:
    """What a fluid or a flush does for its line alone; `none` for what is given for itself."""
    if service.service_class == "flush":
        return "flush"
    return purpose_of(service.administration, service.service_class)


def keys_of(services: Sequence[Service]) -> tuple[str, ...]:
    """The keys of the administrations behind some services."""
    return tuple([service.administration.key for service in services])


class Facts(NamedTuple):
    """What holds of an administration under any policy.

    `kinds` are those of the drugs. `ended` is the result where no rule is needed, such as for a
    drug that was not given.
    """

    administration: Administration
    substance: str = ""
    drugs: tuple[NamedDrug, ...] = ()
    kinds: tuple[DrugKind, ...] = ()
    vehicles: tuple[DrugAmount, ...] = ()
    minutes: int = 0
    spans: tuple[Span, ...] = ()
    questions: tuple[Question, ...] = ()
    sources: tuple[Source, ...] = ()
    ended: Service | None = None
    vials: tuple[NamedVial, ...] = ()


class Judgement(NamedTuple):
    """What rules say of an administration by itself: class, meaning of a single time, technique.

    `leading` is the drug that decides the class. For a mixture, `mixture` is the decision that
    chose that drug. `leading` and `drug_class` are None where no drug is known.
    """

    leading: Drug | None
    drug_class: Decision[ClassAnswer] | None
    mixture: Decision[RankAnswer] | None
    one_time: Decision[OneTimeAnswer] | None
    charting: Charting
    technique: Decision[TechniqueAnswer]
    technique_table: Table[TechniqueFacts, TechniqueAnswer]

    @property
    def service_class(self) -> DrugClass:
        """The class; an unknown drug is taken for a therapeutic one."""
        return self.drug_class.answer.class_ if self.drug_class is not None else "therapeutic"

    @property
    def is_plain(self) -> bool:
        """Whether the technique rule says "service", so that no further rule is asked."""
        is_decided = self.technique.rule is not None and self.leading is not None
        return is_decided and self.technique.answer.outcome == "service"


def instant_seconds(moment: datetime) -> int:
    """Whole seconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _SECOND


def start_seconds(service: Service) -> int:
    """The start of a service, in seconds since 1970."""
    if service.spans:
        return service.spans[0][0]
    return instant_seconds(service.administration.intervals[0].start)


def end_seconds(service: Service) -> int:
    """The last charted stop, in seconds since 1970; the start where no stop is charted."""
    return max([start_seconds(service), *[stop for _start, stop in service.spans]])


def clock_order(service: Service) -> tuple[int, str]:
    """The order of services: by start, then by key, so that arrival does not change the order."""
    return (start_seconds(service), service.administration.key)
