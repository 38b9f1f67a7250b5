"""Hide installed packages from this process, as if an extra were not installed.

    python -m hidden_modules lightgbm,sklearn cmexam-baseline arguments…

runs the command line in a process that cannot find these packages.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def hide(names: Sequence[str]) -> None:
    """Make `import` and `find_spec` fail for the top-level packages `names`."""
    hidden = frozenset(names)

    class Finder(PathFinder):
        @classmethod
        def find_spec(
            cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
        ) -> ModuleSpec | None:
            return None if fullname.partition(".")[0] in hidden else super().find_spec(fullname, path, target)

    sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]


if __name__ == "__main__":
    hide(sys.argv[1].split(","))
    from cmexam_baseline.cli.main import commands

    commands(sys.argv[3:], prog_name=sys.argv[2])
