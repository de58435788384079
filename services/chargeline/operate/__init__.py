"""What an operator does at the command line: topics, the ledger's schema, parked messages,
settings.

It owns the text of these commands and their exit codes. It repeats no step of the programs.
"""
