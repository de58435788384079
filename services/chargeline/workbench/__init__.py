"""The workbench: web pages and an API over the ledger, for coders, nurses and operations.

It shows what the ledger holds, and it writes what people say as answers that the program which owns
a visit drafts by. It never drafts a revision by itself. Start with `app.py`.
"""
