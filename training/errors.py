"""The error that a user of the training package can mend; the command line prints it in one line."""


class InputError(Exception):
    """Input that cannot be used: the message says what was found, what was expected and what to do."""
