"""How the sender of a record writes: the interface that its gateway named in the headers.

This module owns the choice of the profile. A name that the rules do not have is never replaced by
another profile, because the same bytes would then say something else: an empty RXA-4 is a running
drug for one sender and a push for another.
"""

import re
from collections.abc import Mapping

from chargeline.engine import shape_of
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import Profile
from chargeline.published.inbound import INTERFACE
from chargeline.telemetry.labels import OTHER

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def interface_name(named: str, interfaces: Mapping[str, Profile], default: Profile) -> str:
    """The name of the profile for what a header says, `other` if the rules have none of that name.

    Whatever stands in the header, only names of profiles come out.
    """
    if not named:
        return default.name
    return named if named in interfaces or named == default.name else OTHER


def interface_of(
    headers: Mapping[str, str], interfaces: Mapping[str, Profile], default: Profile
) -> Profile:
    """The profile that the headers of a record name, `default` if they name none.

    Raises Hl7Error (`interface.unknown`) if `interfaces` has no profile of that name.
    """
    name = headers.get(INTERFACE, "")
    if not name:
        return default
    if name not in interfaces:
        raise Hl7Error(
            "interface.unknown",
            expected=f"one of {', '.join(sorted(interfaces))}",
            found=repr(name) if _NAME.fullmatch(name) else shape_of(name),
            where=f"the header {INTERFACE}",
            do="add rules/interfaces/NAME/profile.toml, or correct CHARGELINE_INTERFACE of the "
            "gateway; then restart, and retry what was parked",
        )
    return interfaces[name]
