"""What other programs read of us: the shapes of events, their keys, headers and ids, and schemas.

This package owns what is published in `schemas/`. Billing systems and worklists rely on it, so
within v1 a key may be added and none may change. It knows no broker, no ledger and no clock.
"""
