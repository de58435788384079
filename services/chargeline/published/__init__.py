"""The language that chargeline speaks with others: shapes of events, their keys, headers and ids,
schemas.

It owns what is published in `schemas/`: whoever consumes drafts and questions relies on it. It
knows no broker, no ledger and no clock.
"""
