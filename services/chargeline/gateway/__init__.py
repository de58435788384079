"""The program that receives the hospital's messages: an MLLP listener in front of a store.

This package owns the moment of the acknowledgement: after the store has the message, never before.
It reads of a message only the header, the visit and the merges, which it needs for the key and the
answer, because a message that nobody can interpret must be stored as well.
"""
