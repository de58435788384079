"""What an address of the work list asks for, and the named views of it.

It owns the query parameters. The whole state of the screen is in the address, so that a screen can
be sent to a colleague, and the same parameters give the list as JSON and as CSV.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from chargeline.engine import MEANINGS, answer_words, severity_of
from chargeline.ledger.work_list import NOBODY, Due, WorkFilter, WorkPlace
from chargeline.workbench.addresses import OfDay, Text, with_query

ViewName = Literal["all", "mine", "nobody", "soon", "large", "asked", "held"]
LARGE_CENTS = 500_000


class WorkView(NamedTuple):
    """A named view: its title, and what it leaves of the list."""

    title: str
    leaves: WorkFilter


class WorkQuery(BaseModel):
    """The query parameters of the work list. Empty ones leave all."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    view: ViewName = "all"
    code: Text = Field("", description="The code of a question, such as stop.missing")
    severity: answer_words.Severity | Literal[""] = ""
    place: Text = Field("", description="The nursing unit")
    payer: Text = Field("")
    owner: Text = Field("", description=f"Whose it is; `{NOBODY}` for nobody's")
    due: Due | Literal[""] = ""
    text: Text = Field("", description="Part of a drug's name, or a visit number")
    facility: Text = Field("")
    first_day: OfDay = Field(None, alias="from", description="Of the days of service")
    last_day: OfDay = Field(None, alias="to", description="Included")
    after: str = Field("", max_length=2_000, description="`next` of the page before")

    def wanted(self, who: str) -> WorkFilter:
        """What is wanted of the list, by the named view and the filters together."""
        view = views(who)[self.view].leaves
        return view._replace(
            codes=self._codes() or view.codes,
            place=self.place,
            payer=self.payer,
            owner=self.owner or view.owner,
            due=self.due or view.due,
            text=self.text,
            facility=self.facility,
            first_day=str(self.first_day or ""),
            last_day=str(self.last_day or ""),
        )

    def _codes(self) -> tuple[str, ...]:
        if self.code:
            return (self.code,)
        if self.severity:
            return tuple([code for code in MEANINGS if severity_of(code) == self.severity])
        return ()

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set, beside the view."""
        names = ("code", "severity", "place", "payer", "owner", "due", "text", "facility")
        days = {"from": self.first_day, "to": self.last_day}
        wanted = {**{name: getattr(self, name) for name in names}, **days}
        return {name: str(value) for name, value in wanted.items() if value}

    def address(self, path: str = "/work", **other: str) -> str:
        """The address of the list with some parameters changed; "" takes one away."""
        view = {"view": self.view} if self.view != "all" else {}
        return with_query(path, {**view, **self.filters, **other})


def views(who: str) -> Mapping[ViewName, WorkView]:
    """The named views, for somebody."""
    return {
        "all": WorkView("All that wait", WorkFilter()),
        "mine": WorkView("Mine", WorkFilter(owner=who)),
        "nobody": WorkView("Nobody’s", WorkFilter(owner=NOBODY)),
        "soon": WorkView("Final in 4 hours", WorkFilter(due="4h")),
        "large": WorkView("Over $5,000", WorkFilter(least_cents=LARGE_CENTS)),
        "asked": WorkView("Asked the unit", WorkFilter(asked_unit=True)),
        "held": WorkView("Held", WorkFilter(codes=("hold",))),
    }


_LARGEST = 2**62
_Cents = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
_Due = Annotated[AwareDatetime, AfterValidator(lambda due: due.astimezone(UTC))]
_PLACE = TypeAdapter(tuple[Annotated[int, Field(ge=0, le=2)], _Due, _Cents, Text, Text])


def token_of(place: WorkPlace) -> str:
    """A place of the list as a parameter."""
    values = [*place._replace(due=place.due.isoformat())]  # type: ignore[arg-type]
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def place_of(token: str) -> WorkPlace | None:
    """The place that a parameter says; None for "". Raises ValueError for one that is not ours."""
    if not token:
        return None
    try:
        written = urlsafe_b64decode(token + "==")
        return WorkPlace._make(_PLACE.validate_json(written))
    except (ValidationError, RecursionError, OverflowError) as error:
        raise ValueError("no place of the list") from error
