"""An invented infusion centre that writes HL7 files, with the truth of what happened beside them.

It owns test traffic only: nothing here knows how chargeline reads or bills, so that a feed can
judge the reader. Each patient, payer and place is plainly made up (ZEBRA, ZZ, TESTPATIENT).
"""

from chargeline.simulator.feed import InventedFeed, simulate, write_feed

__all__ = ["InventedFeed", "simulate", "write_feed"]
