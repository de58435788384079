"""The pure core: events in, timeline, draft charges and explanations out.

It owns every coding decision and nothing else: no clock, no disk, no network, no randomness and
no floats, and it imports the standard library only. Three functions are the door:
`fold` (timeline.py), `draft` (draft.py) and `explain` (explain.py).
"""
