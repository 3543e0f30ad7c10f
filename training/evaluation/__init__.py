"""Predictors and baselines scored on the same examples. May import: tasks, baselines, networks, data, config, errors."""
