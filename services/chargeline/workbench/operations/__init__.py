"""The screen Operations: whether the feed is whole, and whether what came is understood.

It owns what an operator sees and does to parked messages. It shows no value of a message but its
type and its sender.
"""
