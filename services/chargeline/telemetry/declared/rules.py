"""By which rules and published tables a program drafts, and whether the tables are of today.

Programs that draft have these metrics. The module owns the words and no number.
"""

from chargeline.telemetry.declaring import gauge, info


class RulesMetrics:
    """By which rules and published tables a program drafts."""

    rulebook = info(
        "chargeline_rulebook_info",
        "version",
        meaning="The version of the rules that drafts are made with.",
        do="two versions for longer than a roll-out takes: one feed is coded by two sets of "
        "rules; finish the roll-out.",
    )
    refdata = info(
        "chargeline_refdata_info",
        "version",
        meaning="The version of the published tables; none where CHARGELINE_REFDATA is not set.",
        do="none where a bundle was set up: the program was started without it. Two versions for "
        "longer than a roll-out takes: finish the roll-out.",
    )
    refdata_stale = gauge(
        "chargeline_refdata_stale",
        "table",
        meaning="1 for a published table that has no issue for the quarter of today, else 0.",
        do="1: edits that need the table do not run. Download the files of the quarter, and build "
        "a bundle with them (docs/refdata.md).",
    )
