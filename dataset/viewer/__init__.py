"""What the browser viewer shows and the server behind it. May import: reader, format, angles, errors."""
