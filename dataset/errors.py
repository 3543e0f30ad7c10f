"""The errors that a user can mend; commands print them in one line."""


class InputError(Exception):
    """Input or a setting that cannot be used: the message says what was found, what was expected and what to do."""


class DatasetError(Exception):
    """A data set that cannot be used: the message says what was found, what was expected and what to do."""
