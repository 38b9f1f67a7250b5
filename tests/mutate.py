"""Do the tests notice when metrics/ is wrong? One small change at a time, and the tests of that file.

    python tests/mutate.py --sample 100 --seed 0

Each change (an operator, a comparison, a constant, a condition) is compiled in memory in a forked child that
runs the file's tests until the first failure; nothing is written. A mutant that no test notices survives: it
is printed, to be looked at. Tests that start processes of their own do not see the change there.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.machinery
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

EXPLANATIONS = ("test_explanation_scores", "test_explanation_profiles", "test_explanations_peers")
TESTS = {
    "answers": ("test_answers",),
    "answer_signature": ("test_answers", "test_signature"),
    "labels": ("test_answers",),
    "bleu": EXPLANATIONS,
    "rouge": EXPLANATIONS,
    "scoring": EXPLANATIONS,
    "statistics": EXPLANATIONS,
    "explanations": EXPLANATIONS,
    "profiles": EXPLANATIONS,
    "ngrams": ("test_ngram_counts", *EXPLANATIONS),
    "counts": ("test_ngram_counts", *EXPLANATIONS),
    "lcs": ("test_ngram_counts", *EXPLANATIONS),
    "tokens": ("test_tokens", *EXPLANATIONS),
    "sacrebleu_zh": ("test_tokens", *EXPLANATIONS),
    "signature": ("test_signature",),
    "calibration": ("test_calibration",),
    "intervals": ("test_significance", "test_resampling"),
    "significance": ("test_significance",),
    "resampling": ("test_resampling", "test_significance"),
    "samples": ("test_resampling",),
}
OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.USub: ast.UAdd,
}  # fmt: skip


def changes(tree: ast.Module) -> Iterator[tuple[int, str, Callable[[ast.Module], None]]]:
    """Line, description and the change itself (of a copy of the tree) for every place that can be changed."""
    annotations = {id(part) for node in ast.walk(tree) for part in _annotation_parts(node)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in annotations:
            continue
        if (
            isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp | ast.AugAssign)
            and type(node.op) in OPERATORS
        ):
            other = OPERATORS[type(node.op)]
            yield node.lineno, f"{type(node.op).__name__} -> {other.__name__}", _setter(number, "op", other())
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
            other = OPERATORS[type(node.ops[0])]
            name = f"{type(node.ops[0]).__name__} -> {other.__name__}"
            yield node.lineno, name, _setter(number, "ops", [other(), *node.ops[1:]])
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            value = not node.value if isinstance(node.value, bool) else node.value + 1
            yield node.lineno, f"{node.value} -> {value}", _setter(number, "value", value)
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            negated = ast.UnaryOp(ast.Not(), node.test)
            yield node.lineno, "condition negated", _setter(number, "test", negated)


def _annotation_parts(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        part = getattr(node, name, None)
        if part is not None:
            yield from ast.walk(part)
    # `if TYPE_CHECKING:` and type aliases mean nothing at run time.
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        yield from ast.walk(node)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
        first = node.targets[0]
        if isinstance(first, ast.Name) and first.id[:1].isupper() and not first.id.isupper():
            yield from ast.walk(node)


def _setter(number: int, name: str, value: Any) -> Callable[[ast.Module], None]:
    def change(tree: ast.Module) -> None:
        node = next(node for place, node in enumerate(ast.walk(tree)) if place == number)
        setattr(node, name, value)

    return change


def survives(file: Path, mutated: ast.Module, tests: tuple[str, ...], limit: float) -> bool:
    """Whether all tests pass with the changed file; running longer than `limit` seconds is noticed."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with contextlib.suppress(BaseException):
            os._exit(_run_tests(file, mutated, tests))
        os._exit(1)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_tests(file: Path, mutated: ast.Module, tests: tuple[str, ...]) -> int:
    import pytest

    code = compile(mutated, str(file), "exec")
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> CodeType | None:
        return code if Path(self.path).resolve() == file else original(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    files = [str(ROOT / "tests" / "metrics" / f"{name}.py") for name in tests]
    return int(
        pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow", *files])
    )


def main() -> None:
    """Sample mutants, print the survivors and the score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=100, help="mutants, drawn over all files")
    parser.add_argument("--only", nargs="*", default=list(TESTS), help="files of metrics/, without .py")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds a mutant may take")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    os.chdir(ROOT)
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401
    import sklearn.metrics  # noqa: F401

    places = []
    for name in chosen.only:
        file = ROOT / "metrics" / f"{name}.py"
        tree = ast.parse(file.read_text(encoding="utf-8"))
        places += [(name, file, tree, *change) for change in changes(tree)]
    drawn = random.Random(chosen.seed).sample(places, min(chosen.sample, len(places)))
    for tests in {TESTS[name] for name in chosen.only}:
        file, tree = next((file, tree) for name, file, tree, *_ in places if TESTS[name] == tests)
        if not survives(file, tree, tests, 10 * chosen.limit):
            sys.exit(f"{', '.join(tests)} fail without any change; nothing can be said about mutants")
    survivors = 0
    for number, (name, file, tree, line, what, change) in enumerate(drawn, 1):
        mutated = copy.deepcopy(tree)
        change(mutated)
        ast.fix_missing_locations(mutated)
        if survives(file, mutated, TESTS[name], chosen.limit):
            survivors += 1
            source = file.read_text(encoding="utf-8").splitlines()[line - 1].strip()
            print(f"survived: metrics/{name}.py:{line}: {what}: {source}", flush=True)
        print(f"{number} of {len(drawn)}, {survivors} survived", file=sys.stderr, flush=True)
    print(f"{len(drawn) - survivors} of {len(drawn)} mutants noticed, out of {len(places)} places")


if __name__ == "__main__":
    main()
