"""Each product of CMS's file of codes finds its own code, or a person is asked.

The file here has the true layout and rows of our own: the products that once found another's code,
and invented ones. `python -m tests.by_hand.hcpcs_names` takes the file of a quarter.
"""

from datetime import date
from decimal import Decimal

import pytest

from chargeline.engine import Drug, Formulary
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from tests.by_hand.hcpcs_names import HcpcsCode, WrongCode, read_codes, wrong_codes

DAY = date(2026, 3, 2)
SHIPPED = load_rulebook(rules_directory()).formulary
# Code, and name with the amount of a unit: each was once taken for a product whose name it begins
# with. The last four are invented.
PRODUCTS = """\
Q5160 bevacizumab-nwgd (jobevne), 10 mg
Q5154 omalizumab-igec (omlyclo), 5 mg
Q5156 tocilizumab-anoh (avtozma), 1 mg
Q5151 eculizumab-aagh (epysqli), 2 mg
Q5152 eculizumab-aeeb (bkemv), 2 mg
J1748 infliximab-dyyb (zymfentra), 10 mg
J9334 efgartigimod alfa and hyaluronidase, 2 mg
Q2049 doxorubicin hydrochloride, liposomal, imported lipodox, 10 mg
J9248 melphalan (hepzato), 1 mg
J9249 melphalan (apotex), 1 mg
J9281 mitomycin pyelocalyceal instillation, 1 mg
J9219 leuprolide acetate implant, 65 mg
J1951 leuprolide acetate for depot suspension (fensolvi), 0.25 mg
J2186 meropenem and vaborbactam, 10 mg
J0714 ceftazidime and avibactam, 0.5 g
J0888 epoetin beta, 1 mcg
J1631 haloperidol decanoate, 50 mg
J1700 hydrocortisone acetate, 25 mg
J0558 penicillin g benzathine and penicillin g procaine, 100000 units
C9308 carboplatin (avyxa), 1 mg
J9184 gemcitabine hydrochloride (avyxa), 200 mg
J9174 docetaxel (beizray), 1 mg
J9322 pemetrexed (bluepoint), 10 mg
J9046 bortezomib (dr. reddy's), 0.1 mg
J9048 bortezomib (fresenius kabi), 0.1 mg
J9051 bortezomib (maia), 0.1 mg
J9052 carmustine (accord), 100 mg
J9064 cabazitaxel (sandoz), 1 mg
J9341 thiotepa (tepylute), 1 mg
J9393 fulvestrant (teva), 25 mg
J0893 decitabine (sun pharma), 1 mg
J1456 fosaprepitant (teva), 1 mg
J2468 palonosetron hydrochloride (posfrea), 25 mcg
J2274 morphine sulfate, preservative-free for epidural or intrathecal use, 10 mg
J9271 pembrolizumab, 1 mg
Z0001 zebrastatin, 10 mg
Z0002 carboplatin-zzzz (zebraplat), 1 mg
Z0003 paclitaxel (zebra laboratories), 1 mg
Z0004 ondansetron and zebrasetron, 1 mg
"""


def line(code: str, text: str, *, kind: str = "3", added: str = "20240101", ended: str = "") -> str:
    """A line of the file: 320 characters, each field at its place."""
    cells = {0: code, 5: "00100", 10: kind, 11: text[:80], 268: added, 284: ended, 292: "N"}
    row = [" "] * 320
    for start, cell in cells.items():
        row[start : start + len(cell)] = cell
    return "".join(row)


def file_of(*lines: str) -> bytes:
    return "".join(f"{row}\r\n" for row in lines).encode("latin-1")


def test_every_product_finds_its_own_code_or_is_asked_about() -> None:
    """A name that begins like another product's is never billed as that one."""
    rows = [product.split(" ", 1) for product in PRODUCTS.splitlines()]
    codes = read_codes(file_of(*[line(code, f"Injection, {name}") for code, name in rows]))
    assert [each.code for each in codes] == [code for code, _name in rows]
    assert list(wrong_codes(codes, SHIPPED, DAY)) == []


def test_a_product_that_finds_anothers_code_is_listed() -> None:
    """A formulary whose row takes the name of an invented product."""
    row = Drug(
        "carboplatin", ("carboplatin zzzz zebraplat",), "J9045", Decimal(50), "mg",
        "antineoplastic", "MDV", date(2024, 1, 1), None, "HOUSE", "",
    )  # fmt: skip
    codes = read_codes(file_of(line("Z0002", "Injection, carboplatin-zzzz (zebraplat), 1 mg")))
    (wrong,) = wrong_codes(codes, Formulary([row]), DAY)
    assert wrong == WrongCode("Z0002", "carboplatin-zzzz (zebraplat)", "J9045")


def test_the_lines_of_a_code_are_one_description() -> None:
    """Record 3 begins a code and 4 goes on; 7 and 8 are modifiers, D-codes are not read."""
    codes = read_codes(
        file_of(
            line("Z0001", "Injection, zebrastatin, for"),
            line("Z0001", "stripes, 10 mg", kind="4"),
            line("   ZZ", "striped", kind="7"),
            line("D0001", "striped teeth"),
            line("Z0002", "Injection, yakamab, 1 mg", added="20250701", ended="20260331"),
        )
    )
    assert codes == [
        HcpcsCode("Z0001", "Injection, zebrastatin, for stripes, 10 mg", date(2024, 1, 1), None),
        HcpcsCode("Z0002", "Injection, yakamab, 1 mg", date(2025, 7, 1), date(2026, 3, 31)),
    ]


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2025, 6, 30), False),
        (date(2025, 7, 1), True),
        (date(2026, 3, 31), True),
        (date(2026, 4, 1), False),
    ],
)
def test_a_code_holds_from_its_first_to_its_last_day(day: date, holds: bool) -> None:
    """The file names the day on which a code was added, and its last day."""
    (code,) = read_codes(file_of(line("Z0002", "yakamab", added="20250701", ended="20260331")))
    assert code.in_force(day) is holds
