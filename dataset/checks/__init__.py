"""Checks of python -m dataset.verify: files, sets, and plausibility of whole scenes. May import: storage and below."""
