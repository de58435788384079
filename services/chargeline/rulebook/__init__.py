"""Reads rules/ from disk, checks it, and hands the engine values.

It owns the files' formats and every message about a mistake in them. It decides no charge: what a
rule means is engine/rules.py's.
"""
