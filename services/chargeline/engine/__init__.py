"""The pure core: messages in, timelines, draft charges and explanations out.

The engine owns every coding decision and nothing else. It reads no clock, no disk and no network,
uses no randomness and no floats, and imports the standard library only, so that the same messages
always give the same drafts. Its three main functions are `fold`, which makes timelines of messages,
`draft`, which makes charges of a timeline, and `explain`, which says why. Other packages import the
names below from here and from no module below; the closed words are in `words`.
"""

from chargeline.engine import words
from chargeline.engine.again import SavedWork
from chargeline.engine.draft import Rulebook, contributions_of, draft
from chargeline.engine.encounters import class_on
from chargeline.engine.events import (
    DrugAmount,
    Event,
    MessageRef,
    OrderFact,
    PatientMerge,
    Reading,
    Record,
    Source,
    Unreadable,
    VialCode,
    VisitFact,
    VisitKey,
    VisitMerge,
    WastedAmount,
)
from chargeline.engine.explain import difference_in_words, explain, printable, source_in_words
from chargeline.engine.families import BASE_ONLY, CONCERNS, FAMILIES
from chargeline.engine.finding import (
    MEANINGS,
    Finding,
    FindingCode,
    FindingError,
    RuleId,
    shape_of,
)
from chargeline.engine.formulary import AmountRange, Drug, Formulary, Given, NameWords, normal
from chargeline.engine.quantities import plain
from chargeline.engine.record import NO_HISTORY, Contribution, History, Slot, histories, sharing
from chargeline.engine.rules import (
    Concern,
    Condition,
    DayRules,
    Decision,
    Field,
    Policy,
    Rule,
    SharedDecisions,
    Table,
    UndecidedError,
    Value,
    applies,
)
from chargeline.engine.services.facts import product_of
from chargeline.engine.shapes import by_keyword
from chargeline.engine.timeline.feed import Feed, fold
from chargeline.engine.timeline.merges import Merges, Version
from chargeline.engine.timeline.orders import BEGINNING
from chargeline.engine.timeline.records import (
    Administration,
    Day,
    Interval,
    Timeline,
    VisitContext,
    clock_order,
)
from chargeline.engine.trace import (
    ChargeLine,
    Difference,
    Draft,
    EncounterDraft,
    Question,
    Step,
    Withheld,
    ask,
)

__all__ = [
    "BASE_ONLY",
    "BEGINNING",
    "CONCERNS",
    "FAMILIES",
    "MEANINGS",
    "NO_HISTORY",
    "Administration",
    "AmountRange",
    "ChargeLine",
    "Concern",
    "Condition",
    "Contribution",
    "Day",
    "DayRules",
    "Decision",
    "Difference",
    "Draft",
    "Drug",
    "DrugAmount",
    "EncounterDraft",
    "Event",
    "Feed",
    "Field",
    "Finding",
    "FindingCode",
    "FindingError",
    "Formulary",
    "Given",
    "History",
    "Interval",
    "Merges",
    "MessageRef",
    "NameWords",
    "OrderFact",
    "PatientMerge",
    "Policy",
    "Question",
    "Reading",
    "Record",
    "Rule",
    "RuleId",
    "Rulebook",
    "SavedWork",
    "SharedDecisions",
    "Slot",
    "Source",
    "Step",
    "Table",
    "Timeline",
    "UndecidedError",
    "Unreadable",
    "Value",
    "Version",
    "VialCode",
    "VisitContext",
    "VisitFact",
    "VisitKey",
    "VisitMerge",
    "WastedAmount",
    "Withheld",
    "applies",
    "ask",
    "by_keyword",
    "class_on",
    "clock_order",
    "contributions_of",
    "difference_in_words",
    "draft",
    "explain",
    "fold",
    "histories",
    "normal",
    "plain",
    "printable",
    "product_of",
    "shape_of",
    "sharing",
    "source_in_words",
    "words",
]
