"""A hospital's feed through capture processes that are killed, frozen, and left without their
servers.
"""
