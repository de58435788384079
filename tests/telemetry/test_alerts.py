"""Claims about the alerts: promtool accepts them, each fires when it should and not otherwise.

The series are played into the real rules by `promtool test rules`. Each alert has a runbook.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from chargeline.telemetry import alerts, shipped
from chargeline.telemetry.alerts.table import ALERTS
from tests.live.prometheus import program

REPOSITORY = Path(__file__).resolve().parents[2]
RUNBOOKS = REPOSITORY / "docs/runbooks"
RULES = REPOSITORY / shipped.FOLDER / "alerts.yaml"

Series = dict[str, str]


class Played(NamedTuple):
    """Series that must fire, at a time, and series that must not."""

    at: str
    fires: Series
    quiet: Series
    interval: str = "1m"


def transactions(result: str) -> str:
    return f'chargeline_ledger_transactions_total{{result="{result}"}}'


def gauge(name: str, bad: str, good: str, at: str, labels: str = "") -> Played:
    series = f"chargeline_{name}{labels}"
    return Played(at, {series: bad}, {series: good})


WEEK = "0+300x2016"  # a clock: each five minutes for a week
COUNTED = "0+5x2016"
HOUR_OF_SILENCE = {"heard": f"{WEEK} 604800+0x24", "count": f"{COUNTED} 10080+0x24"}
AS_EVER = {"heard": "0+300x2040", "count": "0+5x2040"}
# Nobody wrote at this hour of last week either: the first hours were a night.
NIGHT = {"heard": f"_x24 {WEEK} 604800+0x24", "count": f"0+0x24 {COUNTED} 10080+0x48"}


def silence(heard: str, count: str) -> Played:
    def series(values: dict[str, str]) -> Series:
        return {heard: values["heard"], count: values["count"]}

    return Played("10140m", series(HOUR_OF_SILENCE), series(AS_EVER), "5m")


_ACK = "chargeline_gateway_acknowledge_seconds_bucket"
_PARKED = 'chargeline_messages_total{outcome="parked"}'
_USED = 'chargeline_messages_total{outcome="used"}'
_ASKED = "chargeline_questions_total"

PLAYED = {
    "ChargelineAbsent": Played("10m", {"up": "0+0x20"}, {"chargeline_up": "1+0x20"}),
    "ChargelineNotReady": gauge("ready", "0+0x20", "0+0x5 1+0x15", "15m"),
    "ChargelineFeedNotDrafted": gauge(
        "oldest_unread_age_seconds", "0+60x20", "200+0x20", "15m"
    ),
    "ChargelineLagGrows": gauge(
        "consumer_lag_messages", "0+100x90", "2000+0x90", "90m", '{partition="0"}'
    ),
    "ChargelineOpenTransaction": gauge(
        "held_back_messages", "1+0x10", "1+0x2 0+0x8", "9m", '{partition="0"}'
    ),
    "ChargelineParkedShare": Played(
        "35m", {_PARKED: "0+2x40", _USED: "0+10x40"}, {_PARKED: "0+1x40", _USED: "0+100x40"}
    ),
    "ChargelineParkedTooLong": gauge(
        "oldest_parked_age_seconds", "15000+0x30", "14000+0x30", "20m"
    ),
    "ChargelineParkedExpired": gauge(
        "parked_expired_messages_total", "3+0x1400 4+0x100", "3+0x1500", "1490m"
    ),
    "ChargelineSenderQuarantined": gauge("quarantined_senders", "1+0x10", "0+0x10", "9m"),
    "ChargelineInterfaceSilent": silence(
        'chargeline_interface_last_message_timestamp_seconds{interface="standard"}',
        'chargeline_interface_messages_total{interface="standard",outcome="used"}',
    ),
    "ChargelineSenderSilent": silence(
        'chargeline_gateway_sender_last_message_timestamp_seconds{sender="mar-zebra"}',
        'chargeline_gateway_sender_messages_total{sender="mar-zebra"}',
    ),
    "ChargelineMessagesNotStored": Played(
        "15m",
        {'chargeline_gateway_refusals_total{reason="store_full"}': "0+1x20"},
        {'chargeline_gateway_refusals_total{reason="type_not_allowed"}': "0+1x20"},
    ),
    "ChargelineSlowAcknowledgements": Played(
        "30m",
        {
            f'{_ACK}{{le="5"}}': "0+0x30",
            f'{_ACK}{{le="10"}}': "0+9x30",
            f'{_ACK}{{le="+Inf"}}': "0+9x30",
        },
        {f'{_ACK}{{le="0.1"}}': "0+9x30", f'{_ACK}{{le="+Inf"}}': "0+9x30"},
    ),
    "ChargelineCertificateEnds": Played(
        "90m",
        {
            "chargeline_gateway_certificate_left_seconds": "8640000+0x120",
            "chargeline_kafka_certificate_left_seconds": "864000+0x120",
        },
        {
            "chargeline_gateway_certificate_left_seconds": "8640000+0x120",
            "chargeline_kafka_certificate_left_seconds": "NaN+0x120",
        },
    ),
    "ChargelineCertificateEndsSoon": gauge(
        "gateway_certificate_left_seconds", "86400+0x30", "864000+0x30", "20m"
    ),
    "ChargelineNotAnnounced": gauge(
        "oldest_outbox_age_seconds", "120+0x20", "30+0x20", "10m"
    ),
    "ChargelineRelayStuck": Played(
        "28m",
        {"chargeline_outbox_events": "5+0x30", "chargeline_published_events_total": "7+0x30"},
        {"chargeline_outbox_events": "5+0x30", "chargeline_published_events_total": "0+1x30"},
    ),
    "ChargelineLedgerDiskFull": Played(
        "6m", {transactions("disk_full"): "0+1x10"}, {transactions("committed"): "0+1x10"}
    ),
    "ChargelineLedgerFails": Played(
        "20m", {transactions("unreachable"): "0+1x30"}, {transactions("fenced"): "0+1x30"}
    ),
    "ChargelineRestarts": Played(
        "60m",
        {
            'process_start_time_seconds{job="capture",instance="a"}': "0+900x4 3600+0x60",
            'chargeline_up{job="capture",instance="a"}': "1+0x90",
        },
        {
            'process_start_time_seconds{job="other",instance="b"}': "0+900x90",
            'chargeline_up{job="capture",instance="a"}': "1+0x90",
        },
    ),
    "ChargelineTwoRulebooks": Played(
        "90m",
        {
            'chargeline_rulebook_info{version="a",instance="1"}': "1+0x120",
            'chargeline_rulebook_info{version="b",instance="2"}': "1+0x120",
        },
        {
            'chargeline_rulebook_info{version="a",instance="1"}': "1+0x120",
            'chargeline_rulebook_info{version="a",instance="2"}': "1+0x120",
        },
    ),
    "ChargelineStaleTables": gauge(
        "refdata_stale", "1+0x400", "0+0x400", "390m", '{table="crosswalk"}'
    ),
    "ChargelineMoneyWaits": gauge(
        "money_at_stake_cents", "30000000+0x400", "100+0x400", "390m"
    ),
    "ChargelineQuestionsOutrunAnswers": Played(
        "80h",
        {f'{_ASKED}{{state="opened"}}': "0+10x100", f'{_ASKED}{{state="closed"}}': "0+1x100"},
        {f'{_ASKED}{{state="opened"}}': "0+10x100", f'{_ASKED}{{state="closed"}}': "0+9x100"},
        "1h",
    ),
    "ChargelineDrugsWithoutCode": Played(
        "48h",
        {
            f'{_ASKED}{{question="drug.unknown",state="opened"}}': "0+1x60",
            f'{_ASKED}{{question="drug.no_code",state="opened"}}': "0+1x60",
        },
        {
            f'{_ASKED}{{question="stop.missing",state="opened"}}': "0+2x60",
            f'{_ASKED}{{question="drug.unknown",state="closed"}}': "0+2x60",
        },
        "1h",
    ),
}  # fmt: skip


def promtool(*words: str) -> str:
    """What promtool says; it ends with 0."""
    done = subprocess.run(
        [program("promtool"), *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def played(folder: Path, name: str, series: Series, played: Played, *, fires: bool) -> None:
    """Play series into the rules: exactly this alert fires, or it does not."""
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": played.interval,
        "tests": [
            {
                "interval": played.interval,
                "input_series": [{"series": s, "values": v} for s, v in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
                        "eval_time": played.at,
                        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                    }
                ],
            }
        ],
    }
    path = folder / "test.json"
    path.write_text(json.dumps(test))
    promtool("test", "rules", str(path))


@pytest.mark.live
def test_promtool_accepts_the_rules() -> None:
    """Of the file that the chart ships, all of them."""
    said = promtool("check", "rules", str(RULES))
    assert f"{len(ALERTS) + len(alerts.RECORDED)} rules found" in said


@pytest.mark.live
@pytest.mark.parametrize("name", PLAYED)
def test_an_alert_fires_when_it_should(tmp_path: Path, name: str) -> None:
    """By the series of its symptom, after its time."""
    played(tmp_path, name, PLAYED[name].fires, PLAYED[name], fires=True)


@pytest.mark.live
@pytest.mark.parametrize("name", PLAYED)
def test_an_alert_is_quiet_when_all_is_well(tmp_path: Path, name: str) -> None:
    """By series that look alike and are no fault."""
    played(tmp_path, name, PLAYED[name].quiet, PLAYED[name], fires=False)


@pytest.mark.live
def test_a_sender_that_is_silent_at_night_wakes_nobody(tmp_path: Path) -> None:
    """Where nothing came in these hours of last week, an hour without a message is usual."""
    like = PLAYED["ChargelineInterfaceSilent"]
    series = dict(zip(like.fires, (NIGHT["heard"], NIGHT["count"]), strict=True))
    late = like._replace(at="10140m")
    played(tmp_path, "ChargelineInterfaceSilent", series, late, fires=False)


@pytest.mark.live
def test_what_a_program_removes_as_it_starts_is_seen(tmp_path: Path) -> None:
    """Retention runs before the first scrape: the series begins at 3 and does not rise."""
    began = {"chargeline_parked_expired_messages_total": "_x5 3+0x10"}
    played(tmp_path, "ChargelineParkedExpired", began, Played("10m", {}, {}), fires=True)


def test_each_alert_is_played() -> None:
    """None rests on belief."""
    assert set(PLAYED) == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_is_felt_and_links_its_runbook(alert: alerts.AlertRule) -> None:
    """The page has the alert in its first lines, and says what it means, where to look, what to
    do.
    """
    assert alert.summary and alert.description.endswith(".")
    text = (RUNBOOKS / f"{alert.runbook}.md").read_text(encoding="utf-8")
    assert f"`{alert.name}`" in text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Meaning", "Look", "Do"]


def test_a_series_that_an_alert_rests_on_is_recorded() -> None:
    """A name with colons that no rule records would never fire."""
    recorded = {rule.record for rule in alerts.RECORDED}
    named = {name for alert in ALERTS for name in re.findall(r"\w+:\w+:\w+", alert.expr)}
    assert named == recorded


def test_no_runbook_is_without_an_alert() -> None:
    """A page that no alert links to is read by nobody."""
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == {alert.runbook for alert in ALERTS}
