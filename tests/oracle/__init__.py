"""An oracle of drug administration coding that shares no code with the engine, and their
comparison.
"""
