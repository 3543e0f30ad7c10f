"""The pretext task, SLfM, supervised bound, probes, and the loop. May import: data, networks, config, errors."""
