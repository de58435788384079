"""The live program: consume from Kafka, draft, announce to Kafka.

It owns the consumer group and the relay of the outbox. What happens to a message between them is
the drafting floor's, what is kept is the ledger's, what crosses Kafka is `published/`.
"""
