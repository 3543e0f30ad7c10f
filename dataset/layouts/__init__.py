"""Conversion from and to SLfM's and WebDataset's layouts. May import: rewriting, reader and below."""
