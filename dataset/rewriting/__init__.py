"""Data sets made from others, with resume after an interruption. May import: storage and below."""
