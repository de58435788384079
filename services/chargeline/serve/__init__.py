"""The one-process mode: MLLP in, a ledger, drafts to a file or the terminal. It needs no server.

This package owns what stands in Kafka's place between the gateway and the processor. A message
waits in memory for a transaction of the ledger. An event of the outbox is written out; one of our
own messages in the outbox, such as a nudge, goes back to the processor. The package refuses to
know how the gateway answers and how the processor drafts.
"""
