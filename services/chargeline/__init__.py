"""Chargeline turns a hospital's HL7 v2 medication feed into explained draft charges.

This package root owns the version and nothing else: importing it must stay free of side effects,
because the pure engine and every program pass through it.
"""

__version__ = "0.1.0"
