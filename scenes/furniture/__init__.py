"""Parametric furniture: each kind is a function of generator and style that returns a Thing in its own frame."""
