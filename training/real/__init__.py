"""Measured rooms and real panoramas as evaluation items. May import: evaluation and below."""
