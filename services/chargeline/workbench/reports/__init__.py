"""The screen Reports: what is missing, asked, found, discarded, coded otherwise, and done.

It owns seven tables over a period, each with a picture of the same facts. What stands in a column
of the ledger is counted there; the rest is read from published drafts, and nothing is drafted.
"""
