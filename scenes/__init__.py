"""Procedural apartments: the bundled ones and their generator. May import: simulator."""
