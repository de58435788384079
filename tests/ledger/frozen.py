"""A PostgreSQL session of a program that froze while it sent a statement.

The server has parsed a statement and waits for the rest of the message that runs it, so to it the
session is active: none of its limits for idle sessions holds.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

READY = b"Z"


@asynccontextmanager
async def frozen_session(database: str, statement: str) -> AsyncIterator[asyncio.StreamReader]:
    """A session that has run a statement and then frozen; the reader ends when the server does."""
    address = urlsplit(database)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    names = {
        "user": address.username or "",
        "database": address.path[1:],
        "application_name": "chargeline",
    }
    words = b"".join(f"{name}\0{value}\0".encode() for name, value in names.items()) + b"\0"
    writer.write(struct.pack("!ii", len(words) + 8, 196608) + words)
    await _until_ready(reader)
    query = statement.encode() + b"\0"
    writer.write(b"Q" + struct.pack("!i", len(query) + 4) + query)
    await _until_ready(reader)
    parse = b"\0SELECT 1\0" + struct.pack("!h", 0)
    writer.write(b"P" + struct.pack("!i", len(parse) + 4) + parse)  # and no Sync
    writer.write(b"B" + struct.pack("!i", 1000) + b"and no more")
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


async def _until_ready(reader: asyncio.StreamReader) -> None:
    """Read messages until the server waits for the next query."""
    kind = b""
    while kind != READY:
        kind = await reader.readexactly(1)
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        body = await reader.readexactly(length - 4)
        assert kind != b"E", body
