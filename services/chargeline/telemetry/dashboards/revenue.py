"""The dashboard *revenue integrity*: what waits, why, and whether it gets better.

It owns which panels revenue integrity sees. A gauge of the ledger is taken with max, because each
capture shows the same number.
"""

from chargeline.telemetry.dashboards.panels import Dashboard, DashboardRow, Panel, Query

_GRACE_SECONDS = 86_400.0

MONEY = DashboardRow(
    "Money",
    (
        Panel(
            "Money waits for answers",
            "stat",
            (Query("max(chargeline_money_at_stake_cents) / 100"),),
            unit="currencyUSD",
            width=6,
            height=4,
            steps=((None, "green"), (100_000, "yellow"), (250_000, "red")),
            see="Open questions by kind",
            says="0 without a price list (CHARGELINE_PRICES).",
        ),
        Panel(
            "Visits not final",
            "stat",
            (Query("max(chargeline_open_visits)"),),
            unit="none",
            width=6,
            height=4,
            steps=((None, "blue"),),
            see="Revisions by status",
        ),
        Panel(
            "Final drafts ready to bill, of the last day",
            "stat",
            (
                Query(
                    'round(sum(increase(chargeline_final_revisions_total{waits_for="nothing"}[1d])))'
                ),
            ),
            unit="none",
            width=6,
            height=4,
            steps=((None, "green"),),
            see="Final, and still waits for",
        ),
        Panel(
            "Final drafts that wait, of the last day",
            "stat",
            (
                Query(
                    'round(sum(increase(chargeline_final_revisions_total{waits_for!="nothing"}[1d])))'
                ),
            ),
            unit="none",
            width=6,
            height=4,
            steps=((None, "green"), (1, "yellow")),
            see="Final, and still waits for",
            says="A draft that waits for two things counts twice.",
        ),
        Panel(
            "Visits by what they wait for",
            "bars",
            (Query("max by (waits_for) (chargeline_waiting_visits)", "{{waits_for}}"),),
            unit="none",
            width=12,
            says="Nothing: they may be billed.",
        ),
        Panel(
            "Money by what it waits for",
            "bars",
            (
                Query(
                    'max by (waits_for) (chargeline_waiting_cents{waits_for!="nothing"}) / 100',
                    "{{waits_for}}",
                ),
            ),
            unit="currencyUSD",
            width=12,
            says="0 without a price list (CHARGELINE_PRICES).",
        ),
    ),
)

QUESTIONS = DashboardRow(
    "Questions: are people asked, and do they answer?",
    (
        Panel(
            "Open questions by kind",
            "bars",
            (Query("max by (question) (chargeline_open_questions)", "{{question}}"),),
            unit="none",
            width=8,
        ),
        Panel(
            "Oldest by kind",
            "bargauge",
            (
                Query(
                    "max by (question) (chargeline_oldest_open_question_age_seconds)",
                    "{{question}}",
                ),
            ),
            unit="s",
            width=8,
            steps=((None, "green"), (_GRACE_SECONDS, "red")),
            says="Red: older than the usual grace after discharge.",
        ),
        Panel(
            "Opened against closed",
            "timeseries",
            (Query("sum by (state) (increase(chargeline_questions_total[1d]))", "{{state}}"),),
            unit="none",
            width=8,
        ),
        Panel(
            "Questions by unit",
            "bars",
            (Query("sum by (unit) (increase(chargeline_unit_questions_total[1d]))", "{{unit}}"),),
            unit="none",
            width=8,
        ),
        Panel(
            "Missing stops by unit",
            "bargauge",
            (
                Query(
                    'sum by (unit) (increase(chargeline_final_infusions_total{stop="missing"}[7d]))'
                    " / sum by (unit) (increase(chargeline_final_infusions_total[7d]))",
                    "{{unit}}",
                ),
            ),
            unit="percentunit",
            width=8,
            steps=((None, "green"), (0.05, "yellow"), (0.15, "red")),
            most=1,
            says="Share of the infusions of final drafts.",
        ),
        Panel(
            "Stops charted in time",
            "timeseries",
            (
                Query(
                    'sum(increase(chargeline_final_infusions_total{stop="in_time"}[1d]))'
                    " / sum(increase(chargeline_final_infusions_total[1d]))",
                    "in time",
                ),
            ),
            unit="percentunit",
            width=8,
            steps=((None, "red"), (0.9, "green")),
            most=1,
        ),
        Panel(
            "Time to an answer, p50 p90",
            "timeseries",
            (
                Query(
                    "histogram_quantile(0.5, sum by (le) "
                    "(rate(chargeline_question_open_seconds_bucket[7d])))",
                    "p50",
                ),
                Query(
                    "histogram_quantile(0.9, sum by (le) "
                    "(rate(chargeline_question_open_seconds_bucket[7d])))",
                    "p90",
                ),
            ),
            unit="s",
            width=8,
        ),
        Panel(
            "Final, and still waits for",
            "bars",
            (
                Query(
                    "sum by (waits_for) (increase(chargeline_final_revisions_total"
                    '{waits_for!="nothing"}[1d]))',
                    "{{waits_for}}",
                ),
            ),
            unit="none",
            width=8,
        ),
        Panel(
            "Edits that a payer will make",
            "bars",
            (
                Query(
                    "sum by (edit, severity) (increase(chargeline_final_edits_total[1d]))",
                    "{{edit}} {{severity}}",
                ),
            ),
            unit="none",
            width=8,
            says="On final drafts; waste and NDC are among them.",
        ),
    ),
)

BEFORE_THE_CLAIM = DashboardRow(
    "Authorizations and modifier 25: what a payer would deny",
    (
        Panel(
            "Orders without an authorization",
            "stat",
            (Query('max(chargeline_open_questions{question="authorization.needed"})'),),
            unit="none",
            width=4,
            steps=((None, "green"), (1, "yellow")),
            see="Authorizations on final drafts",
            says="No data where none is open.",
        ),
        Panel(
            "Authorizations on final drafts",
            "bars",
            (
                Query(
                    "sum by (edit, severity) "
                    '(increase(chargeline_final_edits_total{edit=~"authorization[.].*"}[1d]))',
                    "{{edit}} {{severity}}",
                ),
            ),
            unit="none",
            width=8,
            says="By what is wrong with them; see `chargeline auth list`.",
        ),
        Panel(
            "Authorizations to see to",
            "bars",
            (
                Query(
                    'max by (standing) (chargeline_authorizations{standing!~"well|over"})',
                    "{{standing}}",
                ),
            ),
            unit="none",
            width=8,
            says="Running out, ending, too small for the next dose, or waiting for the payer.",
        ),
        Panel(
            "Courses of radiation",
            "bars",
            (Query("max by (pace) (chargeline_radiation_courses)", "{{pace}}"),),
            unit="none",
            width=4,
            says="Silent: no end was reported, and no session for thirty days.",
        ),
        Panel(
            "Modifier 25 waits for a note",
            "bars",
            (
                Query(
                    'max by (question) (chargeline_open_questions{question=~"visit[.]note_.*"})',
                    "{{question}}",
                ),
            ),
            unit="none",
            says="Visits with a practitioner, by what is wrong with the note. No data where none "
            "is open.",
        ),
        Panel(
            "Visits posted otherwise",
            "bars",
            (
                Query(
                    "sum by (edit) "
                    '(increase(chargeline_final_edits_total{edit=~"visit[.].*"}[1d]))',
                    "{{edit}}",
                ),
            ),
            unit="none",
            says="Final drafts whose posted level, modifier 25, units or add-on is not the "
            "documented one.",
        ),
    ),
)

DRAFTS = DashboardRow(
    "Drafts: a changed mix is a changed sender, formulary or rule",
    (
        Panel(
            "Lines by role",
            "bars",
            (Query("sum by (role) (increase(chargeline_draft_lines_total[1d]))", "{{role}}"),),
            unit="none",
            width=12,
        ),
        Panel(
            "Lines by family",
            "bars",
            (Query("sum by (family) (increase(chargeline_draft_lines_total[1d]))", "{{family}}"),),
            unit="none",
        ),
        Panel(
            "Lines by policy",
            "timeseries",
            (Query("sum by (policy) (increase(chargeline_draft_lines_total[1d]))", "{{policy}}"),),
            unit="none",
        ),
        Panel(
            "Withheld by reason",
            "bars",
            (
                Query(
                    "sum by (reason) (increase(chargeline_withheld_services_total[1d]))",
                    "{{reason}}",
                ),
            ),
            unit="none",
            width=8,
        ),
        Panel(
            "Lines where a policy differs",
            "bars",
            (
                Query(
                    "sum by (policy, rule) (increase(chargeline_policy_differences_total[1d]))",
                    "{{policy}} {{rule}}",
                ),
            ),
            unit="none",
            width=8,
        ),
        Panel(
            "Revisions by status",
            "timeseries",
            (
                Query(
                    "sum by (status) (increase(chargeline_draft_revisions_total[1d]))", "{{status}}"
                ),
            ),
            unit="none",
            width=8,
        ),
        Panel(
            "Visits by status",
            "timeseries",
            (Query("max by (status) (chargeline_visits)", "{{status}}"),),
            unit="none",
            width=12,
        ),
        Panel(
            "Published tables without this quarter",
            "bargauge",
            (Query("max by (table) (chargeline_refdata_stale)", "{{table}}"),),
            unit="none",
            width=12,
            steps=((None, "green"), (1, "red")),
            most=1,
            says="Empty where CHARGELINE_REFDATA is not set.",
        ),
    ),
)

REVENUE = Dashboard(
    "revenue",
    "chargeline / revenue integrity",
    "For the Monday meeting: what waits, why, and whether it gets better.",
    (MONEY, QUESTIONS, BEFORE_THE_CLAIM, DRAFTS),
    span="now-7d",
)
