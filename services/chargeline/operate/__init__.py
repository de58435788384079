"""What an operator does at the command line: topics, ledger schema, parked messages, settings.

It owns the output of these commands and their exit codes. The work itself is done by the packages
kafka, ledger, drafting and settings, so that a command does exactly what a program does.
"""
