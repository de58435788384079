"""The screen Compare: visits of a period drafted under other rules, or beside what was posted.

It owns the comparisons as people ask for them. What differs between two drafts of a visit, the
engine says; how the visits of the ledger are drafted for it, the drafting floor.
"""
