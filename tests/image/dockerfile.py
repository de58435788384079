"""Reads a Dockerfile into stages of instructions, as far as ours goes.

It owns continued lines, comments, arguments and the two forms of a command. It runs nothing, and
refuses an instruction that it does not know, so that no line of the Dockerfile is passed over.
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

KINDS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN",
    "USER", "VOLUME", "WORKDIR",
}  # fmt: skip


class Instruction(NamedTuple):
    """One instruction: its kind, its `--options` and the rest of its text."""

    kind: str
    options: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the text; those of the JSON form, if it is one."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """The text of ARG, ENV and LABEL as names and values; "" for an ARG without a value."""
        return dict(word.partition("=")[::2] for word in self.words)


class Stage(NamedTuple):
    """A stage: the image that it begins with, its name ("" for the last) and its instructions."""

    base: str
    name: str
    instructions: list[Instruction]

    def of(self, kind: str) -> list[Instruction]:
        """The instructions of a kind, in order."""
        return [instruction for instruction in self.instructions if instruction.kind == kind]

    def last(self, kind: str) -> Instruction:
        """The instruction of a kind that counts: the last one."""
        return self.of(kind)[-1]


def read(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, with the values that its ARGs have by themselves."""
    stages: list[Stage] = []
    outside: dict[str, str] = {}  # before the first FROM: for the FROMs, and for an ARG that asks
    values: dict[str, str] = {}
    for instruction in _instructions(path.read_text("utf-8")):
        kind, options, text = instruction
        if kind == "FROM":
            base, *named = _filled(text, outside).split()
            stages.append(Stage(base, named[1] if named else "", []))
            values = {}
        elif kind == "ARG":
            scope = values if stages else outside
            for name, value in instruction.pairs.items():
                scope[name] = value or outside.get(name, "")
            if stages:
                stages[-1].instructions.append(instruction)
        elif kind in ("ENV", "LABEL"):
            stages[-1].instructions.append(Instruction(kind, options, _filled(text, values)))
        else:  # the shell fills the variables of a RUN
            stages[-1].instructions.append(instruction)
    return stages


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for joined in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if not joined.strip():
            continue
        kind, rest = joined.split(None, 1)
        assert kind in KINDS, f"expected one of {sorted(KINDS)}, found {kind}: teach it to be read"
        options: dict[str, str] = {}
        while option := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            options[option[1]] = option[2]
            rest = rest[option.end() :]
        yield Instruction(kind, options, " ".join(rest.split()))


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1], name[0]), text)
