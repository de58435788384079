"""HL7 v2 bytes to engine events and back: the only package that knows what PV1-19 is.

The package is pure: bytes and values come in, values go out. It knows no files, sockets, queues or
clock; the programs own those.
"""
