"""The screen *Work*: the visits that wait for a person, the question first.

It reads the work list of the ledger and writes who sees to what.
"""
