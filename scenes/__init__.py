"""Procedural apartments that come with the project, and the generator that makes more."""
