"""Authorizations from a spreadsheet: rows that are checked one by one, as HL7 messages.

`sheet.py` reads the bytes that a spreadsheet program writes, `columns.py` is the layout, `cells.py`
says what a cell may look like, `rows.py` checks rows by themselves and beside each other, and
`notices.py` makes messages of them and reads each message back. Nothing here sends anything.
"""
