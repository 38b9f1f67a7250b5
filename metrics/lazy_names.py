"""Public names of a package that are imported from their modules when first used (PEP 562), and its version."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_IMPORT = re.compile(r"^    from (\S+) import (\w+) as \2$", re.MULTILINE)


def lazy_names(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package, given by its full name.

    The package lists its public names once, as lines `from MODULE import NAME as NAME` below
    `if TYPE_CHECKING:`, which type checkers read and verify. At run time such a line is executed when its name is
    first asked for. `__getattr__` raises `AttributeError` for other names.

    >>> load, listed, names = lazy_names("cmexam_baseline.metrics")
    >>> load("accuracy")(["A", "BD"], ["A", "B"])
    0.5
    >>> "accuracy" in listed() and "accuracy" in names
    True
    """
    itself: Any = sys.modules[package]
    source = itself.__spec__.loader.get_source(package)
    module_of = {name: module for module, name in _IMPORT.findall(source)}

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(module_of[name]), name)
        setattr(itself, name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(itself), *module_of})

    return load, listed, sorted(module_of)


@cache
def package_version() -> str:
    """The installed version of cmexam-baseline, from the name of its folder: importlib.metadata takes 35 ms to import."""
    folders = (Path(entry).glob("cmexam_baseline-*.dist-info") for entry in sys.path if entry)
    found = next((place for places in folders for place in places), None)
    if found is not None:
        return found.name.removesuffix(".dist-info").split("-")[1]
    from importlib.metadata import version

    return version("cmexam-baseline")
