"""Speed and accuracy measurements, as ratios within one run."""
