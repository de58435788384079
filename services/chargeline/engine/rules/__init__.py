"""One way to decide: rules as dated values, and the vocabulary in which rules are written.

It owns the meaning of a rule, and holds no rule. The rules are data in rules/, and the package
`rulebook` reads them.
"""

from chargeline.engine.rules.decide import (
    Condition,
    DayRules,
    Decision,
    Policy,
    Rule,
    SharedDecisions,
    Table,
    UndecidedError,
    applies,
)
from chargeline.engine.rules.vocabulary import NO_FACTS, Concern, Field, NoFacts, Value

__all__ = [
    "NO_FACTS",
    "Concern",
    "Condition",
    "DayRules",
    "Decision",
    "Field",
    "NoFacts",
    "Policy",
    "Rule",
    "SharedDecisions",
    "Table",
    "UndecidedError",
    "Value",
    "applies",
]
