"""What is published with a data set: card, Croissant, licences. May import: viewer, reader and below."""
