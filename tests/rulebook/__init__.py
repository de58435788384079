"""Tests of the rules themselves: the cases beside them, and that no rule and no code is without
one.
"""
