"""A hospital's feed through capture processes that are killed, frozen and cut off from servers.

`make chaos` runs the long form, and `tests/live/test_capture.py` a short one.
"""
