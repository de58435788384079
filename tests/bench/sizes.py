"""`make bench`, the part of the disks: what a message and a visit leave in PostgreSQL and in Kafka.

This module owns how the bytes are counted: those of whole tables with their indexes, after a
vacuum, and those of the files of a topic. Bytes do not depend on the machine, so a site may count
with them (docs/production.md).
"""

from pathlib import Path

import asyncpg

TABLES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
ORDER BY 2 DESC, 1 LIMIT 6
"""


async def print_sizes(url: str, kafka: Path, name: str, *, messages: int, visits: int) -> None:
    """Print the bytes of each message and visit; `kafka` is the folder with Kafka's files."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM")
        rows = await connection.fetch(TABLES)
        whole = await connection.fetchval("SELECT pg_database_size(current_database())")
        revisions = await connection.fetchval("SELECT count(*) FROM draft_revision")
    finally:
        await connection.close()
    print(f"\nkept of {messages:,} messages, {visits:,} visits, {revisions:,} revisions:")
    print("bytes, and of a visit")
    print(f"  {'the ledger':<24}{whole:>14,}{whole // visits:>10,}")
    for table, size in rows:
        print(f"    {table:<22}{size:>14,}{size // visits:>10,}")
    for topic in ("inbound", "drafts", "questions"):
        files = kafka.glob(f"**/{name}.{topic}-*/*.log")
        size = sum(file.stat().st_blocks * 512 for file in files)
        print(f"  {f'topic of {topic}':<24}{size:>14,}{size // visits:>10,}")
