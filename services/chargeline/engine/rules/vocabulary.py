"""What rules may decide: concerns, each with the facts it asks for and the answers it may have.

It owns the shape of a concern, and knows no concern. Each part of the engine declares its own, and
`families.py` lists them all. Facts and answers are named tuples: their fields are what a rule may
write in `when` and in `then`. The type of a field says which values the field may have: a family of
words.py, a whole number, or any text. So the engine gives facts by name, the type checker checks
how the engine uses answers, and the checker of the rulebook knows each word. A field whose name
Python reserves ends in `_`: rules write `class`, the named tuple has `class_`.

The type of such a field stands in quotes, `by: "InitialBy"`. Where the engine is compiled, mypyc
keeps what a type is called only if it is written so, and the words are read from the types.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

from chargeline.engine.words import words_of

Facts = TypeVar("Facts", bound=tuple[Any, ...])
Answer = TypeVar("Answer", bound=tuple[Any, ...])
Value = str | int
"""One fact or one answer: a word, a text, or a whole number."""


class NoFacts(NamedTuple):
    """The facts of a concern that asks for none, because one answer holds for everything."""


NO_FACTS = NoFacts()


class Field(NamedTuple):
    """One fact or answer, under the name that rules use: a word of `words`, a number, or any text.

    `words` is () for a number or any text. An answer that is not `required` has a default.
    """

    name: str
    words: tuple[str, ...]
    is_number: bool
    required: bool

    @property
    def is_text(self) -> bool:
        """Whether the field may hold any text."""
        return not self.words and not self.is_number


class Concern(Generic[Facts, Answer]):
    """One question that rules answer.

    With `may_be_silent` it is no gap when no rule applies to some facts. `facts` and `answers` hold
    the fields by the names that rules use, in their order.
    """

    def __init__(
        self,
        name: str,
        facts: type[Facts],
        answer: type[Answer],
        *,
        meaning: str,
        may_be_silent: bool = False,
    ) -> None:
        self.name = name
        self.answer = answer
        self.meaning = meaning
        self.may_be_silent = may_be_silent
        self.facts = _fields(facts)
        self.answers = _fields(answer)
        self._make_facts: Callable[..., Facts] = facts

    def __repr__(self) -> str:
        return f"Concern({self.name})"

    def facts_of(self, values: Mapping[str, Value]) -> Facts:
        """The facts with these values, by the names that rules use."""
        return self._make_facts(*(values[name] for name in self.facts))

    def answer_of(self, values: Mapping[str, Value]) -> Answer:
        """The answer with these values; a field without a value has its default."""
        return self.answer(**{_python_name(name): value for name, value in values.items()})


_RESERVED = frozenset({"class", "as", "with"})


def _python_name(name: str) -> str:
    return f"{name}_" if name in _RESERVED else name


def _fields(shape: Any) -> dict[str, Field]:
    hints = get_type_hints(shape)
    fields = [
        Field(
            name.rstrip("_"),
            () if hints[name] in (int, str) else words_of(hints[name]),
            hints[name] is int,
            name not in shape._field_defaults,
        )
        for name in shape._fields
    ]
    return {field.name: field for field in fields}
