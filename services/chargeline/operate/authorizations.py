"""`chargeline auth list` and `auth show`: how authorizations stand, from the ledger.

It owns what is read there, and that a patient's number is shown only to a person who says why,
which is an act of the trail. The numbers are those of the drafts: both count what visits contribute
to their patients' records. What is printed, `authorization_text.py` says. `auth import` and
`auth add` leave their act in the trail here.
"""

import json
from contextlib import nullcontext
from datetime import datetime
from zoneinfo import ZoneInfo

from chargeline.drafting.acting import act_of
from chargeline.drafting.patient_records import (
    AUTHORIZED,
    RUNNING_OUT,
    records_with,
    warning_for,
)
from chargeline.drafting.reading_back import headers_read
from chargeline.drafting.setup import load_rules, new_processor
from chargeline.engine import (
    BEGINNING,
    Authorization,
    Finding,
    FindingError,
    balance_of,
    printable,
    visits_telling,
)
from chargeline.hl7.ahead import bounded
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import make_profile
from chargeline.hl7.reader import read_message
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.records import StoredMessage
from chargeline.ledger.store import Ledger
from chargeline.ledger.view import View
from chargeline.operate.authorization_text import (
    AuthorizationLook,
    LedgerAuthorization,
    as_json,
    in_full,
    listed,
)
from chargeline.operate.left_out import say_left_out
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.rulebook.loading import read_interface
from chargeline.settings import Settings


def auth_list(look: AuthorizationLook, *, json_lines: bool = False) -> Command:
    """Do `chargeline auth list`: each authorization, with what must be seen to."""

    async def work(settings: Settings) -> int:
        site = _Site(settings)
        async with opened(settings) as ledger:
            entries = await _looked_at(ledger, look, site)
        for entry in entries:
            if json_lines:
                print(json.dumps(as_json(entry, look), ensure_ascii=False))
            else:
                print("\n".join(map(printable, listed(entry, look))))
        if not json_lines:
            ailing = sum([bool(entry.concerns) for entry in entries])
            noun = "authorization" if len(entries) == 1 else "authorizations"
            print(f"{len(entries)} {noun}, {ailing} to see to")
        return OK

    return work


def auth_show(look: AuthorizationLook, *, json_lines: bool = False) -> Command:
    """Do `chargeline auth show`: an authorization with its life cycle, and who used it.

    Raises FindingError if the ledger has none of this number.
    """

    async def work(settings: Settings) -> int:
        site = _Site(settings)
        async with opened(settings) as ledger:
            entries = await _looked_at(ledger, look, site)
            if not entries:
                raise _no_such(look.number)
            told = VersionsTold(settings, ledger)
            async with ledger.view() as view:
                versions = [await told.of(view, entry) for entry in entries]
        for entry, versions_of_entry in zip(entries, versions, strict=True):
            if json_lines:
                shown = as_json(entry, look, versions_of_entry)
                print(json.dumps(shown, ensure_ascii=False))
            else:
                print("\n".join(map(printable, in_full(entry, look, versions_of_entry))))
        return say_left_out(told.unreadable)

    return work


def note_sending(*, count: int, to: str, sha256: str, who: str, why: str) -> Command:
    """Put the sending of authorizations into the trail, before the first one is sent.

    Without a ledger in the environment nobody keeps it, which is said: whoever sends from another
    machine is known to the listener by address and certificate.
    """

    async def work(settings: Settings) -> int:
        if not {"ledger_url", "ledger_url_file"} & settings.model_fields_set:
            print("not in an audit trail: CHARGELINE_LEDGER_URL names no ledger here")
            return OK
        details = {"messages": count, "sha256": sha256}
        act = act_of("authorization.send", "authorizations", to, who=who, why=why, details=details)
        async with opened(settings, locked=True) as ledger, ledger.batch() as batch:
            await batch.audit([act])
        return OK

    return work


# ------------------------------------------------------------------ from the ledger


class _Site:
    """The rules and the clock of the site."""

    def __init__(self, settings: Settings) -> None:
        self.rulebook, folder = load_rules(settings)
        self.zone = make_profile(read_interface(folder, settings.interface)).zone
        self.today = datetime.now(ZoneInfo(self.zone)).date()


async def _looked_at(
    ledger: Ledger, look: AuthorizationLook, site: _Site
) -> list[LedgerAuthorization]:
    """The authorizations that somebody looks at, by number; a look at patients is an act."""
    if not look.unmask:
        async with ledger.view() as view:
            return await _authorizations(view, look, site)
    async with ledger.batch() as batch:
        entries = await _authorizations(batch, look, site)
        details = {
            "count": len(entries),
            "facility": look.facility,
            "payer": look.payer,
            "visit": look.visit,
        }
        record = look.number or "list"
        act = act_of("authorization.show", "authorizations", record, who=look.who, why=look.why)
        await batch.audit([act._replace(details={**act.details, **details})])
    return entries


async def _authorizations(
    view: View, look: AuthorizationLook, site: _Site
) -> list[LedgerAuthorization]:
    entries = []
    async for facility, patient, record in records_with(lambda: nullcontext(view), AUTHORIZED):
        whole = balance_of((), record, ())
        for balance in whole.balances:
            warning = warning_for(site.rulebook, balance.authorization.payer, site.today)
            entry = LedgerAuthorization(
                facility=facility,
                patient=patient,
                balance=balance,
                concerns=tuple(whole.ailing(balance, site.today, warning)),
                told_by=visits_telling(balance.authorization, record),
                zone=site.zone,
                today=site.today,
            )
            if _is_wanted(entry, look):
                entries.append(entry)
    return sorted(entries, key=_by_number)


def _by_number(entry: LedgerAuthorization) -> tuple[str, str, str]:
    authorization = entry.balance.authorization
    return (authorization.number, entry.facility, authorization.item)


def _is_wanted(entry: LedgerAuthorization, look: AuthorizationLook) -> bool:
    authorization = entry.balance.authorization
    visits = {account.use.visit.visit for account in entry.balance.uses}
    visits |= {key.visit for key in entry.told_by}
    return (
        look.number in ("", authorization.number)
        and look.payer.upper() in ("", authorization.payer.upper())
        and look.facility in ("", entry.facility)
        and (not look.visit or look.visit in visits)
        and (not look.running_out or any(c.code in RUNNING_OUT for c in entry.concerns))
    )


def _no_such(number: str) -> FindingError:
    return FindingError(
        Finding(
            "command.not_found",
            expected=f"an authorization {number} in the ledger",
            found="none",
            where="NUMBER",
            do="see the numbers that `chargeline auth list` prints; one that was just sent is "
            "there as soon as `chargeline capture` or `serve` has read it",
        )
    )


# ------------------------------------------------------------------ the life cycle


class VersionsTold:
    """What messages told of authorizations, read again as they are kept."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._profile_of = new_processor(settings, ledger, settings.topic_inbound).profile_of
        self.unreadable: list[UnreadableRow] = []

    async def of(self, view: View, entry: LedgerAuthorization) -> list[Authorization]:
        """Each version of an authorization, the one that was sent first at the beginning."""
        number, item = entry.balance.authorization.number, entry.balance.authorization.item
        versions: dict[str, Authorization] = {}
        for key in entry.told_by:
            try:
                messages = (await view.messages_of([key]))[key]
            except UnreadableRow as error:
                self.unreadable.append(error)
                continue
            for stored in messages:
                for event in self._events(stored):
                    if event.number == number and event.item in (item, ""):
                        versions.setdefault(f"{event.message.digest}{event.address}", event)
        return sorted(versions.values(), key=_by_time)

    def _events(self, stored: StoredMessage) -> list[Authorization]:
        profile = self._profile_of(headers_read(stored))
        reading = bounded(read_events(read_message(stored.raw), profile), stored.received_at)
        return [event for event in reading.events if isinstance(event, Authorization)]


def _by_time(version: Authorization) -> tuple[datetime, str]:
    return (version.message.sent or BEGINNING, version.message.digest)
