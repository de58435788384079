"""The one-process mode: MLLP in, a ledger, drafts to a file or the terminal; no server is needed.

It owns what stands in Kafka's place between the gateway and the processor, and nothing of what
either
does: a message waits for a ledger transaction, and what the ledger announces is written out or
worked off.
"""
