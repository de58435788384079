"""Claims about the program behind `code`, `explain` and `rules`, and about its door for Python."""
