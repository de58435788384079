"""The program behind `chargeline code`, `explain`, `balance` and `rules`: a feed in, drafts out.

It owns how the HL7 reader, the rulebook and the engine work together on files, and how the result
is shown on a page or as JSON. It decides nothing about charges; the engine does.
"""
