"""Published tables: from the files that CMS publishes to one bundle, and from a bundle to look-ups.

This package owns the layouts of the files, the format of a bundle, and every message about a
mistake in either. It decides no charge: the engine asks the tables (engine/tables.py). Nothing
published is part of this repository, because much of it belongs to others: a site downloads the
files under the licences that it accepts, and builds the bundle itself.
"""
