"""Claims about the file of senders: what may stand in it; all mistakes are told at once."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from chargeline.settings.senders import AllowedSender, SendersError, read_senders

INTERFACES = ("standard", "epic")


def read(path: Path, text: str, *, certificates: bool = True) -> tuple[AllowedSender, ...]:
    path.write_text(text)
    return read_senders(path, interfaces=INTERFACES, certificates=certificates)


def mistakes(path: Path, text: str, *, certificates: bool = True) -> list[str]:
    """The place of each mistake behind the name of the file."""
    with pytest.raises(SendersError) as caught:
        read(path, text, certificates=certificates)
    assert {finding.code for finding in caught.value.findings} == {"senders.file"}
    return [finding.where.partition(": ")[2] for finding in caught.value.findings]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "senders.toml"


def test_a_sender_is_read_with_all_that_it_may(path: Path) -> None:
    """A name in a certificate counts in any case; what is left out allows any."""
    full, short = read(
        path,
        """
        [[sender]]
        name = "mar"
        certificate = "MAR.Zebra.example"
        addresses = ["192.0.2.0/24", "2001:db8::/32", "192.0.2.9"]
        interface = "epic"
        applications = ["MAR"]
        facilities = ["ZEBRA"]
        types = ["RAS", "RDE"]
        processing_ids = ["P"]
        [[sender]]
        name = "adt"
        addresses = ["192.0.2.9"]
        """,
    )
    assert full == AllowedSender(
        name="mar",
        certificate="mar.zebra.example",
        addresses=tuple(map(ip_network, ("192.0.2.0/24", "2001:db8::/32", "192.0.2.9"))),
        interface="epic",
        applications=frozenset({"MAR"}),
        facilities=frozenset({"ZEBRA"}),
        types=frozenset({"RAS", "RDE"}),
        processing_ids=frozenset("P"),
    )
    assert short == AllowedSender(name="adt", addresses=(ip_network("192.0.2.9"),))


def test_all_mistakes_are_told_together(path: Path) -> None:
    """Each with its sender and its key."""
    text = """
        [[sender]]
        name = "mar"
        adresses = ["192.0.2.1"]
        [[sender]]
        name = "mar"
        certificate = 7
        addresses = ["192.0.2.1/24", "mar.example"]
        interface = "unheard_of"
        types = "RAS"
        facilities = []
        [[sender]]
        certificate = "adt"
        """
    assert mistakes(path, text) == [
        "sender 1",  # a key that is none
        "sender 1",  # nothing identifies it
        "sender 2: certificate",
        "sender 2: facilities",
        "sender 2: types",
        "sender 2: interface",
        "sender 2: addresses 1",
        "sender 2: addresses 2",
        "sender 2",  # its name again
        "sender 3",  # no name
    ]


def test_a_certificate_is_asked_for_only_with_authorities(path: Path) -> None:
    """Without them the sender of that certificate could never be known."""
    text = '[[sender]]\nname = "mar"\ncertificate = "mar"\n'
    assert mistakes(path, text, certificates=False) == ["sender 1: certificate"]
    assert len(read(path, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sender = []",
        "sender = 3",
        "[sender]\nname = 'mar'",
        "[[senders]]\nname = 'mar'",
        "a = " + "[" * 20_000,
        "[[sender]]\nname = 'mar'\nname = 'mar'",
    ],
)
def test_another_file_is_refused_in_words(path: Path, text: str) -> None:
    """An empty one too: it would refuse everybody."""
    assert mistakes(path, text) == [""]
    path.unlink()
    with pytest.raises(SendersError, match="expected a TOML file"):
        read_senders(path, interfaces=INTERFACES, certificates=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[[sender]\nname = 1", "a mistake at line 1, column 9"),
        ("", "none"),
        ("name = 'mar'", "also 'name'"),
        ("sender = 'mar'", "another value"),
    ],
)
def test_a_file_of_another_shape_is_told_with_its_setting(
    path: Path, text: str, found: str
) -> None:
    """The setting, the file, what stands there instead, and what to write."""
    with pytest.raises(SendersError) as caught:
        read(path, text)
    finding = caught.value.finding
    assert finding.where == f"CHARGELINE_SENDERS, {path}"
    assert finding.found == found
    assert "see above" not in finding.do
