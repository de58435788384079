"""Made-up files in the layouts of those that CMS publishes: true headers, invented rows.

This module owns the preambles and headers, with their line breaks, trailing commas and stray
blanks. Every code, package and price below is invented; codes that look like CPT codes (90001,
90002) are bare, and no descriptor stands anywhere.
"""

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

NOTICE = (
    '"Made-up notice, as long as the real one.\nIt goes over several lines, with ""quotes"",\n'
    'and ends with a full stop."'
)


def asp_crosswalk(rows: Iterable[str], *, year: int = 2026, month: str = "October") -> str:
    """Eight lines, the header, the rows: code,description,labeler,NDC,drug,dosage,size,…"""
    last = {"January": "March", "April": "June", "July": "September", "October": "December"}[month]
    return _lines(
        f"{month} {year} ASP NDC - HCPCS Crosswalk for Medicare Part B Drugs,,,,,,,,,",
        f'"     Effective {month} 1, {year} through {last} 30, {year}",,,,,,,,,',
        ",,,,,,,,,",
        '"Made-up introduction, with a comma. It was printed in September 2020.",,,,,,,,,',
        *[",,,,,,,,,"] * 4,
        f"_{year}_CODE,Short Description,LABELER NAME,NDC,Drug Name,HCPCS dosage,PKG SIZE,PKG QTY,"
        "BILLUNITS,BILLUNITSPKG",
        *rows,
    )


def opps_crosswalk(rows: Iterable[str]) -> str:
    """The same, with another title and the older name of the column of NDCs."""
    text = asp_crosswalk(rows).replace("ASP NDC", "OPPS NDC")
    return text.replace("LABELER NAME,NDC,", "LABELER NAME,NDC2,")


def noc_crosswalk(rows: Iterable[str]) -> str:
    """Drugs without a code: generic name,labeler,NDC,drug,dosage,size,quantity,units,package."""
    return _lines(
        '"October 2026 NOC NDC-HCPCS Crosswalk",,,,,,,,',
        "Drug Generic Name,LABELER NAME,NDC or ALTERNATE ID,Drug Name,Dosage,PKG SIZE,PKG QTY,"
        "BILLUNITS,BILLUNITSPKG",
        *rows,
    )


def payment_limits(rows: Iterable[str], *, month: str = "October", year: int = 2026) -> str:
    """code,description,dosage,limit,coinsurance,vaccine…,notes, with two columns without names."""
    return _lines(
        "Payment Allowance Limits for Medicare Part B Drugs,,,,,,,,,,,,",
        ",,,,,,,,,,,,",
        f'"Effective {month} 1, {year} through the end of the quarter",,,,,,,,,,,,',
        ",,,,,,,,,,,,",
        "Note 1: made up of 2Q20 data.,,,,,,,,,,,,",
        '"Note 2: made up, and long.",,,,,,,,,,,,',
        *[",,,,,,,,,,,,"] * 2,
        "HCPCS Code,Short Description,HCPCS Code Dosage,Payment Limit,Co-insurance Percentage,"
        "Vaccine AWP%,Vaccine Limit,Blood AWP%,Blood limit,Clotting Factor,Notes,,",
        *rows,
    )


def addendum_b(rows: Iterable[str], *, year: int = 2026) -> str:
    """code,descriptor,SI,APC,weight,rate, with a copyright line below."""
    return _lines(
        f"Addendum B.-Final OPPS Payment by HCPCS Code for CY {year},,,,,",
        ",,,,,",
        "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate",
        *rows,
        "Made-up copyright line below the table.,,,,,",
    )


def mue(rows: Iterable[str], setting: str = "Outpatient Hospital") -> str:
    """The notice, then code,units,indicator,rationale."""
    return _lines(
        f"{NOTICE},,,",
        f'"HCPCS/\nCPT Code",{setting} Services MUE Values,MUE Adjudication Indicator,'
        "MUE Rationale",
        *rows,
    )


PTP_HEADER = (
    "Column 1\tColumn 2\t*=in existence prior to 1996\tEffective Date\tDeletion Date *=no data\t"
    "Modifier 0=not allowed 1=allowed 9=not applicable\tPTP Edit Rationale"
)


def ptp(rows: Iterable[str]) -> str:
    """Tabs: column 1, column 2, `*` or nothing, from, until or `*`, indicator, rationale."""
    return _lines(
        "Column1/Column2 Edits\t\t\t\t\t\t", "Made-up notice\t\t\t\t\t\t", "", PTP_HEADER, *rows
    )


PTP_WORKBOOK_HEADER: list[Sequence[object]] = [
    ["Made-up notice"],
    ["Column1/Column2 Edits"],
    [
        "Column 1", "Column 2", "*=in existence prior to 1996", "Effective Date", "Deletion Date",
        "Modifier", "PTP Edit Rationale",
    ],
    ["", "", "", "", "", "0=not allowed", ""],
    ["", "", "", "", "*=no data", "1=allowed", ""],
    ["", "", "", "", "", "9=not applicable", ""],
]  # fmt: skip


def add_on(rows: Iterable[str]) -> str:
    """Tabs: type, code, code's last day, primary, its last day, from, until, notes."""
    return _lines(
        "Made-up notice",
        "AOC_Edit_Type\tAdd-On_Code\tAOC_DelDT\tPrimary_Code\tPrimary_Code_DelDT\tAOC_Edit_EffDT\t"
        "AOC_Edit_DelDT\tSpecial_Instruction_Notes",
        *rows,
    )


def anweb_line(code: str, added: str, ended: str = "", record: str = "3") -> str:
    """A line of 320 characters of the fixed-width ANWEB."""
    line = [" "] * 320
    for first, text in (
        (1, code.rjust(5)), (6, "00100"), (11, record), (12, "MADE UP"), (269, added),
        (277, added), (285, ended), (293, "N"),
    ):  # fmt: skip
        line[first - 1 : first - 1 + len(text)] = text
    return "".join(line)


def anweb(lines: Iterable[str]) -> str:
    return _lines(*lines)


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


# ------------------------------------------------------------------ files


def write(folder: Path, name: str, text: str, encoding: str = "cp1252") -> Path:
    """A text file as CMS writes it."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def archive(folder: Path, name: str, members: dict[str, str | bytes]) -> Path:
    """A .zip of these members."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member, content in members.items():
            data = content if isinstance(content, bytes) else content.encode("cp1252")
            file.writestr(member, data)
    return path


_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(folder: Path, name: str, rows: Iterable[Sequence[object]]) -> Path:
    """An XLSX with one sheet; numbers are kept as numbers, as a workbook does."""
    path = folder / name
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_LINKS}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
        f'Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member, text in parts.items():
            file.writestr(member, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
        with file.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_SHEETS}"><sheetData>'.encode())
            for number, row in enumerate(rows, start=1):
                cells = "".join(
                    _cell(value, f"{chr(65 + place)}{number}") for place, value in enumerate(row)
                )
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
    return path


def _cell(value: object, place: str) -> str:
    if value == "":
        return ""
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


# ------------------------------------------------------------------ a quarter of everything

CODES = frozenset({"90001", "90002", "J0001"})
"""What the rules emit in these tests."""
CROSSWALK_ROWS = (
    "J0001,Made up,ZEBRA LABS®,99999-0001-01,Zebramab 100 MG,10 MG,1,1,10,10",
    "J0001,Made up,ZEBRA LABS,99999-0001-02,Zebramab 100 MG,10 MG,1,2,10,20",
    "Q0001,Made up,ZEBRA LABS,99999-0002-01,Zebratin 1000 UNITS,100 UNITS,1,1,10,10",
    "Q0002,Made up,ZEBRA LABS,99999-0002-01,Zebratin 1000 UNITS,1000 UNITS,1,1,1,1",
    'J0002,Made up,"ZEBRA, LABS",999990003011,Zebra gel,1 ML,1,1,1,1',
)
LIMIT_ROWS = (
    "J0001,Made up,10 MG,12.345,20,,,,,,,,",
    'J0003,Made up,1 MG,N/A,17.885,,,,,,"a note\nof two lines",,',
    "Q0001,Made up,100 UNITS,1.5,,,,,,,",
)
ADDENDUM_ROWS = (
    '90001,Made up,S,5693,2.5,"$1,234.50 "',
    "J0001,Made up,K,9999,,$12.35 ",
    "Q0001,Made up,N,,,",
    "V0001,Made up,E1,,,",
)
MUE_ROWS = (
    "90001,1,2 Date of Service Edit: Policy,Made up",
    "90003,4,3 Date of Service Edit: Clinical,Made up",
    "J0001,60,3 Date of Service Edit: Clinical,Made up",
    "V0001,0,1 Line Edit,Made up",
)
PTP_ROWS = (
    "90001\t90002\t\t20200101\t*\t1\tMade up",
    "90002\tJ0001\t*\t19960101\t20251231\t0\tMade up",
    "90003\t90001\t\t20200101\t*\t1\tMade up",
    "J0001\t90001\t\t20200101\t20200101\t9\tMade up",
)
ADD_ON_ROWS = (
    "1\t90002\t\t90001\t\t2020001\t\t",
    "1\t90002\t\tJ0001\t2025365\t2020001\t\t",
    "2\tJ0001\t\tCCCCC\t\t2020001\t\tMade up",
)
ANWEB_LINES = (
    anweb_line("A0001", "19900101"),
    anweb_line("J0001", "20200101"),
    anweb_line("J0001", "20200101", record="4"),
    anweb_line("Q0001", "20200101", "20261031"),
    anweb_line("V0001", "20261115"),
    anweb_line("ZZ", "20200101", record="7"),
)


def everything(folder: Path) -> list[Path]:
    """A file of each table for October 2026, as text, workbook and archive."""
    name = "section 508 version of October 2026 ASP NDC-HCPCS Crosswalk 091126.csv"
    return [
        archive(
            folder,
            "october-2026-ndc-hcpcs-crosswalk-final.zip",
            {name: asp_crosswalk(CROSSWALK_ROWS), "Introduction Text.pdf": b"%PDF"},
        ),
        write(
            folder,
            "section 508 version of October 2026 Medicare Part B Payment Limit File 091626.csv",
            payment_limits(LIMIT_ROWS),
        ),
        write(folder, "October_2026_Web_Addendum_B.csv", addendum_b(ADDENDUM_ROWS)),
        write(
            folder,
            "MCR_MUE_OutpatientHospitalServices_Eff_10-01-2026.csv",
            mue(MUE_ROWS),
        ),
        write(folder, "ccioph-v323r0-f1.TXT", ptp(PTP_ROWS)),
        write(folder, "AOC_V2026Q4-MCR.txt", add_on(ADD_ON_ROWS)),
        write(folder, "HCPC2026_OCT_ANWEB.txt", anweb(ANWEB_LINES)),
    ]
