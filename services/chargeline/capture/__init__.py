"""The live program: consume, assemble, draft, commit.

It owns the order in which things happen to a message between Kafka and the ledger. What a message
means is hl7's and the engine's, what is kept is the ledger's, what crosses Kafka is the bus's.
"""
