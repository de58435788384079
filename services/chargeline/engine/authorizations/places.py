"""Whether an authorization is used where and by whom the payer has granted it.

It owns the comparison of site and practitioner, which never takes a number from a line: payers name
a place in their own words, and a person can see that two names are one place. A site is compared
with the facility of the visit, its unit or clinic, and the facility of that (PV1-3); a practitioner
by the NPI of who attends, orders or performs. What the authorization does not name is not asked.
"""

from collections.abc import Iterator, Sequence

from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.events import VisitKey
from chargeline.engine.timeline.records import VisitContext
from chargeline.engine.trace import ChargeLine, Noted, note


def elsewhere(
    authorization: Authorization,
    visit: VisitKey,
    context: VisitContext,
    lines: Sequence[ChargeLine],
) -> Iterator[Noted]:
    """That the authorization which covers lines is for another place or another practitioner."""
    number = authorization.number
    sites = [name for name in (context.place, context.site, visit.facility) if name]
    if authorization.site and _plain(authorization.site) not in map(_plain, sites):
        is_told = bool(context.place or context.site)
        yield note(
            "authorization.site",
            lines,
            expected=f"{authorization.site}, for which the payer granted {number}",
            found=f"{', '.join(sites)} on the visit"
            if is_told
            else f"no unit or clinic on the visit (PV1-3), and the facility {visit.facility}",
            do="have registration correct the place of the visit, or the payer that of the "
            "authorization"
            if is_told
            else "have registration send where the patient is treated (PV1-3)",
        )
    if authorization.provider and authorization.provider not in context.practitioners:
        names = ", ".join(context.practitioners)
        yield note(
            "authorization.provider",
            lines,
            expected=f"the practitioner {authorization.provider}, for whom the payer granted "
            f"{number}",
            found=f"{names} on the visit" if names else "no NPI on the visit (PV1-7, ORC-12)",
            do="have registration correct who attends, or the payer name this practitioner"
            if names
            else "have the sender send the NPI of who attends or orders (PV1-7, ORC-12)",
        )


def _plain(name: str) -> str:
    """A name in small letters and digits: ZEBRA TOWER and Zebra-Tower are one place."""
    return "".join([character for character in name.casefold() if character.isalnum()])
