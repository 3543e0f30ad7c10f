"""The browser viewer: page, payload, plans and server. May import: reader and below."""
