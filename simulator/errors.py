"""The errors that a user can mend; the command line prints them in one line."""


class InputError(Exception):
    """Input that cannot be used: the message says what was found, what was expected and what to do."""
