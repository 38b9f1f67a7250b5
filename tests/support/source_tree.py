"""The source tree: its packages, its modules, what they import, and the commands that its pages show."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("baselines", "cli", "encoders", "exam", "features", "metrics", "scoring")


def packages_on_disk() -> set[str]:
    """Dotted names of all folders of the packages that hold an __init__.py."""
    return {
        ".".join(("cmexam_baseline", *file.parent.relative_to(ROOT).parts))
        for package in PACKAGES
        for file in (ROOT / package).rglob("__init__.py")
    }


def packages_declared() -> set[str]:
    """The `packages` of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return set(setup["options"]["packages"].split())


def source_files() -> list[Path]:
    """Every Python file of the packages."""
    return sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def module_name(file: Path) -> str:
    """The dotted name under which a file of the packages installs."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(("cmexam_baseline", *(part for part in parts if part != "__init__")))


def imported_names(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, as written."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def written_commands(page: str) -> Iterator[list[str]]:
    """The words of every command of this package that a code block of a page shows, lines joined at a backslash."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:text|console|bash)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\$\(.*\)", "X", re.sub(r"\\\n\s*", " ", block)).splitlines():
            found = re.match(r"(?:\$ )?(?:cmexam-baseline|torchrun .* -m cmexam_baseline.cli) (.*)", line)
            if found:
                yield (
                    re.split(r"\s+[|&<>0-9]*[|&<>]", re.split(r"\s+#\s", found[1])[0])[0]
                    .replace('"', "")
                    .split()
                )
