"""Whoever sets a rule of ruff or mypy aside says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from source_tree import ROOT, source_files

# A rule is named, and words follow: `# noqa: PTH123 - there is a handle already`.
EXPLAINED = re.compile(r"# (?:noqa: [A-Z]+\d+ - |type: ignore\[[\w-]+\]  # )\w")


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_exceptions_are_explained(file: Path) -> None:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if "# noqa" in line or "# type: ignore" in line or "pragma: no cover" in line:
            assert EXPLAINED.search(line), f"{file}:{number}: {line.strip()}"
