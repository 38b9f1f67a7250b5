"""How scores look: tables for the terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from rich.table import Table

from cmexam_baseline.cli import console
from cmexam_baseline.cli.console import sanitize
from cmexam_baseline.exam.published import EXPLANATION_FIGURES
from cmexam_baseline.metrics.profiles import PROFILES

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """A figure of the headline table: its heading, factor to percent, place in a system's report.

    `n` is the place of the number of questions or pairs that it is over.
    """

    heading: str
    scale: int
    place: tuple[str, ...]
    n: tuple[str, ...]

    def of(self, system: Report) -> Mapping[str, float] | None:
        """value, low and high; None where the system has no such figure."""
        found = _at(system, self.place)
        if found is None:
            return None
        # A slice names its accuracy; its "value" is what its questions have in common.
        value = found["accuracy"] if "accuracy" in found else found["value"]
        return {"value": value, "low": found["low"], "high": found["high"]}


FIGURES = {
    "accuracy": Shown("Acc", 100, ("answers", "accuracy"), ("answers", "n")),
    "accuracy_without_overlap": Shown("Acc, no overlap", 100, ("without_overlap",), ("without_overlap", "n")),
    "weighted_f1": Shown("F1", 100, ("answers", "weighted_f1"), ("answers", "n")),
    "unread_rate": Shown("No answer", 100, ("answers", "unread_rate"), ("answers", "n")),
    "accuracy_of_answered": Shown(
        "Acc, answered", 100, ("answers", "of_answered", "accuracy"), ("answers", "of_answered", "n")
    ),
    "weighted_f1_of_answered": Shown(
        "F1, answered", 100, ("answers", "of_answered", "weighted_f1"), ("answers", "of_answered", "n")
    ),
} | {
    key: Shown(heading, 1, ("explanations", "figures", key), ("explanations", "n_pairs"))
    for key, heading in EXPLANATION_FIGURES.items()
}


# So many systems fit beside each other in a terminal.
SIDE_BY_SIDE = 10
MISSING_ROWS = {"wrong": "count as wrong", "skip": "are left out", "error": "are refused"}

MISSING_EXPLANATIONS = {
    "script": "count as the text 无答案, as in CMExam's script",
    "empty": "count as empty texts",
}


def print_tables(report: Report) -> None:
    """The headline table, the slices of the systems and the signatures."""
    output = console.results()
    exam = report["exam"]
    where = ", ".join(part for part in (exam["source"], exam["split"]) if part)
    title = f"{where}: {exam['n']:,} questions, profile {report['profile']}, percent with 95% intervals"
    output.print(sanitize(title), style="bold", soft_wrap=True)
    systems = report["systems"]
    output.print(_figure_table(systems[0]) if len(systems) == 1 else _headline_table(report))
    for line in _remarks(report):
        output.print(sanitize(line), soft_wrap=True)
    sliced = [system for system in systems if system["slices"]]
    if len(sliced) == 1:
        output.print(_slice_table(sliced[0]))
    elif sliced:
        if len(sliced) > SIDE_BY_SIDE:
            sliced = sorted(sliced, key=_accuracy, reverse=True)[:SIDE_BY_SIDE]
            output.print(f"Groups of the {SIDE_BY_SIDE} most accurate systems; --json has those of all")
        output.print(_slices_side_by_side(sliced))
    for signature in _signatures(report):
        output.print(signature, style="dim", markup=False, soft_wrap=True)


def _accuracy(system: Report) -> float:
    accuracy: float = system["answers"]["accuracy"]["value"] if system["answers"] else 0.0
    return accuracy


def print_json(report: Report) -> None:
    """The whole report."""
    console.print_json(report)


def print_csv(report: Report) -> None:
    """One row a system: name, then every figure with the ends of its interval."""
    rows = [["system", *(name for key in FIGURES for name in (key, f"{key}_low", f"{key}_high"))]]
    for system in report["systems"]:
        cells = [system["name"]]
        for shown in FIGURES.values():
            figure = shown.of(system)
            cells += [repr(figure[part]) if figure else "" for part in ("value", "low", "high")]
        rows.append(cells)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    click.echo(text.getvalue(), nl=False)


def print_markdown(report: Report) -> None:
    """The headline table, for a README or an issue."""
    headings, rows = _headline_cells(report)
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    for line in lines:
        click.echo(f"| {' | '.join(map(_markdown, line))} |")
    click.echo()
    for signature in _signatures(report):
        click.echo(f"`{signature}`\n")


def print_latex(report: Report) -> None:
    """The headline table as a booktabs tabular."""
    headings, rows = _headline_cells(report)
    click.echo(f"\\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}\n\\toprule")
    for place, line in enumerate([headings, *rows]):
        click.echo(f"{' & '.join(map(_latex, line))} \\\\" + ("\n\\midrule" if place == 0 else ""))
    click.echo("\\bottomrule\n\\end{tabular}")
    for signature in _signatures(report):
        click.echo(f"% {signature}")


PRINTERS: dict[str, Callable[[Report], None]] = {
    "table": print_tables,
    "json": print_json,
    "csv": print_csv,
    "markdown": print_markdown,
    "latex": print_latex,
}


def _figure_table(system: Report) -> Table:
    """One system: a row for every figure."""
    table = Table(title=sanitize(system["name"]), title_justify="left")
    table.add_column("")
    for heading in ("percent", "95%", "n"):
        table.add_column(heading, justify="right")
    for shown in FIGURES.values():
        figure = shown.of(system)
        if figure is not None:
            value, interval = _percent(figure, shown.scale)
            unit = " pairs" if shown.place[0] == "explanations" else ""
            table.add_row(shown.heading, value, interval, f"{_at(system, shown.n):,}{unit}")
    return table


def _headline_table(report: Report) -> Table:
    """Several systems: a row for every one."""
    table = Table()
    headings, rows = _headline_cells(report, between="\n")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(sanitize, row))
    return table


def _headline_cells(report: Report, between: str = " ") -> tuple[list[str], list[list[str]]]:
    systems = report["systems"]
    shown = [figure for figure in FIGURES.values() if any(figure.of(system) for system in systems)]
    some_missing = any(system["join"]["missing"] for system in systems)
    headings = ["system", "n", *(["no row"] if some_missing else []), *(figure.heading for figure in shown)]
    rows = []
    for system in systems:
        missing = [f"{system['join']['missing']:,}"] if some_missing else []
        cells = (_cell(figure.of(system), figure.scale, between) for figure in shown)
        rows.append([system["name"], _numbers(system, between), *missing, *cells])
    return headings, rows


def _numbers(system: Report, between: str) -> str:
    answers, explanations = system["answers"], system["explanations"]
    pairs = f"{explanations['n_pairs']:,} pairs" if explanations else ""
    if answers is None:
        return pairs
    n = f"{answers['n']:,}"
    return f"{n}{between}{pairs}" if pairs and explanations["n_pairs"] != answers["n"] else n


def _cell(figure: Mapping[str, float] | None, scale: int, between: str) -> str:
    return "–" if figure is None else between.join(_percent(figure, scale))


def _percent(figure: Mapping[str, float], scale: int) -> tuple[str, str]:
    value, low, high = (f"{scale * figure[part]:.1f}" for part in ("value", "low", "high"))
    return value, f"{low}–{high}"


def _at(report: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        if report is None:
            return None
        report = report[name]
    return report


def _remarks(report: Report) -> Iterator[str]:
    """What belongs beside the figures: missing rows, the best and worst group, stated probabilities."""
    for system in report["systems"]:
        name, missing = system["name"], system["join"]["missing"]
        if missing:
            of_all = f"{missing:,} of {report['exam']['n']:,} questions"
            yield f"{name}: {of_all} have no row and {MISSING_ROWS[report['missing']]}"
        explained = system["explanations"]
        if explained and explained["n_missing"]:
            policy = MISSING_EXPLANATIONS[PROFILES[report["profile"]].missing_predictions]
            of_all = f"{explained['n_missing']:,} of {explained['n_pairs']:,} explanations"
            yield f"{name}: {of_all} are missing and {policy}"
        if system["best"]:
            yield f"{name}: best {_named(system['best'])}, worst {_named(system['worst'])}"
        stated = system["probabilities"]
        if stated is not None:
            figures = [
                ("log loss", "log_loss"),
                ("Brier", "brier"),
                ("calibration error", "calibration_error"),
            ]
            told = ", ".join(f"{name} {stated[key]:.3f}" for name, key in figures if stated[key] is not None)
            kept = ", ".join(
                f"{100 * part['accuracy']:.1f} on {part['coverage']:.0%}"
                for part in stated["accuracy_at_coverage"]
                if part["accuracy"] is not None
            )
            yield f"{name}: probabilities of {stated['n']:,} questions with one right option: {told}"
            if kept:
                yield f"{name}: accuracy on the surest questions: {kept}"


def _slice_table(system: Report) -> Table:
    """Questions, accuracy and interval by group."""
    rows = [
        [
            f"{part['n']:,}",
            f"{100 * part['accuracy']:.1f}",
            f"{100 * part['low']:.1f}–{100 * part['high']:.1f}",
        ]
        for part in system["slices"]
    ]
    return _grouped_table(["n", "Acc", "95%"], system["slices"], rows)


def _slices_side_by_side(systems: list[Report]) -> Table:
    """Accuracy by group, a column a system; n is that of the first."""
    accuracies = [
        {(part["by"], part["value"]): part["accuracy"] for part in system["slices"]} for system in systems
    ]
    rows = []
    for part in systems[0]["slices"]:
        found = [accuracy.get((part["by"], part["value"])) for accuracy in accuracies]
        rows.append([f"{part['n']:,}", *("–" if each is None else f"{100 * each:.1f}" for each in found)])
    return _grouped_table(["n", *(system["name"] for system in systems)], systems[0]["slices"], rows)


def _grouped_table(headings: list[str], slices: list[Report], rows: list[list[str]]) -> Table:
    """A section for every property, a row for every value; slices of few questions are marked and dim."""
    table = Table(caption="* fewer than 30 questions", caption_justify="left")
    table.add_column("group")
    table.add_column("")
    for heading in headings:
        table.add_column(sanitize(heading), justify="right", overflow="fold")
    before = None
    for part, cells in zip(slices, rows, strict=True):
        if before not in (None, part["by"]):
            table.add_section()
        group = part["by"] if part["by"] != before else ""
        value = part["value"] + (" *" if part["small"] else "")
        table.add_row(*map(sanitize, [group, value, *cells]), style="dim" if part["small"] else None)
        before = part["by"]
    return table


def _named(part: Report) -> str:
    return f"{part['by']} = {part['value']} ({100 * part['accuracy']:.1f})"


def _signatures(report: Report) -> list[str]:
    parts = [system[key] for system in report["systems"] for key in ("answers", "explanations")]
    return list(dict.fromkeys(part["signature"] for part in parts if part is not None))


def _markdown(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


# Names come from files: none may become a command.
_LATEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in " ".join(text.split()))
