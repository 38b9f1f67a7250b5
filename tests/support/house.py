"""The rooms of the house: its folders, its modules and what they import."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("baselines", "cli", "encoders", "exam", "features", "metrics", "scoring")


def packages_on_disk() -> set[str]:
    """Dotted names of all folders of the rooms that hold an __init__.py."""
    return {
        ".".join(("cmexam_baseline", *file.parent.relative_to(ROOT).parts))
        for room in ROOMS
        for file in (ROOT / room).rglob("__init__.py")
    }


def packages_declared() -> set[str]:
    """The `packages` of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return set(setup["options"]["packages"].split())


def source_files() -> list[Path]:
    """Every Python file of the rooms."""
    return sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))


def module_name(file: Path) -> str:
    """The dotted name under which a file of the rooms installs."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(("cmexam_baseline", *(part for part in parts if part != "__init__")))


def imported_names(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, as written."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
