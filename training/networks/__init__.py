"""Encoders and decoders, and the spectra that they take. May import: config, errors."""
