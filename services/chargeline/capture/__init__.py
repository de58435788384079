"""The live program: consume from Kafka, draft, announce to Kafka.

This package owns the consumer group and the relay of the outbox. Between the two, `drafting/`
decides what happens to a message, and `ledger/` keeps the result. The shapes of all that is sent
to Kafka are in `published/`.
"""
