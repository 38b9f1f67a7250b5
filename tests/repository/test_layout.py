"""The layout of the source tree: folders, packages, and the direction of imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from source_tree import (
    PACKAGES,
    ROOT,
    imported_names,
    module_name,
    packages_declared,
    packages_on_disk,
    source_files,
)

MAY_IMPORT = {
    "metrics": {"metrics"},
    "exam": {"exam", "metrics"},
    "scoring": {"scoring", "exam", "metrics"},
    "features": {"features", "exam", "metrics"},
    "encoders": {"encoders", "exam", "metrics"},
    "baselines": {"baselines", "scoring", "features", "encoders", "exam", "metrics"},
    "cli": set(PACKAGES),
}


def test_setup_cfg_lists_exactly_the_folders() -> None:
    assert packages_declared() == packages_on_disk()


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_import_runs_up(file: Path) -> None:
    package = file.relative_to(ROOT).parts[0]
    used = {name.split(".")[1] for name in imported_names(file) if name.startswith("cmexam_baseline.")}
    assert used <= MAY_IMPORT[package]


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_use_the_full_name(file: Path) -> None:
    for name in imported_names(file):
        assert not name.startswith("."), f"{file}: relative import of {name}"
        assert name.split(".")[0] not in PACKAGES, f"{file}: {name} is imported under its bare folder name"


def test_no_module_is_loaded_under_its_bare_folder_name() -> None:
    light = [module_name(file) for file in source_files() if "encoders" not in file.parts]
    program = (
        f"import importlib, sys\nfor name in {light!r}: importlib.import_module(name)\n"
        f"print([name for name in sys.modules if name.split('.')[0] in {PACKAGES!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.strip() == "[]"


BANNED_CALLS = {"eval", "exec", "__import__", "compile"}
BANNED_MODULES = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib.numpy_pickle"}
BANNED_KEYWORDS = {"trust_remote_code": True, "allow_pickle": True, "shell": True, "weights_only": False}


def _modules_of(node: ast.AST) -> set[str]:
    """The modules that an import statement brings in; an exception's class alone brings nothing in."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not all(alias.name.endswith("Error") for alias in node.names):
        return {node.module or ""}
    return set()


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_can_run_code_from_data(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        assert not BANNED_MODULES & _modules_of(node), str(file)
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            assert node.func.id not in BANNED_CALLS, f"{file}:{node.lineno}: {node.func.id}"
        for keyword in node.keywords:
            if keyword.arg in BANNED_KEYWORDS and isinstance(keyword.value, ast.Constant):
                assert keyword.value.value is not BANNED_KEYWORDS[keyword.arg], f"{file}:{node.lineno}"


def test_mypy_checks_every_support_module() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r'^    "(\w+)",$', text.split("modules = [")[1].split("]")[0], re.MULTILINE)
    assert listed == sorted(file.stem for file in (ROOT / "tests/support").glob("*.py"))
