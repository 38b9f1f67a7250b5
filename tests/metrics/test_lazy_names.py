"""Names of packages that are loaded when they are first used."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest
from house import ROOT, module_name, source_files

from cmexam_baseline.metrics.lazy_names import lazy_names

INIT = """
from cmexam_baseline.metrics.lazy_names import lazy_names
__getattr__, __dir__ = lazy_names(__name__, {"dear": "heavy"})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package with a module `heavy` that has a name `dear`."""
    name = "package_with_lazy_names"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "heavy.py").write_text("dear = object()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield name
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def test_a_module_is_loaded_when_its_name_is_used_and_only_then(package: str) -> None:
    loaded = importlib.import_module(package)
    assert "dear" in dir(loaded)
    assert f"{package}.heavy" not in sys.modules
    dear = loaded.dear
    assert dear is sys.modules[f"{package}.heavy"].dear
    del sys.modules[f"{package}.heavy"]
    assert loaded.dear is dear, "a name must cost its import once"


def test_a_name_that_is_nowhere_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'cheap'"):
        _ = importlib.import_module(package).cheap
    with pytest.raises(ImportError, match="cannot import name 'cheap'"):
        exec(f"from {package} import cheap")


def test_a_table_that_names_the_wrong_module_is_found_out() -> None:
    load, _ = lazy_names("cmexam_baseline.metrics", {"accuracy": "lcs"})
    with pytest.raises(AttributeError, match="lcs"):
        load("accuracy")


LAZY_PACKAGES = [
    file for file in source_files() if file.name == "__init__.py" and "__getattr__" in file.read_text("utf-8")
]


@pytest.mark.parametrize("file", LAZY_PACKAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_type_checkers_and_python_see_the_same_names(file: Path) -> None:
    """What is imported for type checkers is what `__all__` names, and each can be had."""
    (for_checkers,) = (
        node
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    names = {alias.asname for node in for_checkers.body for alias in node.names}
    package = importlib.import_module(module_name(file))
    assert names == set(package.__all__)
    if file.parent.name == "encoders":
        pytest.importorskip("torch")
    for name in names:
        assert getattr(package, name) is not None
