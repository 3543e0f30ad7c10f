"""The data set: format, reader, and commands that check, publish, convert and show it."""
