"""From what a feed says to timelines, the stages in their order.

events -> orders (what was ordered), corrections (which rows stand), running (when it ran), doses
(how much of what), administrations (the steps put together), context (the visit itself), visit (one
visit, event by event), merges and feed (all visits). It knows no codes and no payer.
"""
