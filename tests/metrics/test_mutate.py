"""The program that changes metrics/: it knows every file and its tests, and changes what it says."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTATE = runpy.run_path(str(ROOT / "tests" / "mutate.py"))

SOURCE = """
from __future__ import annotations
def share(part: int, whole: int = 1 + 1) -> float:
    return part / whole if part <= whole and whole else 0.0
"""


def test_every_file_that_can_be_changed_has_tests() -> None:
    metrics = ROOT / "metrics"
    files = {path.relative_to(metrics).with_suffix("").as_posix() for path in metrics.rglob("*.py")}
    without_places = {"__init__", "segmentation/__init__"}
    assert files - without_places == set(MUTATE["TESTS"])
    tests = {name for names in MUTATE["TESTS"].values() for name in names}
    assert [name for name in sorted(tests) if not Path(__file__).with_name(f"{name}.py").exists()] == []


def test_one_place_is_changed_at_a_time() -> None:
    tree = ast.parse(SOURCE)
    sound = ast.unparse(tree)
    seen = set()
    for line, what, change in MUTATE["changes"](tree):
        changed = ast.parse(SOURCE)
        change(changed)
        assert line in (3, 4), what
        seen.add(ast.unparse(changed))
    assert len(seen) == 8
    assert sound not in seen
    assert all(text.count("part: int, whole: int") == 1 for text in seen)
    assert any("part * whole if" in text for text in seen)
    assert any("if not (part <= whole and whole)" in text for text in seen)
