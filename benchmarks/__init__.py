"""Measured speed and accuracy, as ratios inside one run."""
