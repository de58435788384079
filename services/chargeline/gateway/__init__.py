"""The program that receives the hospital's messages: MLLP in front of a store.

It owns when a message is acknowledged: after the store has it, never before. It interprets no
further than the key under which a message is kept, because what cannot be interpreted is kept too.
"""
