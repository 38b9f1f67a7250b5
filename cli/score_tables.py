"""How scores look: tables for the terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cmexam_baseline.cli import console

if TYPE_CHECKING:
    from cmexam_baseline.cli.scoring import ScoredFiles

Report = Mapping[str, Any]

# Figure -> heading, factor to percent, where it stands in a system's report.
FIGURES = {
    "accuracy": ("Acc", 100, "answers"),
    "weighted_f1": ("F1", 100, "answers"),
    "unread_rate": ("No answer", 100, "answers"),
    "bleu1": ("BLEU-1", 1, "explanations"),
    "bleu4": ("BLEU-4", 1, "explanations"),
    "rouge1": ("ROUGE-1", 1, "explanations"),
    "rouge2": ("ROUGE-2", 1, "explanations"),
    "rougeL": ("ROUGE-L", 1, "explanations"),
}
SHOWN_EXTRACTION = 60


def say_what_was_read(notes: Console, scored: ScoredFiles) -> None:
    """Which columns were taken for what, how the rows met the exam, and what was left out."""
    if scored.source.n_left_out:
        notes.print(
            f"{scored.source.path}: {scored.source.n_left_out} rows left out of the exam", style="dim"
        )
    said = set()
    for system in scored.systems:
        aligned, join = system.aligned, system.aligned.join
        # The systems of a wide file share their columns and their rows.
        if aligned.output.file in said:
            continue
        said.add(aligned.output.file)
        notes.print(f"{aligned.output.file}: {aligned.output.recognition.describe()}", style="dim")
        parts = [
            f"{len(join.missing)} questions without a row" if len(join.missing) else "",
            f"{len(join.doubled)} doubled rows (the first counts)" if join.doubled else "",
            f"{len(join.extra)} rows of no question" if join.extra else "",
            f"{len(join.by_order)} questions told apart by order alone" if join.by_order else "",
            f"{len(aligned.unmapped)} answers that fit no option of the exam" if aligned.unmapped else "",
        ]
        found = "; ".join(part for part in parts if part)
        notes.print(
            f"  met by {join.by}: {len(join.matched)} matched{'; ' if found else ''}{found}", style="dim"
        )


def show_extractions(output: Console, scored: ScoredFiles) -> None:
    """What was read out of every reply: the rule, the words it stands in, the letters."""
    if scored.exam is None:
        return
    for system in scored.systems:
        table = Table(title=system.name, title_justify="left")
        for heading in ("id", "letters", "rule", "read from"):
            table.add_column(heading)
        replies = system.aligned.output.replies or []
        for question in system.aligned.join.matched.tolist():
            found = system.aligned.extractions[question]
            if found is None:
                continue
            reply = replies[int(system.aligned.join.row_of[question])]
            words = reply[slice(*found.span)] if found.span else ""
            cells = (
                scored.exam.ids[question],
                found.letters or "–",
                found.rule or "–",
                words[:SHOWN_EXTRACTION],
            )
            table.add_row(*map(plain, cells))
        output.print(table)


def print_tables(report: Report) -> None:
    """The headline table, the slices of the systems and the signatures."""
    output = console.results()
    exam = report["exam"]
    where = ", ".join(part for part in (exam["source"], exam["split"]) if part)
    title = f"{where}: {exam['n']:,} questions, profile {report['profile']}, percent with 95% intervals"
    output.print(plain(title), style="bold", soft_wrap=True)
    output.print(_headline_table(report))
    sliced = [system for system in report["systems"] if system["slices"]]
    for system in sliced:
        if system["best"]:
            line = f"{system['name']}: best {_named(system['best'])}, worst {_named(system['worst'])}"
            output.print(plain(line), soft_wrap=True)
    if len(sliced) == 1:
        output.print(_slice_table(sliced[0]))
    elif sliced:
        output.print(_slices_side_by_side(sliced))
    for signature in _signatures(report):
        output.print(signature, style="dim", markup=False, soft_wrap=True)


def print_json(report: Report) -> None:
    """The whole report."""
    console.print_json(report)


def print_csv(report: Report) -> None:
    """One row a system: name, then every figure with the ends of its interval."""
    rows = [["system", *(name for key in FIGURES for name in (key, f"{key}_low", f"{key}_high"))]]
    for system in report["systems"]:
        cells = [system["name"]]
        for key in FIGURES:
            figure = _figure(system, key)
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
        click.echo(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |")
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


def _headline_table(report: Report) -> Table:
    table = Table()
    headings, rows = _headline_cells(report, between="\n")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def _headline_cells(report: Report, between: str = " ") -> tuple[list[str], list[list[str]]]:
    shown = [key for key in FIGURES if any(_figure(system, key) for system in report["systems"])]
    headings = ["system", "n", *(FIGURES[key][0] for key in shown)]
    rows = []
    for system in report["systems"]:
        answers, explanations = system["answers"], system["explanations"]
        n = f"{answers['n']:,}" if answers else f"{explanations['n_pairs']:,}"
        if answers and explanations:
            n += f"{between}({explanations['n_pairs']:,} pairs)"
        rows.append([system["name"], n, *(_cell(system, key, between) for key in shown)])
    return headings, rows


def _cell(system: Report, key: str, between: str) -> str:
    figure = _figure(system, key)
    if figure is None:
        return "–"
    factor = FIGURES[key][1]
    value, low, high = (f"{factor * figure[part]:.1f}" for part in ("value", "low", "high"))
    return f"{value}{between}[{low}, {high}]"


def _figure(system: Report, key: str) -> Mapping[str, float] | None:
    part = system[FIGURES[key][2]]
    if part is None:
        return None
    figure: Mapping[str, float] | None = part.get(key) or part.get("figures", {}).get(key)
    return figure


def _slice_table(system: Report) -> Table:
    """Questions, accuracy and interval by group."""
    rows = [
        [
            f"{part['n']:,}",
            f"{100 * part['accuracy']:.1f}",
            f"[{100 * part['low']:.1f}, {100 * part['high']:.1f}]",
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
        table.add_column(plain(heading), justify="right")
    before = None
    for part, cells in zip(slices, rows, strict=True):
        if before not in (None, part["by"]):
            table.add_section()
        group = part["by"] if part["by"] != before else ""
        value = part["value"] + (" *" if part["small"] else "")
        table.add_row(*map(plain, [group, value, *cells]), style="dim" if part["small"] else None)
        before = part["by"]
    return table


def _named(part: Report) -> str:
    return f"{part['by']} = {part['value']} ({100 * part['accuracy']:.1f})"


def _signatures(report: Report) -> list[str]:
    parts = [system[key] for system in report["systems"] for key in ("answers", "explanations")]
    return list(dict.fromkeys(part["signature"] for part in parts if part is not None))


def plain(text: str) -> str:
    """Text from outside as rich should show it: without markup, one line, nothing that moves the cursor."""
    return escape("".join(char if char.isprintable() or char == "\n" else "�" for char in text))


def _latex(text: str) -> str:
    return "".join(f"\\{char}" if char in "&%$#_{}" else char for char in text)
