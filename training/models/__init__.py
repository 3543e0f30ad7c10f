"""Pretrained networks that come with the project; README.md beside this file is their model card."""

from pathlib import Path

PRETRAINED = Path(__file__).with_name("small.pt")
"""The networks that `python -m training.predict` uses without a run."""
