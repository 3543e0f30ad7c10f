"""The error for wrong use or input; the command line prints it in one line."""

from dataset.errors import InputError as InputError  # the one class of all packages
