"""Accuracy and speed of the acoustics, against theory and independent simulators: `python -m benchmarks.acoustics`."""
