"""Answers of a trained run for files of your own: pictures, sounds and videos. May import: evaluation and below."""
