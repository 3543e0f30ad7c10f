"""SLfM's and WebDataset's layouts. May import: rewriting, storage, reader, verify, format, angles, errors."""
