"""Rotation and azimuth estimates that need no training. May import: data, config, errors."""
