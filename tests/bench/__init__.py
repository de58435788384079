"""What `make bench` and `make soak` measure: ratios of figures from one run on one machine.

No benchmark passes or fails by the clock, because another machine is faster or slower.
"""
