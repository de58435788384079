"""What `make bench` measures: ratios taken side by side in one run, never a verdict by the
clock.
"""
