"""What the browser viewer shows and the server behind it. May import: reader and below."""
