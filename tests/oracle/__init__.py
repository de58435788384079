"""A second, slow coder of drug administrations, held against the engine on random visits.

The oracle shares no code with the engine, so a mistake would have to be made twice to go unnoticed.
"""
