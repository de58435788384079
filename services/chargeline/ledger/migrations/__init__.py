"""How the tables of the ledger became what `tables.py` says they are.

It owns one file a version under `versions/`. A version that was released is never edited: what it
made is in the field.
"""
