"""The error that a user of a data set can mend; commands print it in one line."""


class DatasetError(Exception):
    """A data set that cannot be used: the message says what was found, what was expected and what to do."""
