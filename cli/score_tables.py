"""How scores look: tables for the terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from cmexam_baseline.cli import console
from cmexam_baseline.cli.console import sanitize
from cmexam_baseline.exam.io.text_formats import csv_text, latex_table, markdown_table
from cmexam_baseline.metrics.profiles import PROFILES
from cmexam_baseline.scoring.report_data import FIGURES, missing_predictions

Report = Mapping[str, Any]


# Columns of systems in the table of groups, where the terminal is wide enough.
SIDE_BY_SIDE = 10
# Groups that are shown unless all are asked for, and the widest names of systems and groups.
MAIN_SLICES = 10
_NAME, _GROUP = 24, 26
MISSING_ROWS = {
    "wrong": "count as wrong; --missing skip leaves them out",
    "skip": "are left out",
    "error": "are refused",
}

MISSING_EXPLANATIONS = {
    "script": "count as the text 无答案, as in CMExam's script",
    "empty": "count as empty texts",
}


def print_tables(output: Console, report: Report, slices: str = "main", named: Sequence[str] = ()) -> None:
    """The headline tables, the slices of the systems and the signatures.

    slices: "main" shows the large groups that differ most, "all" every group, "none" no group, and the name of a
            property its groups
    named:  properties whose groups are shown beside the main ones
    """
    exam = report["exam"]
    where = ", ".join(part for part in (exam["source"], exam["split"]) if part)
    title = f"{where}: {exam['n']:,} questions, profile {report['profile']}, percent with 95% intervals"
    output.print(sanitize(title), style="bold", soft_wrap=True)
    systems = report["systems"]
    for table in [_figure_table(systems[0])] if len(systems) == 1 else _headline_tables(report, output.width):
        output.print(table)
    for line in _remarks(report):
        output.print(sanitize(line), soft_wrap=True)
    sliced = sorted((system for system in systems if system["slices"]), key=_accuracy, reverse=True)
    shown = _shown_slices(sliced, slices, named)
    if shown:
        _print_slices(output, sliced, shown)
    for signature in _signatures(report):
        output.print(signature, style="dim", markup=False, soft_wrap=True)


def _print_slices(output: Console, systems: list[Report], shown: list[Report]) -> None:
    n_all = len(systems[0]["slices"])
    if len(systems) == 1:
        rows = [[f"{part['n']:,}", *_percent({**part, "value": part["accuracy"]}, 100)] for part in shown]
        output.print(_grouped_table(["n", "Acc", "95%"], shown, rows))
    else:
        # The group, its number of questions and the lines between take 38 columns, each system eight.
        beside = systems[: max(1, min(SIDE_BY_SIDE, (output.width - 38) // 8))]
        names = [system["name"] for system in beside]
        short = sum(max(5, cell_len(name)) + 3 for name in names) <= output.width - 38
        headings = names if short else [str(number) for number in range(1, len(names) + 1)]
        output.print(_slices_side_by_side(beside, shown, headings))
        if not short:
            legend = "; ".join(f"{number} {name}" for number, name in enumerate(names, 1))
            output.print(sanitize(legend), soft_wrap=True)
        if len(beside) < len(systems):
            output.print(f"Groups of the {len(beside)} most accurate systems; --json has those of all")
    if len(shown) < n_all:
        line = f"{len(shown)} of {n_all} groups, those that differ most; --json has all"
        output.print(line, soft_wrap=True)


def _shown_slices(systems: Sequence[Report], which: str, named: Sequence[str]) -> list[Report]:
    """The slices of the first system that are shown, in their order."""
    if not systems or which == "none":
        return []
    found: list[Report] = systems[0]["slices"]
    if which not in ("main", "all"):
        return [part for part in found if part["by"] == which]
    if which == "all" or len(found) <= MAIN_SLICES:
        return found
    accuracies = [_accuracies(system) for system in systems]
    overall = [_accuracy(system) for system in systems]

    def difference(part: Report) -> float:
        key = (part["by"], part["value"])
        differences = [one[key] - all_ for one, all_ in zip(accuracies, overall, strict=True) if key in one]
        return abs(sum(differences)) / len(differences)

    large = sorted((part for part in found if not part["small"]), key=difference, reverse=True)[:MAIN_SLICES]
    return [part for part in found if part in large or part["by"] in named]


def _accuracies(system: Report) -> dict[tuple[str, str], float]:
    return {(part["by"], part["value"]): part["accuracy"] for part in system["slices"]}


def _accuracy(system: Report) -> float:
    accuracy: float = system["answers"]["accuracy"]["value"] if system["answers"] else 0.0
    return accuracy


def csv_of(report: Report) -> str:
    """One row per system: name, every figure with the ends of its interval, the numbers of missing predictions."""
    parts = ("value", "low", "high")
    headings = [f"{key}{end}" for key in FIGURES for end in ("", "_low", "_high")]
    rows = []
    for system in report["systems"]:
        figures = [shown.of(system) for shown in FIGURES.values()]
        cells = [repr(figure[part]) if figure else "" for figure in figures for part in parts]
        missing = ["" if n is None else str(n) for n in missing_predictions(system).values()]
        rows.append([system["name"], *cells, *missing])
    return csv_text(["system", *headings, "missing_answers", "missing_explanations"], rows)


def markdown_of(report: Report) -> str:
    """The headline table, for a README or an issue."""
    headings, rows = _headline_cells(report)
    signatures = "".join(f"`{signature}`\n\n" for signature in _signatures(report))
    return markdown_table(headings, rows, headings[:1]) + signatures


def latex_of(report: Report) -> str:
    """The headline table as a booktabs tabular."""
    headings, rows = _headline_cells(report)
    signatures = "".join(f"% {signature}\n" for signature in _signatures(report))
    return latex_table(headings, rows, headings[:1]) + signatures


WRITERS: dict[str, Callable[[Report], str]] = {
    "json": lambda report: console.json_text(report) + "\n",
    "csv": csv_of,
    "markdown": markdown_of,
    "latex": latex_of,
}


def _figure_table(system: Report) -> Table:
    """One system: a row for every figure."""
    table = console.new_table(("", "percent", "95%", "n"), title=sanitize(system["name"]))
    for shown in FIGURES.values():
        figure = shown.of(system)
        if figure is not None:
            value, interval = _percent(figure, shown.scale)
            unit = " pairs" if shown.place.startswith("explanations") else ""
            table.add_row(shown.heading, value, interval, f"{shown.n_of(system):,}{unit}")
    return table


def _headline_tables(report: Report, width: int) -> Iterator[Table]:
    """Several systems: a row for each; the columns share several tables where one would be too wide."""
    headings, rows = _headline_cells(report, between="\n")
    columns = zip(headings, *rows, strict=True)
    widths = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    left = 1 + min(widths[0], _NAME) + 3
    parts: list[list[int]] = [[]]
    for place in range(1, len(headings)):
        used = left + sum(widths[other] + 3 for other in parts[-1])
        if parts[-1] and used + widths[place] + 3 > width:
            parts.append([])
        parts[-1].append(place)
    for part in parts:
        table = Table()
        table.add_column(headings[0], overflow="fold", max_width=_NAME)
        for place in part:
            table.add_column(headings[place], justify="right", min_width=widths[place])
        for row in rows:
            table.add_row(*(sanitize(row[place]) for place in (0, *part)))
        yield table


def _headline_cells(report: Report, between: str = ", ") -> tuple[list[str], list[list[str]]]:
    systems = report["systems"]
    figures = [figure for figure in FIGURES.values() if any(figure.of(system) for system in systems)]
    missing = [(system["join"]["missing"], *missing_predictions(system).values()) for system in systems]
    names = ("no row", "missing answers", "missing expl.")
    counted = [place for place in range(len(names)) if any(numbers[place] for numbers in missing)]
    headings = ["system", "n", *(names[place] for place in counted), *(figure.heading for figure in figures)]
    rows = []
    for system, numbers in zip(systems, missing, strict=True):
        counts = ("–" if numbers[place] is None else f"{numbers[place]:,}" for place in counted)
        cells = (_cell(figure.of(system), figure.scale, between) for figure in figures)
        rows.append([system["name"], _numbers(system, between), *counts, *cells])
    return headings, rows


def _numbers(system: Report, between: str) -> str:
    answers, explanations = system["answers"], system["explanations"]
    pairs = f"{explanations['n_pairs']:,} pairs" if explanations else ""
    if answers is None:
        return pairs
    n = f"{answers['n']:,}"
    return f"{n}{between}{pairs}" if pairs and explanations["n_pairs"] != answers["n"] else n


def _cell(figure: Mapping[str, float] | None, scale: int, between: str) -> str:
    if figure is None:
        return "–"
    value, interval = _percent(figure, scale)
    return f"{value}{between}{interval}" if between == "\n" else f"{value} [{interval}]"


def _percent(figure: Mapping[str, Any], scale: int) -> tuple[str, str]:
    value, low, high = (f"{scale * figure[part]:.1f}" for part in ("value", "low", "high"))
    return value, f"{low}–{high}"


def _remarks(report: Report) -> Iterator[str]:
    """What belongs beside the figures: missing rows, the best and worst group, stated probabilities."""
    for system in report["systems"]:
        name, missing = system["name"], system["join"]["missing"]
        if missing:
            of_all = f"{missing:,} of {report['exam']['n']:,} questions"
            yield f"{name}: {of_all} have no row and {MISSING_ROWS[report['missing']]}"
        answers, explained = missing_predictions(system).values()
        if answers:
            of_all = f"{answers:,} of {system['answers']['n']:,} answers"
            yield f"{name}: {of_all} are missing or cannot be read and count as wrong"
        if explained:
            policy = MISSING_EXPLANATIONS[PROFILES[report["profile"]].missing_predictions]
            of_all = f"{explained:,} of {system['explanations']['n_pairs']:,} explanations"
            yield f"{name}: {of_all} are missing and {policy}"
        if system["best"]:
            yield f"{name}: best {_named(system['best'])}, worst {_named(system['worst'])}"
        stated = system["probabilities"]
        if stated is not None:
            keys = {"log loss": "log_loss", "Brier": "brier", "calibration error": "calibration_error"}
            told = ", ".join(f"{of} {stated[key]:.3f}" for of, key in keys.items() if stated[key] is not None)
            kept = ", ".join(
                f"{100 * part['accuracy']:.1f} on {part['coverage']:.0%}"
                for part in stated["accuracy_at_coverage"]
                if part["accuracy"] is not None
            )
            yield f"{name}: probabilities of {stated['n']:,} questions with one right option: {told}"
            if kept:
                yield f"{name}: accuracy on the surest questions: {kept}"


def _slices_side_by_side(systems: Sequence[Report], shown: Sequence[Report], headings: list[str]) -> Table:
    """Accuracy by group, a column for each system; n is that of the first."""
    accuracies = [_accuracies(system) for system in systems]
    rows = []
    for part in shown:
        found = [accuracy.get((part["by"], part["value"])) for accuracy in accuracies]
        rows.append([f"{part['n']:,}", *("–" if each is None else f"{100 * each:.1f}" for each in found)])
    return _grouped_table(["n", *headings], shown, rows)


def _grouped_table(headings: list[str], slices: Sequence[Report], rows: list[list[str]]) -> Table:
    """A section for every property, a row for every value; slices of few questions are marked and dim."""
    small = any(part["small"] for part in slices)
    table = Table(caption="* fewer than 30 questions" if small else None, caption_justify="left")
    table.add_column("group", overflow="fold", max_width=_GROUP)
    for heading in headings:
        table.add_column(sanitize(heading), justify="right", min_width=5, no_wrap=True)
    before = None
    for part, cells in zip(slices, rows, strict=True):
        if part["by"] != before:
            if before is not None:
                table.add_section()
            table.add_row(sanitize(part["by"]), style="bold")
        value = part["value"] + (" *" if part["small"] else "")
        table.add_row(*map(sanitize, [f"  {value}", *cells]), style="dim" if part["small"] else None)
        before = part["by"]
    return table


def _named(part: Report) -> str:
    return f"{part['by']} = {part['value']} ({100 * part['accuracy']:.1f})"


def _signatures(report: Report) -> list[str]:
    parts = [system[key] for system in report["systems"] for key in ("answers", "explanations")]
    return list(dict.fromkeys(part["signature"] for part in parts if part is not None))
