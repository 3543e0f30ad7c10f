"""The errors that a user can mend; the command line prints them in one line."""

from dataset.errors import InputError as InputError  # the one class of all packages
