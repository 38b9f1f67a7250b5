"""Names of a package that are loaded from their modules when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(
    package: str, module_of: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """A package's own `__getattr__` and `__dir__` (PEP 562), which import a module when its name is asked for.

    package:   the full name of the package
    module_of: public name -> the module below the package that has it

    The package becomes as light as what it imports itself. What is found is kept in the package, so that a
    name costs its import once. `__getattr__` raises `AttributeError` for names that are not in the table.

    >>> load, listed = lazy_names("cmexam_baseline.metrics", {"accuracy": "answers"})
    >>> load("accuracy")(["A", "BD"], ["A", "B"])
    0.5
    >>> "accuracy" in listed()
    True
    """

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *module_of})

    return load, listed
