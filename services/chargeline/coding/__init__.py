"""The program behind `chargeline code`, `explain` and `rules`: a feed in, explained drafts out.

It owns wiring reader, engine and rulebook together for files, and how the result is shown on a page
or as JSON. It decides nothing about charges.
"""
