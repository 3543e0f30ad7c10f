"""Parametric furniture: each kind is a function of generator and style that gives a Thing in its own frame."""
