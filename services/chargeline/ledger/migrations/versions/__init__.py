"""The versions of the tables, one file each, named by `revision` and chained by `down_revision`.

It owns no code. Copy the newest to begin another, and leave the others alone.
"""
