"""The ledger keeps its promises, on a SQLite file and on a real PostgreSQL, by the same tests."""
