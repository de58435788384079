"""The versions of the tables, a file for each. `revision` names it, and `down_revision` names the
version before.

This package owns no code. To begin a new version, copy the newest file, and leave all others as
they are.
"""
