"""Exceptions for what a user can set right."""

from __future__ import annotations

import difflib
import sys
from functools import cache
from pathlib import Path


class InputError(ValueError):
    """A file, folder or argument from outside that cannot be used.

    The message is one line: what was found, where (file and row), and what to do about it.
    The command line prints it as it is and exits with code 2; library callers can catch it
    as the `ValueError` that it is.

    >>> str(InputError("val.csv, row 3: answer 'F' has no option; correct the row"))
    "val.csv, row 3: answer 'F' has no option; correct the row"
    """


def missing_path(path: Path) -> InputError:
    """The error for a path that does not exist, with the most similar name beside it."""
    try:
        names = sorted(one.name for one in path.parent.iterdir())
    except OSError:
        hint = f"the folder {path.parent} is not there either; check the path"
    else:
        close = [name for name in names if Path(name).stem == path.name]
        close = close or difflib.get_close_matches(path.name, names, 1)
        hint = f"did you mean {path.with_name(close[0])}?" if close else "check the path"
    return InputError(f"{path} is not there; {hint}")


class NotFittedError(InputError):
    """A model was asked for what it only knows after `fit`.

    Where scikit-learn is loaded, each instance is a `sklearn.exceptions.NotFittedError`, too.

    >>> issubclass(NotFittedError, InputError)
    True
    """

    def __new__(cls, *args: object) -> NotFittedError:
        """An instance that code which catches scikit-learn's class catches; nobody else needs its import."""
        if cls is NotFittedError and "sklearn" in sys.modules:
            return super().__new__(_also_of_scikit_learn(), *args)
        return super().__new__(cls, *args)

    def __reduce__(self) -> tuple[type[NotFittedError], tuple[object, ...]]:
        """Pickled under the name by which it can be found."""
        return NotFittedError, self.args


@cache
def _also_of_scikit_learn() -> type[NotFittedError]:
    from sklearn.exceptions import NotFittedError as Theirs

    return type("NotFittedError", (NotFittedError, Theirs), {"__doc__": NotFittedError.__doc__})
