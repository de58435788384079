"""Prior authorization: which line or order needs one, which one covers it, and what is left of it.

It is a review of the lines of all charge families, and no family: it changes no code and no unit.
`facts.py` and `parts.py` hold what a feed says of authorizations, `contributions.py` what goes to
the patient's record, `needed.py` whether one is needed, `on_file.py` whether one covers, `used.py`
the count of units, `deadlines.py` the clocks, `lines.py` what a draft says of its lines, and
`orders.py` what it says of orders that are not given yet. `unsaid.py` has what a payer's
message left out, and `unpaid.py` the visits of which nobody says who pays.
"""
