"""Claims about a site's price list: all its mistakes are reported at once, each with its line."""

from pathlib import Path

import pytest

from chargeline.drafting.prices import PricesError, read_prices
from tests.live.commands import command, environment
from tests.live.servers import free_port


def written(folder: Path, data: bytes) -> Path:
    path = folder / "prices.csv"
    path.write_bytes(data)
    return path


def test_a_list_is_read_with_blanks_blank_lines_and_a_mark(tmp_path: Path) -> None:
    """A spreadsheet writes a byte order mark, blanks and blank lines; they do no harm."""
    path = written(tmp_path, b"\xef\xbb\xbfCode, Cents\r\nJ9271,2950\r\n\r\n 96365 , 70000\r\n")
    assert read_prices(path) == {"J9271": 2950, "96365": 70000}


def test_all_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    """The mistakes: a price with a point, a code in small letters, a column too few, a column too
    many, a code that comes again, a negative price.
    """
    rows = [
        "code,cents",
        "J9271,29.50",
        "j9271,1",
        "96365,1",
        "96365",
        "96365,1,2",
        "96365,2",
        "96366,-1",
    ]
    path = written(tmp_path, "\n".join(rows).encode())
    with pytest.raises(PricesError) as caught:
        read_prices(path)
    lines = str(caught.value).splitlines()
    numbers = [int(line.removeprefix(f"{path}:").partition(":")[0]) for line in lines]
    assert numbers == [2, 3, 5, 6, 7, 8]
    assert all("expected " in line and "; " in line for line in lines)
    assert "found 96365 again" in lines[4]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"J9271,2950\n",
        b"\xff\xfe\x00",
        b"code,cents\nJ9271,\x00\n",
        b'code,cents\n"' + b"x" * 200_000,
    ],
    ids=["empty", "no header", "no UTF-8", "NUL", "a field without end"],
)
def test_what_is_no_list_is_refused_with_words(tmp_path: Path, data: bytes) -> None:
    """The error is always a PricesError, which says what was expected."""
    with pytest.raises(PricesError, match="expected "):
        read_prices(written(tmp_path, data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "CHARGELINE_PRICES: expected a file that exists"),
        (b"code,cents\nJ9271,29.50\n", ":2: expected a code and whole cents"),
    ],
    ids=["missing", "mistaken"],
)
async def test_capture_with_a_bad_list_says_so_before_it_connects(
    tmp_path: Path, data: bytes | None, said: str
) -> None:
    """Neither the ledger nor Kafka is there, yet `capture` ends with 2 and the list's mistake.

    It prints no traceback.
    """
    path = tmp_path / "prices.csv" if data is None else written(tmp_path, data)
    given = environment(
        PRICES=str(path),
        LEDGER_URL=f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/ledger",
        KAFKA_BOOTSTRAP=f"127.0.0.1:{free_port()}",
    )
    ended = await command("capture", given)
    assert ended.code == 2, ended
    assert said in ended.err
    assert ended.err.startswith("chargeline: ")
    assert "Traceback" not in ended.out + ended.err
