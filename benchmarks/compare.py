"""Time the package against its peers on this machine, and write README.md and chart.svg here.

python benchmarks/compare.py            everything: some ten minutes, nearly all of it peers
python benchmarks/compare.py words …    some comparisons by their keys; the others stay as they were measured
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from chart import draw
from comparison import Comparison, Timings, measure, shortfalls
from pairs import benchmark_pairs
from physical_floor import floor_seconds
from single_figures import single_figures

HERE = Path(__file__).resolve().parent
MODULES = ("comparisons_explanations", "comparisons_segment", "comparisons_answers")
PACKAGES = (
    "cmexam-baseline",
    "numpy",
    "rapidfuzz",
    "jieba",
    "bleuscore",
    "rouge-score-rs",
    "rouge-score",
    "sacrebleu",
    "scikit-learn",
)
SINGLE = "single"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("keys", nargs="*", help="comparisons to measure anew; all by default")
    keys = parser.parse_args().keys
    results_file = HERE / "results.json"
    results: dict[str, Any] = (
        json.loads(results_file.read_text("utf-8")) if results_file.exists() and keys else {}
    )
    problems = []
    comparisons = list(all_comparisons())
    for comparison in comparisons:
        if keys and comparison.key not in keys:
            continue
        print(comparison.title, flush=True)
        timings = measure(comparison)
        for name, seconds in timings.seconds.items():
            print(f"  {seconds:10.4f} s  x {seconds / timings.ours:9.1f}  {name}", flush=True)
        problems += shortfalls(comparison, timings)
        results[comparison.key] = _as_section(comparison, timings)
    if not keys or SINGLE in keys:
        figures = single_figures()
        floor = floor_seconds(benchmark_pairs())
        results[SINGLE] = {"figures": figures, "floor": floor, **_where_and_when()}
        problems += [
            f"{name}: {value:.3g}, must be at most {most:g}"
            for name, (value, most) in figures.items()
            if value > most
        ]
    results = {key: results[key] for key in (*(one.key for one in comparisons), SINGLE) if key in results}
    results_file.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", "utf-8")
    render(results)
    print(*(f"NOT MET: {problem}" for problem in problems), sep="\n")
    return 1 if problems else 0


def all_comparisons() -> Iterator[Comparison]:
    for name in MODULES:
        if importlib.util.find_spec(name) is not None:
            yield from importlib.import_module(name).comparisons()


def render(results: dict[str, Any]) -> None:
    """Write the table into README.md between its two marks, and the chart beside it."""
    sections = [section for key, section in results.items() if key != SINGLE]
    floor = sum(results[SINGLE]["floor"].values())
    draw(HERE / "chart.svg", sections, floor)
    lines = [line for section in sections for line in _section_lines(section)]
    lines += [*_single_lines(results[SINGLE]), "### Where and when\n", *_conditions(results)]
    readme = HERE / "README.md"
    before, mark, rest = readme.read_text("utf-8").partition("<!-- measured -->\n")
    _, end, after = rest.partition("<!-- end -->")
    readme.write_text(before + mark + "\n".join(lines) + "\n" + end + after, "utf-8")


def _as_section(comparison: Comparison, timings: Timings) -> dict[str, Any]:
    return {
        "title": comparison.title,
        "work": comparison.work,
        "seconds": timings.seconds,
        "floors": {peers: [timings.ratio(peers), floor] for peers, floor in comparison.floors.items()},
        "has_floor": comparison.work == next(all_comparisons()).work,
        **_where_and_when(),
    }


def _section_lines(section: dict[str, Any]) -> Iterator[str]:
    yield f"### {section['title']}\n"
    yield f"{section['work']}.\n"
    yield "| | seconds | times as long |"
    yield "|---|---:|---:|"
    ours = next(iter(section["seconds"].values()))
    for name, seconds in section["seconds"].items():
        yield f"| {name} | {seconds:.4g} | {seconds / ours:,.1f} |"
    for peers, (ratio, _) in section["floors"].items():
        if " + " in peers:
            yield f"| {peers} together | {ratio * ours:.4g} | {ratio:,.1f} |"
    floors = ", ".join(f"{floor:g} × {peers}" for peers, (_, floor) in section["floors"].items())
    yield f"\nAt least: {floors}.\n"


def _single_lines(single: dict[str, Any]) -> Iterator[str]:
    yield "### Single figures\n"
    yield "| | measured | at most |"
    yield "|---|---:|---:|"
    for name, (value, most) in single["figures"].items():
        yield f"| {name} | {value:.3g} | {most:g} |"
    steps = ", ".join(f"{name} {1e3 * seconds:.0f} ms" for name, seconds in single["floor"].items())
    yield f"\nThe line in the chart is what nobody can do without: {steps}.\n"


def _conditions(results: dict[str, Any]) -> Iterator[str]:
    """Machine, date and versions of all measurements, each said once."""
    by_conditions: dict[tuple[str, ...], list[str]] = {}
    for section in results.values():
        conditions = tuple(section[name] for name in ("where", "when", "versions"))
        by_conditions.setdefault(conditions, []).append(section.get("title", "single figures"))
    for (where, when, versions), titles in by_conditions.items():
        of_what = "" if len(by_conditions) == 1 else f"{'; '.join(titles)}: "
        yield f"{of_what}{where}, {when}; {versions}.\n"


def _where_and_when() -> dict[str, str]:
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return {
        "where": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "when": datetime.date.today().isoformat(),
        "versions": ", ".join(versions),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
