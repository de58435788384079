"""Where messages come from and where drafts go.

It owns the transports: files today, each behind a plain iterator of bytes. It knows nothing of what
the bytes say.
"""
