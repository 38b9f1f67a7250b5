"""Prose is plain technical English, and files stay readable."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from source_tree import ROOT, source_files

MAX_LINES = 400
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
# Words that were used in a sense of their own, and what to write.
UNIDIOMATIC = {
    r"\bstands?\b(?! (?:for|in for|alone)\b)|\bstood\b": "contain, occur, be",
    r"\bdoubled\b": "duplicate",
    r"\bso many\b": "at most N, as many as",
    r"\b(?:GPU|graphics|one|a|the) cards?\b": "GPU",
    r"\b(?:leave|left) (?:it |them )?away\b": "omit",
    r"\bwhat\b[^.\n]{0,40}\blacks?\b": "missing",
    r"\bhouse\b|\brooms? of\b|\bfloors? [0-9]": "package, level",
}


def prose_of(file: Path) -> str:
    """Comments, docstrings and messages of a Python file; all of a page."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return text
    comments = re.findall(r"(?m)(?:^|\s)# (.*)$", text)
    strings = [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join((*comments, *strings))


FILES = [*source_files(), *PAGES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_unidiomatic_words(file: Path) -> None:
    prose = prose_of(file)
    for pattern, better in UNIDIOMATIC.items():
        found = re.search(pattern, prose, re.IGNORECASE)
        assert found is None, (
            f"{file}: {prose[max(found.start() - 40, 0) : found.end() + 40]!r}; better: {better}"
        )


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_docstrings_have_no_stray_quotes(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            docstring = ast.get_docstring(node) or ""
            prose = re.sub(r"(?m)^\s*(?:>>>|\.\.\.).*$", "", docstring)
            assert prose.count('"') % 2 == 0, f"{file}: {docstring}"


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_files_are_short_enough_to_read(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
