"""Sound against theory, an independent simulator and the clock: `python -m benchmarks.acoustics`."""
