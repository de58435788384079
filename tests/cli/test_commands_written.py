"""Claims about the commands that documents, notes and messages tell a person to type."""

import pytest

from tests.cli.written import Written, actions, refusal, written


def test_every_command_that_is_written_parses() -> None:
    """Each `chargeline …` of the repository's documents, scripts, chart and messages is a command
    line that the real parser takes: a verb or an option that is renamed is found here.
    """
    refused = {f"{w.where}: chargeline {' '.join(w.words)}: {refusal(w)}" for w in written()}
    assert sorted(text for text in refused if not text.endswith(": ")) == []


@pytest.mark.parametrize(
    ("place", "least"),
    [
        ("README.md", 30),
        ("docs/live-service.md", 15),
        ("docs/production.md", 10),
        ("docs/kubernetes.md", 7),
        ("docs/refdata.md", 5),
        ("docs/authorizations.md", 5),
        ("docs/configuration.md", 3),
        ("docs/rights/roles.sql", 1),
        ("docs/rights/grants.sql", 5),
        ("helm/chargeline/templates/NOTES.txt", 2),
        ("helm/chargeline/files/dashboards/chargeline-operations.json", 3),
        ("rules/README.md", 3),
        ("SECURITY.md", 1),
        ("services/chargeline/operate/catching_up.py", 2),
    ],
)
def test_commands_are_seen_where_they_stand(place: str, least: int) -> None:
    """The reading sees shell lines, comments of scripts, backticks and texts of the program."""
    assert len([w for w in written() if w.where == place]) >= least


@pytest.mark.parametrize(
    ("words", "mention", "said"),
    [
        ("ledger verify --head FILE --public-key FILE", False, ""),
        ("ledger verify --heads FILE", False, "unrecognized arguments: --heads"),
        ("ledger forget", False, "required"),
        ("ledger forget", True, ""),
        ("parked drop --code X", True, ""),
        ("ledger forget --vizit", True, "no such option: --vizit"),
        ("parked remove", True, "invalid choice: 'remove'"),
        ("parked retry ONE", False, "expected a whole number"),
    ],
)
def test_the_reading_bites(words: str, mention: bool, said: str) -> None:
    """A misspelt verb or option is refused with the parser's words; a verb that is only named needs
    no arguments.
    """
    told = refusal(Written("a page", tuple(words.split()), mention))
    assert told == said if not said else said in told


def test_actions_are_those_of_the_parser() -> None:
    """`ledger hold` in backticks is a command, and `rules/base` is none."""
    assert {"hold", "migrate", "catch-up"} <= {*actions()["ledger"]}
    assert actions()["code"] == ()
