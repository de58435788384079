"""Claims about rows of authorizations: what each may say, and what two may say together."""

from datetime import date, datetime

import pytest

from tests.importing import listed, places, read, wrong


def test_a_row_says_what_its_notice_says() -> None:
    """Each column has its place, and a request comes before the answer to it."""
    row = {
        "codes": "j9271 J9299",
        "diagnosis": "C34.90",
        "provider": "1234567893",
        "site": "ZEBRA TOWER",
        "member": "W1",
        "requested": "2026-09-20",
        "decided": "9/24/2026",
        "received": "2026-09-25 2:30 PM",
        "units": "1,800",
    }
    (entry,) = read(listed({**row, "units": '"1,800"'})).notices
    notice, asked = entry.notice, entry.asked
    assert (notice.codes, notice.diagnoses) == (("J9271", "J9299"), ("C34.90",))
    assert (notice.starts, notice.until) == (date(2026, 10, 1), date(2027, 3, 31))
    assert (notice.units, notice.basis, notice.member) == (1800, "units", "W1")
    assert (notice.provider, notice.site) == ("1234567893", "ZEBRA TOWER")
    assert (notice.received, notice.decided) == (
        datetime(2026, 9, 25, 14, 30),
        datetime(2026, 9, 24),
    )
    assert asked is not None
    assert (asked.status, asked.received, asked.decided) == (
        "requested",
        datetime(2026, 9, 20),
        None,
    )


@pytest.mark.parametrize(
    ("column", "text", "expected", "found"),
    [
        ("status", "aproved", "one of requested", "'aproved'"),
        ("from", "46023", "a day such as", "46023, by which a spreadsheet may mean 2026-01-01"),
        ("from", "31.12.2026", "a day such as", "'31.12.2026'"),
        ("from", "31/12/2026", "a day such as", "'31/12/2026'"),
        ("from", "03/04/2026", "a day such as", "'03/04/2026'"),
        ("from", "3/4/2026 10:00", "a day such as", "'3/4/2026 10:00'"),
        ("from", "10/1/26", "a day such as", "'10/1/26'"),
        ("from", "2026-02-30", "a day such as", "'2026-02-30'"),
        ("from", "2026-10-01 08:00", "a day without a time", "'2026-10-01 08:00'"),
        (
            "until",
            "2026-09-30",
            "a last day on or after",
            "2026-09-30, and 2026-10-01 in column from",
        ),
        ("units", "0", "a whole number from 1", "'0'"),
        ("units", "800.5", "a whole number from 1", "'800.5'"),
        ("units", "#N/A", "how much is granted", "'#N/A'"),
        ("basis", "", "units or visits", "nothing"),
        ("basis", "boxes", "one of units, visits", "'boxes'"),
        ("codes", "pembrolizumab", "codes of five characters", "'pembrolizumab'"),
        ("codes", "* J9271", "codes of five characters", "'* J9271'"),
        ("codes", "", "codes, * for all codes, or a class", "neither"),
        ("diagnosis", "lung", "ICD-10 codes", "'lung'"),
        ("provider", "1234567890", "an NPI", "'1234567890'"),
        ("number", "7.7E+11", "the number as it was given", "a number as a spreadsheet rounds it"),
        ("number", "77.0", "the number as it was given", "a number as a spreadsheet rounds it"),
        ("number", "", "the payer's number", "nothing"),
        ("payer", "", "the payer", "nothing"),
        ("payer", '"AE\nTNA"', "one line of text", "'AE\\nTNA'"),
        ("patient", "", "the patient's medical record number", "nothing"),
        ("facility", "", "the facility", "nothing"),
        ("received", "", "when the payer's word came", "nothing"),
        ("received", "2026-10-02", "a time until now", "'2026-10-02'"),
        ("requested", "2026-09-26", "a time before `received`", "'2026-09-26'"),
        ("decided", "2026-09-26", "a time before `received`", "'2026-09-26'"),
        ("site", "x" * 201, "at most 200 characters", "'" + "x" * 200 + "'"),
    ],
)
def test_a_wrong_cell_is_named_with_its_row_and_column(
    column: str, text: str, expected: str, found: str
) -> None:
    """The row gives no notice, and the one cell is told: expected, found, and what to do."""
    result = read(listed({"number": "A1"}, {column: text}))
    assert [entry.notice.number for entry in result.notices] == ["A1"]
    ((place, said, shown),) = wrong(result)
    assert place == f"row 3, column {column}"
    assert said.startswith(expected) and shown.startswith(found)


def test_a_patient_is_never_shown() -> None:
    """A spreadsheet has rounded the patient's number: only the shape is told."""
    ((_place, _expected, found),) = wrong(read(listed({"patient": "4.7E+10"})))
    assert found == "a number as a spreadsheet rounds it"
    ((_place, _expected, found),) = wrong(read(listed({"patient": "Z" * 300})))
    assert found == "300 characters, letters"


def test_cells_behind_the_last_column_are_told() -> None:
    """A name with a comma that is not quoted moves all cells behind it."""
    data = listed({"site": "Zebra, Tower"})
    assert places(read(data)) == ["row 2"]


def test_a_request_has_neither_an_earlier_day_nor_a_decision() -> None:
    """`received` says when it went out."""
    row = {"status": "requested", "requested": "2026-09-20", "decided": "2026-09-25"}
    assert places(read(listed(row))) == ["row 2, column requested", "row 2, column decided"]
    (entry,) = read(listed({"status": "requested", "requested": "2026-09-25"})).notices
    assert entry.asked is None


# ------------------------------------------------------------------ classes of codes


def test_a_class_stands_for_the_codes_that_the_payers_rows_have() -> None:
    """Rows of the payer and of all payers, and none of another payer."""
    (entry,) = read(listed({"codes": "", "class": "checkpoint_inhibitor"})).notices
    assert entry.notice.codes == ("J9271", "J9299")


def test_a_class_without_codes_or_beside_codes_is_wrong() -> None:
    """Nobody guesses what the payer meant."""
    assert places(read(listed({"codes": "", "class": "her2"}))) == ["row 2, column class"]
    ((place, _expected, found),) = wrong(read(listed({"class": "checkpoint_inhibitor"})))
    assert (place, found) == ("row 2, column codes", "both")


# ------------------------------------------------------------------ leading zeros


def test_a_number_that_is_shorter_than_others_may_have_lost_its_zeros() -> None:
    """00123456 and 123456: nothing is guessed, and the row is told."""
    data = listed({"number": "A1", "patient": "00123456"}, {"number": "A2", "patient": "123456"})
    ((place, expected, found),) = wrong(read(data))
    assert (place, found) == ("row 3, column patient", "6 digits")
    assert expected.startswith("8 digits as in row 2")


def test_who_knows_the_digits_of_patients_gets_the_zeros_back() -> None:
    """With eight digits for each patient 123456 is 00123456, and nine digits are wrong."""
    data = listed({"number": "A1", "patient": "00123456"}, {"number": "A2", "patient": "123456"})
    both = read(data, patient_digits=8).notices
    assert [entry.notice.patient for entry in both] == ["00123456", "00123456"]
    nine = read(listed({"patient": "123456789"}), patient_digits=8)
    assert places(nine) == ["row 2, column patient"]


def test_numbers_of_one_payer_are_of_one_length_unless_somebody_says_otherwise() -> None:
    """Two payers may number as they like."""
    two = listed({"number": "1234"}, {"number": "123", "payer": "CIGNA"})
    assert not read(two).wrong
    one = listed({"number": "1234"}, {"number": "123"})
    assert places(read(one)) == ["row 3, column number"]
    assert not read(one, as_written=True).wrong


# ------------------------------------------------------------------ rows beside each other


@pytest.mark.parametrize("column", ["patient", "payer"])
def test_one_number_is_of_one_patient_and_one_payer(column: str) -> None:
    """The second row is told, and names the first one."""
    result = read(listed({}, {column: "OTHER", "codes": "J9299"}))
    ((place, expected, _found),) = wrong(result)
    assert place == f"row 3, column {column}"
    assert expected == f"the {column} of row 2, which has the same number"


def test_two_rows_of_one_number_and_code_need_two_times() -> None:
    """Otherwise nobody can say which of them counts; an exact repeat is one row."""
    same_time = listed({}, {"units": "900"})
    assert places(read(same_time)) == ["row 3, column received"]
    later = read(listed({}, {"units": "900", "received": "2026-09-26"}))
    assert [entry.notice.units for entry in later.notices] == [800, 900]
    repeated = read(listed({}, {}))
    assert (len(repeated.notices), repeated.repeated) == (1, 1)


def test_codes_with_a_count_each_have_a_row_each() -> None:
    """One number, two codes, 800 and 320; beside * there is no other code."""
    two = read(listed({}, {"codes": "J9305", "units": "320"}))
    assert [(e.notice.codes, e.notice.units) for e in two.notices] == [
        (("J9271",), 800),
        (("J9305",), 320),
    ]
    assert places(read(listed({}, {"codes": "*"}))) == ["row 3, column codes"]
