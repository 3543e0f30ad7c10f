"""Files of a publication: card, Croissant, licences, preview. May import: viewer, reader and below."""
