"""The floor that the programs share: from messages to revisions of drafts.

It owns the order of the work, as one numbered list in `processor.py`: read, keep, fold, history,
draft, revise, announce. Where messages come from and where announcements go is each program's own
business.
"""
