"""Do the tests notice when metrics/ is wrong? One small change at a time, and the tests of that file.

    python tests/mutate.py                           12 changes of each file, drawn with seed 0
    python tests/mutate.py --only lcs segmentation/trie --each 1000 --jobs 2

Each change (an operator, a comparison, a constant, a condition) is compiled in memory in a forked child that
runs the file's tests, the quickest first, until the first failure; nothing is written. A mutant that no test
notices survives: it is printed, to be looked at. Tests that start processes of their own do not see the
change there, what does not fit into --seconds is left out, and Hypothesis draws few cases and shrinks none.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import ast
import contextlib
import importlib.machinery
import json
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

EXPLANATIONS = (
    "test_explanation_scores",
    "test_explanation_profiles",
    "test_explanations_official",
    "test_explanations_peers",
)
COUNTS = ("test_ngram_counts", *EXPLANATIONS)
TOKENS = ("test_tokens", *COUNTS)
CUTTING = ("test_segment", "test_segment_dictionaries")
TABLES = ("test_segment_trie", "test_segment_cache", *CUTTING)
TESTS = {
    "precision_recall_f1": ("test_answers", "test_answer_inputs"),
    "accuracy_f1": ("test_answers", "test_answer_inputs"),
    "answer_codes": ("test_answers", "test_answer_inputs"),
    "bleu_rouge": ("test_rouge_formulas", *EXPLANATIONS),
    "explanation_statistics": ("test_several_references", *EXPLANATIONS),
    "explanations": ("test_signature", *EXPLANATIONS),
    "profiles": ("test_signature", *EXPLANATIONS),
    "ngrams": COUNTS,
    "threads": ("test_threads",),
    "array_types": COUNTS,
    "ragged": ("test_ragged",),
    "cache_folder": ("test_segment_cache",),
    "lazy_names": ("test_lazy_names",),
    "inputs": TOKENS,
    "sacrebleu_zh": TOKENS,
    "tokens": TOKENS,
    "signature": ("test_answers", "test_signature"),
    "calibration": ("test_calibration",),
    "significance": ("test_significance",),
    "bootstrap_permutation": ("test_bootstrap_permutation",),
    "learning_curve": ("test_learning_curve",),
    "segment": (*CUTTING, "test_segment_cache"),
    "segmentation/table_cache": TABLES,
    "segmentation/dictionary": TABLES,
    "segmentation/vectorised_cutter": CUTTING,
    "segmentation/scalar_cutter": CUTTING,
    "segmentation/trie": TABLES,
}
OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.USub: ast.UAdd,
}  # fmt: skip
MEMORY = 6 << 30  # bytes that a mutant may take

Change = Callable[[ast.Module], None]


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    name: str
    line: int
    what: str
    change: Change

    @property
    def file(self) -> Path:
        """The file that is changed."""
        return ROOT / "metrics" / f"{self.name}.py"

    def code(self) -> CodeType:
        """The changed file, compiled."""
        tree = ast.parse(self.file.read_text(encoding="utf-8"))
        self.change(tree)
        return compile(ast.fix_missing_locations(tree), str(self.file), "exec")

    def __str__(self) -> str:
        source = self.file.read_text(encoding="utf-8").splitlines()[self.line - 1].strip()
        return f"metrics/{self.name}.py:{self.line}: {self.what}: {source}"


def mutants_of(name: str) -> list[Mutant]:
    """Every change of a file of metrics/."""
    tree = ast.parse((ROOT / "metrics" / f"{name}.py").read_text(encoding="utf-8"))
    return [Mutant(name, *change) for change in changes(tree)]


def changes(tree: ast.Module) -> Iterator[tuple[int, str, Change]]:
    """Line, description and the change itself (of a copy of the tree) for every place that can be changed."""
    left_out = {id(part) for node in ast.walk(tree) for part in _parts_without_meaning(node)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in left_out:
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
            yield node.lineno, "condition negated", _setter(number, "test", ast.UnaryOp(ast.Not(), node.test))


def _parts_without_meaning(node: ast.AST) -> Iterator[ast.AST]:
    """Annotations, `if TYPE_CHECKING:` and type aliases; what dataclasses and zip(strict=…) check for us."""
    for name in ("annotation", "returns"):
        part = getattr(node, name, None)
        if part is not None:
            yield from ast.walk(part)
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        yield from ast.walk(node)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
        first = node.targets[0]
        if isinstance(first, ast.Name) and first.id[:1].isupper() and not first.id.isupper():
            yield from ast.walk(node)
    if isinstance(node, ast.keyword) and node.arg in ("strict", "frozen", "eq"):
        yield from ast.walk(node)


def _setter(number: int, name: str, value: Any) -> Change:
    def change(tree: ast.Module) -> None:
        node = next(node for place, node in enumerate(ast.walk(tree)) if place == number)
        setattr(node, name, value)

    return change


class Quickest:
    """pytest plugin: the quickest tests first, as many as fit into the time; and how long each takes."""

    def __init__(self, known: dict[str, float], budget: float) -> None:
        self.known = known
        self.budget = budget
        self.measured: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Order and leave out; tests on data that not everybody has would give everybody another score."""
        items[:] = [item for item in items if not _needs_data(item)]
        items.sort(key=lambda item: self.known.get(item.nodeid, 0.0))
        until = accumulate(self.known.get(item.nodeid, 0.0) for item in items)
        items[:] = [item for item, seconds in zip(items, until, strict=True) if seconds <= self.budget]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add up the seconds of a test."""
        self.measured[report.nodeid] = self.measured.get(report.nodeid, 0.0) + report.duration


def _needs_data(item: Any) -> bool:
    return any("shared" in mark.kwargs.get("reason", "") for mark in item.iter_markers("skipif"))


@dataclass
class Running:
    """A child that runs tests."""

    process: int
    mutant: Mutant | None
    until: float

    def status(self) -> int | None:
        """0 if all tests passed, None while they run; a child that runs too long is ended."""
        ended, status = os.waitpid(self.process, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() < self.until:
            return None
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        return 1


class Tester:
    """Runs tests in forked children, at most so many seconds of them for each mutant."""

    def __init__(self, budget: float, work: Path, known: dict[str, float]) -> None:
        self.budget = budget
        self.work = work
        self.known = known

    def measure(self, test: str) -> None:
        """Learn how long the tests of a file take; ends the program if one fails."""
        if any(f"{test}.py" in name for name in self.known):
            return
        child = self.start(None, (test,), 3600)
        while (status := child.status()) is None:
            time.sleep(0.02)
        if status:
            sys.exit(f"{test} fails without any change; nothing can be said about mutants")
        self.known |= json.loads((self.work / "seconds.json").read_text())

    def start(self, mutant: Mutant | None, tests: tuple[str, ...], limit: float) -> Running:
        """Begin to run tests with a changed file."""
        child = os.fork()
        if child == 0:
            os.setsid()
            with contextlib.suppress(BaseException):
                os._exit(self._run(mutant, tests))
            os._exit(1)
        return Running(child, mutant, time.monotonic() + limit)

    def _run(self, mutant: Mutant | None, tests: tuple[str, ...]) -> int:
        import pytest

        plugin = Quickest(self.known, self.budget)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        if mutant:
            _import_changed(mutant)
        # Tables of words that a mutant may have made are nobody else's.
        cache = tempfile.mkdtemp(dir=self.work) if mutant and tests == TABLES else str(self.work / "cache")
        os.environ["CMEXAM_BASELINE_CACHE"] = cache
        os.environ["XDG_CACHE_HOME"] = cache
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        files = [str(ROOT / "tests" / "metrics" / f"{name}.py") for name in tests]
        options = [
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:benchmark",
            "-m",
            "not minutes",
        ]
        status = int(pytest.main([*options, *files], plugins=[plugin]))
        if not mutant:
            (self.work / "seconds.json").write_text(json.dumps(plugin.measured))
        return status


def _import_changed(mutant: Mutant) -> None:
    code, file = mutant.code(), mutant.file
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> CodeType | None:
        return code if Path(self.path).resolve() == file else original(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code


def prepare() -> None:
    """What every child needs: libraries that take long to import, and few cases of Hypothesis."""
    import hypothesis

    for name in ("numpy", "pytest", "sacrebleu", "scipy.stats", "sklearn.metrics"):
        importlib.import_module(name)

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "light", max_examples=15, phases=phases, derandomize=True, database=None, deadline=None
    )
    hypothesis.settings.load_profile("light")


def survivors_of(tester: Tester, mutants: list[Mutant], limit: float, jobs: int) -> list[Mutant]:
    """The mutants that no test notices, in the order of their ends."""
    waiting, running, survivors = mutants[::-1], [], []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running.append(tester.start(mutant, TESTS[mutant.name], limit))
        for child in list(running):
            status = child.status()
            if status is None:
                continue
            running.remove(child)
            if status == 0 and child.mutant:
                survivors.append(child.mutant)
                print(f"survived: {child.mutant}", flush=True)
        time.sleep(0.01)
    return survivors


def main() -> None:
    """Draw mutants of each file, print the survivors and the score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=12, help="mutants of each file, if it has so many")
    parser.add_argument("--only", nargs="*", default=list(TESTS), help="files of metrics/, without .py")
    parser.add_argument("--seconds", type=float, default=8.0, help="of tests for each mutant")
    parser.add_argument("--durations", type=Path, help="a file that keeps how long each test takes")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    os.chdir(ROOT)
    prepare()
    n_drawn = n_survived = n_places = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as work:
        known = (
            json.loads(chosen.durations.read_text()) if chosen.durations and chosen.durations.exists() else {}
        )
        tester = Tester(chosen.seconds, Path(work), known)
        for test in dict.fromkeys(test for name in chosen.only for test in TESTS[name]):
            tester.measure(test)
        if chosen.durations:
            chosen.durations.write_text(json.dumps(tester.known))
        for name in chosen.only:
            started = time.monotonic()
            places = mutants_of(name)
            chance = random.Random(f"{chosen.seed} {name}")
            drawn = chance.sample(places, min(chosen.each, len(places)))
            survived = survivors_of(tester, drawn, 10 + 4 * chosen.seconds, chosen.jobs)
            n_places, n_drawn, n_survived = (
                n_places + len(places),
                n_drawn + len(drawn),
                n_survived + len(survived),
            )
            noticed = f"| {name} | {len(places)} | {len(drawn)} | {len(drawn) - len(survived)} |"
            print(f"{noticed}  {time.monotonic() - started:.0f} s", flush=True)
    print(f"{n_drawn - n_survived} of {n_drawn} mutants noticed, out of {n_places} places")


if __name__ == "__main__":
    main()
