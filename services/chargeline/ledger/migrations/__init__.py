"""The steps by which the tables of the ledger became what `tables.py` says they are.

This package owns one file for each version, under `versions/`. A version that was released is never
edited, because the tables that it made stand in the databases of sites.
"""
