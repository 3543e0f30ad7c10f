"""Making a data set from others, with resume after an interruption. May import: storage and below."""
