"""The screen Running now: whose infusion is past its ordered end, and who left without a stop.

It owns the board of a nurse lead. What it shows is read from published drafts, and nothing is
drafted for it.
"""
