"""Tests run the files of this checkout, not an installed copy."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import distribution
from pathlib import Path

import pytest
from source_tree import PACKAGES, ROOT, module_name, source_files

ORIGIN = json.loads(distribution("cmexam-baseline").read_text("direct_url.json") or "{}")
EDITABLE = bool(ORIGIN.get("dir_info", {}).get("editable"))


@pytest.mark.skipif(not EDITABLE, reason="an installed copy is tested")
@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_the_files_of_this_checkout(package: str) -> None:
    for file in source_files():
        if file.relative_to(ROOT).parts[0] == package:
            module = importlib.import_module(module_name(file))
            assert Path(module.__file__ or "").resolve() == file, f"{file}: run make test, or install again"
