"""How the shapes that are made for every message are made by name, and not slowly.

It owns one trick of speed and knows no shape. CPython 3.11 puts the keywords of a call to a class
into a dict and takes them out again: `Record(message=..., ordinal=...)` with its 25 values costs
three times as much as the same call by place. Calls to functions need no dict.
"""

from collections.abc import Callable
from types import MethodType
from typing import ParamSpec, TypeVar, cast

_Parameters = ParamSpec("_Parameters")
_Shape = TypeVar("_Shape")


def by_keyword(shape: Callable[_Parameters, _Shape]) -> Callable[_Parameters, _Shape]:
    """The constructor of a named tuple as a function; a type checker sees the same parameters."""
    return cast(Callable[_Parameters, _Shape], MethodType(shape.__new__, shape))
