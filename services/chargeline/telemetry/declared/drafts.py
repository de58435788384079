"""The metrics of drafts: revisions, lines, questions, and the money that waits for answers.

Programs that draft have them. The module owns the words and no number.
"""

from chargeline.telemetry.declared.words import ANSWER_SECONDS, OF_THE_LEDGER
from chargeline.telemetry.declaring import count, durations, gauge


class DraftMetrics:
    """The metrics of drafts: revisions, lines, questions, and the money that waits for answers."""

    open_visits = gauge(
        "chargeline_open_visits",
        meaning="Visits whose draft is not final. " + OF_THE_LEDGER,
        do="grows for weeks: discharges (A03) do not arrive, so no draft becomes final.",
    )
    visits = gauge(
        "chargeline_visits",
        "status",
        meaning="Visits in the ledger, by status. " + OF_THE_LEDGER,
        do="final stands still while open grows: discharges (A03) do not arrive.",
    )
    revisions = count(
        "chargeline_draft_revisions_total",
        "status",
        meaning="Draft revisions, by status.",
        do="open but never final: discharges do not arrive. Many more revisions than messages: "
        "report a bug.",
    )
    redrafted = count(
        "chargeline_redrafted_visits_total",
        meaning="Open visits that were drafted again because their draft rested on other rules.",
        do="stands still after a change of rules: messages wait all the time, see "
        "chargeline_consumer_lag_messages, or CHARGELINE_REDRAFT_PER_SECOND is 0.",
    )
    lines = count(
        "chargeline_draft_lines_total",
        "family",
        "role",
        "policy",
        meaning="Charge lines that a revision added, by family, service role and policy.",
        do="a sudden change in the mix of roles: the sender, the formulary or a rule has changed; "
        "compare with the day before, and with chargeline_rulebook_info.",
    )
    differences = count(
        "chargeline_policy_differences_total",
        "policy",
        "rule",
        meaning="Charge lines that a revision added and that another published policy would code "
        "otherwise, by that policy and its rule.",
        do="many under the policy of a payer that you bill: its visits may follow the wrong "
        "policy; see payers.toml, and `chargeline rules diff`.",
    )
    withheld = count(
        "chargeline_withheld_services_total",
        "reason",
        meaning="Administrations that a revision newly withheld, by reason.",
        do="drug.no_code rises: the formulary lacks drugs. The id of a rule rises: read the rule "
        "with `chargeline rules show`.",
    )
    final_edits = count(
        "chargeline_final_edits_total",
        "edit",
        "severity",
        meaning="Edits before the claim that stood on a draft when it became final, by edit.",
        do="one edit rises: a payer will deny such lines. Its `do` in the draft says who can mend "
        "the cause; ndc.missing and waste.undocumented mean that vials are not scanned.",
    )
    final_revisions = count(
        "chargeline_final_revisions_total",
        "waits_for",
        meaning="Revisions that became final, by what they still wait for; `nothing` is ready to "
        "bill. One that waits for two things counts for both.",
        do="a question's code rises: nobody answers it before the grace after discharge ends. "
        "parked: see `chargeline parked list`. hold: a person holds it back.",
    )
    final_infusions = count(
        "chargeline_final_infusions_total",
        "unit",
        "stop",
        meaning="Infusions in drafts that became final, by nursing unit (PV1-3) and by how their "
        "stop is documented. in_time: entered at most CHARGELINE_MISSING_STOP_GRACE_MINUTES after "
        "it; late: entered later; charted: the sender does not say when; said: a person or a pump "
        "said it; missing.",
        do="missing rises on one unit: ask its lead to have stops charted; each may lower an "
        "infusion to a push. `other` holds units of fewer than five visits.",
    )
    questions = count(
        "chargeline_questions_total",
        "question",
        "state",
        meaning="Questions to a person that were opened or closed, by question.",
        do="opened grows faster than closed: nobody answers, and charges stay provisional. Many "
        "stop.missing: ask the unit to chart stop times.",
    )
    unit_questions = count(
        "chargeline_unit_questions_total",
        "unit",
        "question",
        meaning="Questions to a person that were opened, by nursing unit (PV1-3) and question.",
        do="one unit asks for most: go there; usually one habit of charting is the cause. `other` "
        "holds units of fewer than five visits.",
    )
    question_open = durations(
        "chargeline_question_open_seconds",
        buckets=ANSWER_SECONDS,
        meaning="Seconds from the opening of a question to its close, by an answer or by the feed.",
        do="the 90th percentile nears CHARGELINE_DISCHARGE_GRACE_HOURS: drafts become final "
        "without answers; more people must answer, or the grace be longer.",
    )
    open_questions = gauge(
        "chargeline_open_questions",
        "question",
        meaning="Questions that are open now, by question. " + OF_THE_LEDGER,
        do="answer the oldest first. Many of one kind usually have one cause.",
    )
    oldest_question = gauge(
        "chargeline_oldest_open_question_age_seconds",
        "question",
        meaning="Age of the oldest open question, by question. " + OF_THE_LEDGER,
        do="older than CHARGELINE_DISCHARGE_GRACE_HOURS: drafts become final without the answer.",
    )
    waiting_visits = gauge(
        "chargeline_waiting_visits",
        "waits_for",
        meaning="Visits by what their bill waits for first; `nothing` are those that may be "
        "billed. " + OF_THE_LEDGER,
        do="`discharge` grows for weeks: discharges (A03) do not arrive. Else look at the code "
        "with the most money, in chargeline_waiting_cents.",
    )
    waiting_cents = gauge(
        "chargeline_waiting_cents",
        "waits_for",
        meaning="What the lines of these visits would bring, in cents of the price list; 0 "
        "without a price list. " + OF_THE_LEDGER,
        do="the reason with the most money first: `chargeline questions list --code`.",
    )
    authorizations = gauge(
        "chargeline_authorizations",
        "standing",
        meaning="Authorizations in the ledger, by what a person should see to, else `well`, "
        "`waiting` for the payer, or `over`; one with two troubles is counted under both. "
        + OF_THE_LEDGER,
        do="authorization.running_out or authorization.ending: ask the payer for more before the "
        "next dose; `chargeline auth list --running-out` names them.",
    )
    courses = gauge(
        "chargeline_radiation_courses",
        "pace",
        meaning="Courses of radiation in the ledger: going on, ended, or silent, which is neither "
        "ended nor heard of for thirty days. " + OF_THE_LEDGER,
        do="silent rises: courses were broken off or finished early, and the record-and-verify "
        "system did not report their end; until it does, the last unit of management is missing.",
    )
    money_at_stake = gauge(
        "chargeline_money_at_stake_cents",
        meaning="What the charge lines with an open question would bring, in cents of the price "
        "list; 0 without a price list. " + OF_THE_LEDGER,
        do="answer the questions of the dearest drugs first.",
    )
