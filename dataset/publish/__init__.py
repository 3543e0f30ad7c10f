"""What is published with a data set: card, Croissant, licences. May import: reader, preview, format, angles, errors."""
