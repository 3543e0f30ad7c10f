"""The report of a run: tables, figures and examples. May import: evaluation, config, errors."""
