"""MLLP, the way in which HL7 v2 messages travel over TCP: a listening and a sending end.

This package owns one technology, and refuses to know what a message says.
"""
