"""The error for wrong use or input; the command line prints it in one line."""


class InputError(Exception):
    """Input that cannot be used: the message says what was found, what was expected and what to do."""
