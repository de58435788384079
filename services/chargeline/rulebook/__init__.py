"""Reads the rules folder from disk, checks it, and hands the engine a rulebook of plain values.

This package owns the formats of the files and every message about a mistake in them. It decides no
charge: the engine applies the rules (engine/rules/).
"""
