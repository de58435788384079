"""Command lines of chargeline as documents and messages write them, and what the parser says.

It owns where a command stands in a text: in a fenced block of a shell, in backticks, in a comment
of a script, in the notes of the chart. A verb that is only named (`chargeline answer`, or
`ledger hold`) needs no arguments; what it has must still be accepted. It knows nothing of what a
command does.
"""

import argparse
import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from unittest.mock import patch

from chargeline import cli
from tests.test_tidy import REPOSITORY, project_files

SHELLS = ("sh", "console", "bash", "shell")
SCRIPTS = (".sh", ".sql", ".txt")  # of docs/rights and of the chart's notes
DATA = (".json", ".toml", ".yaml")  # descriptions of values, of shapes, of what a panel shows
# What stands in a document where a person writes a value of their own.
VALUES = {
    "ID": "1",
    "N": "1",
    "NUMBER": "1",
    "VALUE": "1",
    "OFFSET": "1",
    "HOST:PORT": "localhost:2575",
    "$AS_OF": "2026-03-02T02:10:00+00:00",
}
_VERBS = argparse._SubParsersAction
_ENDS = re.compile(r"[;&|()<>]+")
_SETS = re.compile(r"[A-Z_]+=.*")
_RUNNERS = {"--", "exec", "run"}  # of docker and kubectl, before what runs inside
_NEEDS_MORE = re.compile(
    r"arguments are required|one of the arguments .* required|expected .*one arg"
)


class Written(NamedTuple):
    """One command line: where it stands, its words after `chargeline`, and whether it may be only
    named, without what the verb needs.
    """

    where: str
    words: tuple[str, ...]
    mention: bool


class RefusedError(Exception):
    """The parser does not take a command line."""


# ------------------------------------------------------------------ where commands stand


@cache
def written() -> tuple[Written, ...]:
    """Every command line of the repository's documents, scripts, notes and messages."""
    lines: list[Written] = []
    for path in project_files():
        name, kind = path.relative_to(REPOSITORY).as_posix(), path.suffix
        if kind == ".py" and not name.startswith("tests/"):
            lines += [w for text in _literals(path) for w in _in_backticks(name, text)]
        elif kind in DATA:
            lines += _in_backticks(name, path.read_text("utf-8"))
        elif kind in (".md", *SCRIPTS):
            lines += _of_document(name, path.read_text("utf-8"))
    return tuple(lines)


def _of_document(name: str, text: str) -> Iterator[Written]:
    if not name.endswith(".md"):
        shell = "\n".join(re.sub(r"^\s*(#|--|\$) *", "", line) for line in text.splitlines())
        yield from _in_shell(name, re.sub(r"{{.*?}}", "VALUE", shell))
        yield from _in_backticks(name, re.sub(r"\n(#|--)", "\n", text))
        return
    fenced = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
    for language, block in fenced.findall(text):
        if language == "console":
            block = "\n".join(line[2:] for line in block.splitlines() if line.startswith("$ "))
        if language in SHELLS:
            yield from _in_shell(name, block)
    yield from _in_backticks(name, fenced.sub("", text))


def _in_shell(name: str, text: str) -> Iterator[Written]:
    """The commands of shell lines, behind variables, pipes and programs that run a command."""
    for line in text.replace("\\\n", " ").splitlines():
        try:
            words = list(_split(line))
        except ValueError:  # a quote that goes over several lines, or prose with an apostrophe
            words = line.split() if re.match(r"\s*chargeline ", line) else []
        commands: list[list[str]] = [[]]
        for word in words:
            if _ENDS.fullmatch(word):
                commands.append([])
            else:
                commands[-1].append(word)
        for command in commands:
            if "chargeline" in command:
                at = command.index("chargeline")
                before = {word for word in command[:at] if not _SETS.fullmatch(word)}
                names_a_verb = command[at + 1 :][:1] != ["VALUE"]  # else it is a sentence
                if _RUNNERS & before or (not before and names_a_verb):
                    yield Written(name, tuple(command[at + 1 :]), mention=False)


def _split(line: str) -> Iterator[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    yield from lexer


def _in_backticks(name: str, text: str) -> Iterator[Written]:
    """`chargeline parked list` in running text, or `parked list`: a verb with an action.

    `[--value V]` is once there and once not.
    """
    for inside in re.findall(r"`([^`\s][^`]*)`", text):
        words = inside.split()
        ours = words[0] == "chargeline"
        if not ours and not (
            actions().get(words[0]) and re.match(r"[a-z-]+$", " ".join(words[1:2]))
        ):
            continue
        inside = " ".join(words[1:] if ours else words)
        for variant in {re.sub(r"\[[^]]*\] ?", "", inside), re.sub(r"[][]", "", inside)}:
            command = tuple(shlex.split(variant))
            if not {"VERB", "VALUE"} & {*command[:1]}:  # a verb that the program writes there
                yield Written(name, command, mention=True)


@cache
def actions() -> dict[str, tuple[str, ...]]:
    """The actions of each verb that has some: `ledger` has `migrate`, `status` and others."""
    (verbs,) = _choices(cli._parser())
    return {name: tuple(a for c in _choices(verb) for a in c) for name, verb in verbs.items()}


def _choices(parser: Any) -> list[dict[str, Any]]:
    return [action.choices for action in parser._actions if isinstance(action, _VERBS)]


def _literals(path: Path) -> Iterator[str]:
    """The texts of a module, each with what is written into it as VALUE."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "VALUE" for p in node.values]
            yield "".join(map(str, parts))


# ------------------------------------------------------------------ what the parser says


def refusal(command: Written) -> str:
    """Why the parser does not take a command line; "" if it does."""
    words = [VALUES.get(word, word) for word in command.words]
    if words in (["--help"], ["--version"]) or words == []:
        return ""
    try:
        with patch.object(argparse.ArgumentParser, "error", _refuse):
            cli._parser().parse_args([word for word in words if word != "--help"])
    except RefusedError as refused:
        if command.mention and _NEEDS_MORE.search(str(refused)):
            return _unknown_options(words)
        return str(refused)
    return ""


def _refuse(_parser: argparse.ArgumentParser, message: str) -> NoReturn:
    raise RefusedError(message)


def _unknown_options(words: Sequence[str]) -> str:
    """What a verb that is only named has of options that it does not take."""
    parser: Any = cli._parser()
    for word in words:
        for verbs in _choices(parser):
            parser = verbs.get(word, parser)
    unknown = [w for w in words if w.startswith("-") and w not in parser._option_string_actions]
    return f"no such option: {', '.join(unknown)}" if unknown else ""
