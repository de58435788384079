"""The floor that `capture` and `serve` share: from messages to revisions of drafts.

This package owns the order of the work, as one numbered list in `processor.py`: read, keep, fold,
park, tell, draft, revise, announce. It does not know where messages come from or where events go:
`capture` takes them from Kafka and publishes on Kafka, `serve` listens on MLLP and writes a file.
"""
