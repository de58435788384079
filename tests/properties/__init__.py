"""Claims about whole feeds and whole visits, held over many invented ones."""
