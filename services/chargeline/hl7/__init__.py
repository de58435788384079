"""HL7 v2 bytes to engine events and back: the only package that knows what PV1-19 is.

It is pure: bytes and values come in, values go out. It refuses to know files, sockets, queues and
the clock; the programs own those.
"""
