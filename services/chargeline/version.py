"""The version of chargeline, as the package, the command line and the metrics give it.

It owns the number and nothing else, so that whoever needs it imports no more than this.
"""

VERSION = "0.2.0"
