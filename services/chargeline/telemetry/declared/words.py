"""What several metrics share: the bounds of histograms, and a sentence about gauges of the ledger.

It owns the numbers and the sentence. It does not know which metric uses them.
"""

# Upper bounds of the buckets of the histograms.
QUICK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LATENCY_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 28800, 86400)
ANSWER_SECONDS = (900, 3600, 14_400, 28_800, 86_400, 172_800, 259_200, 604_800, 1_209_600)

OF_THE_LEDGER = "Every capture of a ledger shows the same number: take max, and no sum."
