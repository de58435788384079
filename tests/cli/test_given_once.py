"""Claims about every option of every verb that has a value: it is given once, unless it says that
it may be given several times.
"""

import argparse
from collections.abc import Iterator

import pytest

from chargeline import cli

VALUES = (
    "x", "1", "2026-03-01", "2026-03-02T02:10:00+00:00", "2026Q4", "ZEBRA|V1", "localhost:2575",
)  # fmt: skip
Verb = tuple[str, ...]


def verbs(
    parser: argparse.ArgumentParser, path: Verb = ()
) -> Iterator[tuple[Verb, argparse.ArgumentParser]]:
    """Each verb that does something, with its parser."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below:
        yield path, parser
    for action in below:
        for name, child in action.choices.items():
            yield from verbs(child, (*path, name))


def options() -> list[tuple[Verb, argparse.Action]]:
    """Each option that has one value, with the verb that takes it."""
    return [
        (path, option)
        for path, parser in verbs(cli._parser())
        for option in parser._actions
        if option.option_strings and option.nargs != 0
        if not isinstance(option, argparse._AppendAction)
    ]


def value_of(option: argparse.Action) -> str:
    """A value that the option takes."""
    for value in option.choices or VALUES:
        try:
            if callable(option.type):
                option.type(value)
        except (argparse.ArgumentTypeError, ValueError):
            continue
        return str(value)
    raise AssertionError(f"no value fits {option.option_strings}")


def test_the_verbs_have_options() -> None:
    """What is asked below is asked of the whole command line."""
    asked = {(" ".join(path), name) for path, option in options() for name in option.option_strings}
    assert {("ledger hold", "--patient"), ("redraft", "--visit"), ("code", "--policy")} < asked
    assert len(asked) > 80


@pytest.mark.parametrize(
    ("path", "option"),
    [pytest.param(*one, id=" ".join((*one[0], one[1].option_strings[0]))) for one in options()],
)
def test_an_option_that_is_given_twice_is_wrong_use(
    path: Verb, option: argparse.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    """The end is 2, and the line names the option and says to give it once."""
    name, value = option.option_strings[0], value_of(option)
    with pytest.raises(SystemExit) as ended:
        cli.main([*path, name, value, f"{name}={value}"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"argument {name}: given twice; give it once" in said


def test_a_shortened_name_is_the_same_option(capsys: pytest.CaptureFixture[str]) -> None:
    """`--vis` is `--visit`, so the two together are one option given twice."""
    with pytest.raises(SystemExit):
        cli.main(["redraft", "--vis", "V1", "--visit", "V2"])
    assert "argument --visit: given twice" in capsys.readouterr().err


def test_an_option_that_takes_several_values_takes_them_together() -> None:
    """`--feed A B` is one giving of the option."""
    asked = cli._parser().parse_args(["questions", "list", "--feed", "A", "B"])
    assert asked.paths == ["A", "B"]


def test_each_command_line_begins_anew() -> None:
    """A parser that has parsed one command line takes the next."""
    parser = cli._parser()
    for visit in ("V1", "V2"):
        assert parser.parse_args(["redraft", "--visit", visit]).visit == visit
