"""MLLP, how HL7 v2 messages travel over TCP: a listening and a sending end.

It owns one technology and nothing of what the messages say.
"""
