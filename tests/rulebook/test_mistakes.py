"""Claims about mistakes in the tables of drugs, codes and payers: each is reported and explained.

The tests use a rulebook of a few rows, as test_overrides.py does, so that every mistake in it is
deliberate. Mistakes of rule files are tested with the command that shows them
(tests/cli/test_rules.py).
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory

DRUG_COLUMNS = "id,names,hcpcs,unit_amount,unit,kind,container,from,until,cite,note\n"
CODE_COLUMNS = "role,code,from,until,cite\n"


def rule(name: str, **keys: str) -> str:
    """One [[rule]]. The text of a key is written as it is given; `from_` stands for `from`."""
    written = {
        "decides": '"units.additional_hour"',
        "from": "2024-01-01",
        "then": "{ remainder_minutes = 31 }",
        "why": '"A zebra is striped."',
        "cite": '["HOUSE"]',
    } | {key.rstrip("_"): text for key, text in keys.items()}
    return f'[[rule]]\nid = "{name}"\n' + "".join(
        f"{key} = {text}\n" for key, text in written.items()
    )


ROLE_COLUMNS = "class,technique,position,role,id,why,cite,from,until\n"


def small_rules(
    folder: Path,
    *,
    base: str = "",
    own: str = "",
    codes: Sequence[str] = (),
    drugs: Sequence[str] = (),
) -> Path:
    """A rules folder with one policy, zebra-2026, whose own rules are `own`."""
    texts = {
        "sources.toml": '[HOUSE]\ntitle = "A decision of this house"\n',
        "payers.toml": 'default = "zebra-2026"\n',
        "base/rules.toml": base,
        "base/roles.csv": ROLE_COLUMNS,
        "base/codes.csv": CODE_COLUMNS + "".join(f"{row}\n" for row in codes),
        "policies/zebra-2026/policy.toml": f'name = "zebra-2026"\ndescribes = "stripes"\n{own}',
        "formulary/drugs.csv": DRUG_COLUMNS + "".join(f"{row}\n" for row in drugs),
    }
    for name, text in texts.items():
        path = folder / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "small"


# A drug without a mistake.
PLAIN = "zebrastatin,stripes,J9999,5,mg,antineoplastic,SDV,2024-01-01,,HOUSE,"


def mistakes(folder: Path, formulary: Path | None = None) -> list[str]:
    with pytest.raises(RulebookError) as caught:
        load_rulebook(folder, formulary)
    findings = [str(finding) for finding in caught.value.findings]
    assert str(caught.value) == "\n".join(findings)
    return findings


def with_drugs(folder: Path, *rows: str) -> Path:
    return small_rules(folder, drugs=rows)


def test_the_small_rulebook_is_in_order(tmp_path: Path) -> None:
    """The rulebook that the other tests spoil loads without mistakes."""
    rulebook = load_rulebook(with_drugs(tmp_path, PLAIN))
    assert [drug.id for drug in rulebook.formulary.drugs] == ["zebrastatin"]
    assert list(rulebook.policies) == ["zebra-2026"]


def test_a_table_that_excel_saved_is_read(tmp_path: Path) -> None:
    """Its first bytes are the byte order mark of UTF-8."""
    shipped = rules_directory() / "formulary/drugs.csv"
    own = tmp_path / "own.csv"
    own.write_bytes(b"\xef\xbb\xbf" + shipped.read_bytes())
    assert load_rulebook(rules_directory(), own).formulary.drugs


# ------------------------------------------------------------------ drugs


@pytest.mark.parametrize("amount", ["", "0", "-5", "five", "nan", "inf", "1,5"])
def test_a_billing_unit_is_a_number_above_0(amount: str, tmp_path: Path) -> None:
    """Empty, 0, -5, a word, nan, inf and a comma are refused, with file and line."""
    row = f'zebrastatin,stripes,J9999,"{amount}",mg,antineoplastic,SDV,2024-01-01,,HOUSE,'
    assert mistakes(with_drugs(tmp_path, row)) == [
        f"formulary/drugs.csv line 2: expected unit_amount above 0, found {amount!r}; "
        "give the billing unit"
    ]


def test_a_drug_cites_keys_of_the_sources(tmp_path: Path) -> None:
    """Several keys stand with `|` between them; each must be known."""
    rows = [PLAIN.replace("HOUSE", cite) for cite in ("HOUSE|HOUSE", "CMS file", "HOUSE|GUIDE", "")]
    ids = ("one", "two", "three", "four")
    drugs = [
        row.replace("zebrastatin", name).replace("stripes", name)
        for row, name in zip(rows, ids, strict=True)
    ]
    assert mistakes(with_drugs(tmp_path, *drugs)) == [
        f"formulary/drugs.csv line {line}: expected a source of sources.toml, found {found}; "
        "correct the key"
        for line, found in ((3, "'CMS file'"), (4, "'GUIDE'"), (5, "''"))
    ]


def test_a_sites_own_drug_may_cite_any_text(tmp_path: Path) -> None:
    """Its source is the site."""
    own = tmp_path / "own.csv"
    own.write_text(DRUG_COLUMNS + PLAIN.replace("HOUSE", "our pharmacy") + "\n")
    assert load_rulebook(rules_directory(), own).formulary.has("zebrastatin")


def test_a_kind_is_one_of_the_closed_list(tmp_path: Path) -> None:
    """An unknown kind is shown beside the words that are allowed."""
    (mistake,) = mistakes(with_drugs(tmp_path, PLAIN.replace("antineoplastic", "striped")))
    assert mistake.startswith(
        "formulary/drugs.csv line 2: expected kind = one of antineoplastic, hormonal, "
    )
    assert mistake.endswith("found 'striped'; correct it")


@pytest.mark.parametrize("day", ["2024-13-01", "01.02.2024", "soon"])
def test_a_date_is_a_day_of_the_calendar(day: str, tmp_path: Path) -> None:
    """A month 13, another notation and a word are refused."""
    assert mistakes(with_drugs(tmp_path, PLAIN.replace("2024-01-01", day))) == [
        f"formulary/drugs.csv line 2: expected from as YYYY-MM-DD, found {day!r}; correct the date"
    ]


def test_a_row_has_a_first_day(tmp_path: Path) -> None:
    """A row without a first day is refused: nobody knows since when its code holds."""
    assert mistakes(with_drugs(tmp_path, PLAIN.replace("2024-01-01", ""))) == [
        "formulary/drugs.csv line 2: expected a first day in from, found none; "
        "say since when the row holds"
    ]


def test_a_row_ends_after_it_begins(tmp_path: Path) -> None:
    """A row that ends on its first day would never hold, so it is refused."""
    (mistake,) = mistakes(
        with_drugs(tmp_path, PLAIN.replace("2024-01-01,", "2024-01-01,2024-01-01"))
    )
    assert mistake.startswith("formulary/drugs.csv line 2: expected until after from")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("stripes", id="equal"),
        pytest.param("STRIPES", id="in other letters"),
        pytest.param("zebrastatin", id="the id of the other"),
    ],
)
def test_a_name_means_one_drug(name: str, tmp_path: Path) -> None:
    """A name of two drugs is refused, and both drugs are named."""
    other = f"zebramab,{name},J7777,1,mg,antineoplastic,SDV,2024-01-01,,HOUSE,"
    (mistake,) = mistakes(with_drugs(tmp_path, PLAIN, other))
    assert mistake.startswith("formulary: expected a name that means one drug, found ")
    assert "zebrastatin and zebramab" in mistake
    assert mistake.endswith("remove it from one, or tell them apart by `routes` or `amounts`")


def test_hyphens_do_not_make_a_name_another(tmp_path: Path) -> None:
    """`nab-zebra` and `nab zebra` are one name, because names are looked up without hyphens."""
    rows = (
        PLAIN.replace("stripes", "nab-zebra"),
        PLAIN.replace("zebrastatin", "other").replace("stripes", "nab zebra"),
    )
    (mistake,) = mistakes(with_drugs(tmp_path, *rows))
    assert "a name that means one drug" in mistake


def test_a_drug_has_one_row_on_a_day(tmp_path: Path) -> None:
    """Two rows that both hold on 1 July 2026 are refused; so is an older row without an end."""
    ended = PLAIN.replace("2024-01-01,", "2024-01-01,2026-07-02")
    later = PLAIN.replace("2024-01-01", "2026-07-01").replace("J9999", "J9998")
    said = (
        "formulary: expected one row for a drug on a day, found zebrastatin twice on 2026-07-01; "
        "end the earlier row"
    )
    assert mistakes(with_drugs(tmp_path / "a", ended, later)) == [said]
    assert mistakes(with_drugs(tmp_path / "b", later, PLAIN)) == [said]


def test_rows_that_follow_one_another_are_in_order(tmp_path: Path) -> None:
    """A row until 1 July and one from 1 July are one drug with two codes."""
    ended = PLAIN.replace("2024-01-01,", "2024-01-01,2026-07-01")
    later = PLAIN.replace("2024-01-01", "2026-07-01").replace("J9999", "J9998")
    assert len(load_rulebook(with_drugs(tmp_path, ended, later)).formulary.drugs) == 2


def test_a_drug_has_an_id(tmp_path: Path) -> None:
    """A row without an id is refused, because no line could name the drug."""
    (mistake,) = mistakes(with_drugs(tmp_path, PLAIN.replace("zebrastatin", "")))
    assert mistake.startswith("formulary/drugs.csv line 2: ")


def test_a_table_has_all_columns(tmp_path: Path) -> None:
    """For a table without the column `kind`, the mistake names the column."""
    folder = small_rules(tmp_path)
    (folder / "formulary/drugs.csv").write_text(DRUG_COLUMNS.replace("kind,", ""))
    (mistake,) = mistakes(folder)
    assert mistake.startswith("formulary/drugs.csv: expected columns id, names, hcpcs, ")
    assert mistake.endswith("found no kind; add them")


def test_a_site_formulary_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The mistake shows the path that was given."""
    (mistake,) = mistakes(with_drugs(tmp_path, PLAIN), tmp_path / "lost.csv")
    assert "lost.csv: expected a CSV table, found " in mistake


def test_a_site_formulary_may_not_name_two_drugs_alike(tmp_path: Path) -> None:
    """The site's own table is checked as well, and the mistake has its file name."""
    own = tmp_path / "site.csv"
    own.write_text(
        DRUG_COLUMNS + "\n".join(PLAIN.replace("zebrastatin", drug) for drug in ("one", "two"))
    )
    (mistake,) = mistakes(with_drugs(tmp_path), own)
    assert mistake.startswith(
        "site.csv: expected a name that means one drug, found 'stripes' for one and two"
    )


# ------------------------------------------------------------------ codes and payers


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "chemo.push.initial,,2024-01-01,,HOUSE",
            "expected a role and a code, found an empty field; fill both",
        ),
        (",96409,2024-01-01,,HOUSE", "expected a role and a code, found an empty field; fill both"),
        (
            "chemo.push.initial,96409,2024-01-01,,ZEBRA",
            "expected a source of sources.toml, found 'ZEBRA'; correct the key",
        ),
        (
            "chemo.push.initial,96409,2024-01-01,July,HOUSE",
            "expected until as YYYY-MM-DD, found 'July'; correct the date",
        ),
    ],
)
def test_a_row_of_codes_is_checked(row: str, said: str, tmp_path: Path) -> None:
    """Role, code, source and dates of each row are checked; the mistake has file and line."""
    good = "chemo.infusion.initial,96413,2024-01-01,,HOUSE"
    assert mistakes(small_rules(tmp_path, codes=(good, row))) == [f"base/codes.csv line 3: {said}"]


def test_a_role_has_one_row_for_a_first_day(tmp_path: Path) -> None:
    """The same role twice from the same day is refused, and both lines are named."""
    rows = (
        "chemo.push.initial,96409,2024-01-01,,HOUSE",
        "chemo.push.initial,96411,2024-01-01,,HOUSE",
    )
    (mistake,) = mistakes(small_rules(tmp_path, codes=rows))
    assert mistake.startswith("base/codes.csv line 3: expected an id of its own")
    assert "also in base/codes.csv line 2" in mistake


def test_a_payer_follows_a_policy_that_exists(tmp_path: Path) -> None:
    """The mistake names the payer and the policies that exist; so it does for the default."""
    folder = small_rules(tmp_path)
    (folder / "payers.toml").write_text(
        'default = "zebra-2025"\n[payers]\nZebraCare = "yak-2026"\n'
    )
    assert mistakes(folder) == [
        "payers.toml default: expected one of zebra-2026, found 'zebra-2025'; name a policy that "
        "exists",
        "payers.toml ZEBRACARE: expected one of zebra-2026, found 'yak-2026'; name a policy that "
        "exists",
    ]


def test_a_policy_is_named_as_its_folder(tmp_path: Path) -> None:
    """A copied folder whose policy still has the old name is refused."""
    folder = small_rules(tmp_path)
    (folder / "policies/zebra-2026/policy.toml").write_text('name = "yak-2026"\n')
    assert mistakes(folder) == [
        "zebra-2026: expected name = 'zebra-2026', found 'yak-2026'; give the policy the name of "
        "its folder"
    ]


def test_a_rulebook_has_a_policy(tmp_path: Path) -> None:
    """A folder without any policy is refused, and its place is named."""
    folder = small_rules(tmp_path)
    (folder / "policies/zebra-2026/policy.toml").unlink()
    assert any(
        "policies: expected a policy, found none; add a folder with policy.toml" in mistake
        for mistake in mistakes(folder)
    )


def test_mistakes_of_all_files_come_together(tmp_path: Path) -> None:
    """One mistake in the codes, one in the payers and two in the drugs are reported at once."""
    folder = small_rules(
        tmp_path,
        codes=("chemo.push.initial,96409,2024-01-01,,ZEBRA",),
        drugs=(PLAIN.replace(",5,", ",0,"), PLAIN.replace("antineoplastic", "striped")),
    )
    (folder / "payers.toml").write_text('default = "zebra-2025"\n')
    assert [mistake.partition(": ")[0] for mistake in mistakes(folder)] == [
        "base/codes.csv line 2",
        "payers.toml default",
        "formulary/drugs.csv line 2",
        "formulary/drugs.csv line 3",
    ]


@pytest.mark.parametrize("number", ["-1", "1000001", "99999999999999999999", "31.0", '"31"'])
def test_a_number_that_no_minutes_have_is_a_mistake(tmp_path: Path, number: str) -> None:
    """A rule answers a whole number from 0 to a million, or the rules are refused."""
    base = rule("hours.zebra", then=f"{{ remainder_minutes = {number} }}")
    with pytest.raises(RulebookError, match="expected remainder_minutes = a whole number from 0"):
        load_rulebook(small_rules(tmp_path, base=base))


@pytest.mark.parametrize(
    "payers", ["a=" + "[" * 20_000, "a=" + "1" * 20_000], ids=["too deep", "too many digits"]
)
def test_a_toml_file_that_python_cannot_hold_is_a_mistake(payers: str, tmp_path: Path) -> None:
    """Twenty thousand brackets or digits: one mistake that names the file, and no traceback."""
    folder = small_rules(tmp_path)
    (folder / "payers.toml").write_text(payers)
    with pytest.raises(RulebookError) as caught:
        load_rulebook(folder)
    assert any(
        finding.code == "rules.file" and finding.where.endswith("payers.toml")
        for finding in caught.value.findings
    )
