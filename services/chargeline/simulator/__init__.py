"""An invented infusion centre that writes HL7 files, and beside them the truth of what happened.

This package makes test traffic only. It does not know how chargeline reads or bills, so a feed can
show whether the reader is right. Every patient, payer and place is plainly invented (ZEBRA, ZZ,
TESTPATIENT).
"""

from chargeline.simulator.feed import InventedFeed, simulate, write_feed

__all__ = ["InventedFeed", "simulate", "write_feed"]
