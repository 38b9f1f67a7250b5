"""The one exception that means: the user gave something that cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """A file, folder or argument from outside that cannot be used.

    The message is one line: what was found, where (file and row), and what to do about it.
    The command line prints it as it is and exits with code 2; library callers can catch it
    as the `ValueError` that it is.

    >>> str(InputError("val.csv, row 3: answer 'F' has no option; correct the row or use --bad-rows skip"))
    "val.csv, row 3: answer 'F' has no option; correct the row or use --bad-rows skip"
    """
