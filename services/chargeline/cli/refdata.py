"""`chargeline refdata`: build a bundle of published tables, and ask what it holds.

It owns the arguments of these verbs. The tables are read in the package `refdata`; the codes that a
bundle is built for are those that the rules and the formulary can emit.
"""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from chargeline.cli.arguments import Verbs, add_formulary, add_rules_folder, day, loaded_rules
from chargeline.cli.ending import OK, WRONG_USE, wrong_use
from chargeline.engine import Finding, Quarter, Rulebook
from chargeline.refdata.building import build
from chargeline.refdata.bundle import Bundle, read_bundle, write_bundle
from chargeline.refdata.contradictions import contradictions
from chargeline.refdata.differences import differences
from chargeline.refdata.status import latest_quarter, status
from chargeline.refdata.vintage import parse_quarter

_BUILD_HELP = """\
Reads published tables as they are downloaded (.csv, .txt, .xlsx, or the .zip that holds them) and
writes one bundle. Which table a file is, is told by its header; its quarter by its name or text.
Give all files of all quarters that the bundle is to have: docs/refdata.md lists them.

  chargeline refdata build downloads/*.zip --out 2026Q4.refdata
"""


def add_refdata(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `refdata` with its actions."""
    verb = verbs.add_parser(
        "refdata",
        help="build and compare bundles of published tables",
        description="Works on the tables that CMS publishes each quarter: NDC-HCPCS crosswalks, "
        "payment limits, Addendum B, HCPCS codes, and the NCCI edits. None of them ships with "
        "chargeline.",
    )
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_build(actions)
    holding = actions.add_parser(
        "status",
        help="print what a bundle holds, and what it lacks today",
        description="Prints the tables of a bundle by quarter, those that cannot answer for a day, "
        "and the files that they come from with their checksums.",
    )
    _add_bundle(holding)
    holding.add_argument(
        "--day", type=day, help="the day that is asked about, as YYYY-MM-DD (default: today)"
    )
    holding.set_defaults(run=_status)
    comparing = actions.add_parser(
        "diff",
        help="print what a new quarter changes",
        description="Prints the codes, packages, units, limits and edits that differ between two "
        "quarters of a bundle.",
    )
    _add_bundle(comparing)
    comparing.add_argument("old", type=_quarter, metavar="OLD", help="a quarter, such as 2026Q3")
    comparing.add_argument("new", type=_quarter, metavar="NEW", help="a later quarter")
    comparing.set_defaults(run=_diff)
    checking = actions.add_parser(
        "check",
        help="print where a quarter contradicts the formulary",
        description="Prints each row of the formulary that a quarter contradicts, and each package "
        "whose units do not follow from its strength. The exit code is 0 if there is none, else 2.",
    )
    _add_bundle(checking)
    checking.add_argument(
        "--quarter",
        type=_quarter,
        metavar="QUARTER",
        help="the quarter, such as 2026Q4 (default: the latest of the bundle)",
    )
    add_formulary(checking)
    add_rules_folder(checking)
    checking.set_defaults(run=_check)


def _add_build(actions: "Verbs[argparse.ArgumentParser]") -> None:
    building = actions.add_parser(
        "build",
        help="make a bundle of downloaded files",
        description=_BUILD_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    building.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a downloaded file or archive"
    )
    building.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="the bundle to write"
    )
    building.add_argument(
        "--quarter",
        type=_quarter,
        metavar="QUARTER",
        help="the quarter of files that do not say theirs, such as 2026Q4",
    )
    building.add_argument(
        "--force", action="store_true", help="replace a bundle that has other contents"
    )
    add_formulary(building)
    add_rules_folder(building)
    building.set_defaults(run=_build)


def _add_bundle(action: argparse.ArgumentParser) -> None:
    action.add_argument("bundle", type=Path, metavar="BUNDLE", help="a file of `refdata build`")


def _quarter(text: str) -> Quarter:
    quarter = parse_quarter(text)
    if quarter is None:
        raise argparse.ArgumentTypeError(f"expected a quarter such as 2026Q4, found {text!r}")
    return quarter


def _today() -> date:
    return datetime.now(UTC).date()


def codes_of(rulebook: Rulebook) -> frozenset[str]:
    """Every code that the rules or the formulary can put on a line, on whatever day."""
    roles = {
        str(value)
        for policy in rulebook.policies.values()
        for rule in policy.rules
        if rule.concern.name == "role.code"
        for _field, value in rule.then
    }
    return frozenset(roles | {drug.hcpcs for drug in rulebook.formulary.drugs if drug.hcpcs})


def _build(asked: argparse.Namespace) -> int:
    built = build(asked.files, codes_of(loaded_rules(asked)[0]), asked.quarter)
    is_new = write_bundle(built.bundle, asked.out, force=asked.force)
    for name in built.left_out:
        print(f"note: {name} is no table that is used")
    for remark in built.remarks:
        print(f"note: {remark}")
    for line in status(built.bundle, _today()):
        print(line)
    print(f"{asked.out}: {'written' if is_new else 'the same as before'}")
    return OK


def _status(asked: argparse.Namespace) -> int:
    for line in status(read_bundle(asked.bundle), asked.day or _today()):
        print(line)
    return OK


def _diff(asked: argparse.Namespace) -> int:
    bundle = read_bundle(asked.bundle)
    for quarter in (asked.old, asked.new):
        if not _has(bundle, quarter):
            return wrong_use(str(_no_quarter(bundle, quarter)))
    for line in differences(bundle.tables, asked.old, asked.new):
        print(line)
    return OK


def _check(asked: argparse.Namespace) -> int:
    bundle = read_bundle(asked.bundle)
    quarter = asked.quarter or latest_quarter(bundle.sources)
    if not _has(bundle, quarter):
        return wrong_use(str(_no_quarter(bundle, quarter)))
    result = contradictions(bundle.tables, loaded_rules(asked)[0].formulary.drugs, quarter)
    for missing in result.unsaid:
        print(f"note: not compared, {missing}")
    if result.packaged:
        print(f"note: packaged under OPPS, not paid apart: {', '.join(result.packaged)}")
    for finding in result.findings:
        print(finding)
    print(
        f"formulary against {quarter} of {bundle.tables.version}: {len(result.findings)} "
        f"contradictions; {result.unread_packages} packages have no strength that can be read"
    )
    return WRONG_USE if result.findings else OK


def _has(bundle: Bundle, quarter: Quarter) -> bool:
    return any(source.quarter == quarter for source in bundle.sources)


def _no_quarter(bundle: Bundle, quarter: Quarter) -> Finding:
    quarters = sorted({source.quarter for source in bundle.sources})
    return Finding(
        "command.not_found",
        expected=f"{quarter} in the bundle",
        found=", ".join(map(str, quarters)),
        where="",
        do="build a bundle with the files of both quarters",
    )
