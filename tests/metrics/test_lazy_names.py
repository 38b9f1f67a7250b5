"""Names of packages that are loaded when they are first used."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from source_tree import ROOT, module_name, source_files

INIT = """
from cmexam_baseline.metrics.lazy_names import lazy_names
if False:
    from package_with_lazy_names.heavy import dear as dear
__getattr__, __dir__, __all__ = lazy_names(__name__)
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


LAZY_PACKAGES = [
    file for file in source_files() if file.name == "__init__.py" and "__getattr__" in file.read_text("utf-8")
]


@pytest.mark.parametrize("file", LAZY_PACKAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_listed_name_can_be_imported(file: Path) -> None:
    package = importlib.import_module(module_name(file))
    assert len(package.__all__) == file.read_text("utf-8").count(" import ") - file.read_text("utf-8").count(
        "\nfrom "
    )
    # Loading a module would set the attribute of its name to the module.
    assert [name for name in package.__all__ if (file.parent / f"{name}.py").exists()] == []
    if file.parent.name == "encoders":
        return  # importing torch takes seconds, and mypy knows that these names exist
    for name in package.__all__:
        assert getattr(package, name) is not None
