"""Claims that must hold for every feed and every visit, tried on many invented ones."""
