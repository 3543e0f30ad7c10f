"""The data set: its fields, its files, and how they are written, read and checked."""
