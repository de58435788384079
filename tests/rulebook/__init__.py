"""Tests of the rules folder: its cases hold, and no rule and no code is without a case."""
