"""`python -m chargeline.cli` is the command `chargeline`.

It owns nothing but this way to start. Tests and containers use it where the command itself is not
on the path.
"""

import sys

from chargeline.cli import main

if __name__ == "__main__":
    sys.exit(main())
