"""What `train` prints: figures of the new model beside those of the dummy baselines and the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from statistics import mean, stdev
from typing import Any

from rich.console import Console

from cmexam_baseline.baselines.run_folder import Run
from cmexam_baseline.cli.console import new_table, percent, sanitize, shown_p
from cmexam_baseline.exam.published import EXPLANATION_FIGURES, published_result

BESIDE_EXPLANATIONS = ("Bart-large-chinese-CMExam", "ChatGLM-CMExam", "LLaMA-CMExam")
# The published rows beside which a small model's figures make sense.
BESIDE_A_BASELINE = ("BERT-CMExam", "RoBERTa-CMExam", "Random", "Human volunteers")

_SYSTEMS = {"ensemble": "ensemble", "lightgbm": "LightGBM alone", "encoder": "encoder alone"}
_ROWS = {"all": "all rows", "without_overlap": "without overlap with train"}


def show_runs(console: Console, model: str, runs: Mapping[int, Run], is_sample: bool, several: bool) -> None:
    """The figures of each run and, of several seeds, mean and sample standard deviation as in the paper."""
    model = sanitize(model)
    for seed, run in runs.items():
        title = f"{model}, seed {seed}" if several else model
        scores = {str(name): run.scores[name] for name in ("val", "test") if name in run.scores}
        if scores:
            show_training(console, title, scores, run.scores["free_baselines"], is_sample)
            show_explanations(console, title, scores)
        if run.kind == "ensemble":
            show_gains(console, title, scores)
    for split in ("val", "test") if len(runs) > 1 else ():
        accuracies = [run.scores[split]["accuracy"] for run in runs.values() if split in run.scores]
        if accuracies:
            figure = f"{percent(mean(accuracies))}±{percent(stdev(accuracies))}"
            console.print(f"{model}, {split} accuracy over {len(accuracies)} seeds: {figure}")


def show_training(
    console: Console,
    model: str,
    scores: Mapping[str, Any],
    dummies: Mapping[str, Mapping[str, Any]],
    is_sample: bool,
) -> None:
    """The figures of a new model, of the dummy baselines, and of the published ones."""
    headings = [f"{split} {figure}" for split in scores for figure in ("accuracy", "F1")]
    table = new_table(["", *headings], title="Accuracy and weighted F1 in percent")
    clean = {split: found["without_overlap"] for split, found in scores.items()}
    table.add_row(model, *_cells(scores), style="bold")
    table.add_row("  without overlap with train", *_cells(clean))
    for name, figures in dummies.items():
        table.add_row(name, *_cells({split: figures[split] for split in scores}))
    table.add_section()
    for row in map(published_result, BESIDE_A_BASELINE):
        shown = [str(figure or "–") for figure in (row.accuracy, row.weighted_f1)]
        cells = [cell for split in scores for cell in (shown if split == row.split else ("", ""))]
        table.add_row(f"{row.model}, published", *cells, style="dim")
    console.print(table)
    counts = [
        f"{split} {found['n']:,} questions"
        + (f" ({found['n_left_out']} rows left out)" if found["n_left_out"] else "")
        + f", {clean[split]['n']:,} without overlap"
        for split, found in scores.items()
    ]
    console.print(
        f"{', '.join(counts)}; 95% intervals (Wilson) in brackets. Published: Liu et al. 2023, Table 3, "
        "on CMExam's own test split of 6,811 questions"
        + ("; the bundled sample is another, easier exam" if is_sample else ""),
        style="dim",
    )


def show_explanations(console: Console, model: str, scores: Mapping[str, Any]) -> None:
    """BLEU and ROUGE of the explanations, where there are any, beside published ones."""
    explained = {split: found["explanations"] for split, found in scores.items() if "explanations" in found}
    if not explained:
        return
    headings = ["", *EXPLANATION_FIGURES.values()]
    table = new_table(headings, title="Explanations, percent (profile cmexam)")
    for split, figures in explained.items():
        for row, own in ((f"{model}, {split}", figures), ("  restating alone", figures["restated"])):
            table.add_row(row, *(f"{own[name]:.1f}" for name in EXPLANATION_FIGURES))
    table.add_section()
    for result in map(published_result, BESIDE_EXPLANATIONS):
        shown = (str(figure or "–") for figure in result.explanations)
        table.add_row(f"{result.model}, published", *shown, style="dim")
    console.print(table)
    counts = ", ".join(f"{split} {figures['n']:,} explanations" for split, figures in explained.items())
    console.print(
        f"{counts}. Restating alone: stem and options with the same answers and not a word more", style="dim"
    )


def show_gains(console: Console, model: str, scores: Mapping[str, Any]) -> None:
    """For each split the accuracies of an ensemble and its parts, and the differences between them."""
    for split, found in scores.items():
        gains = found["gains"]
        headings = [cell for name, rows in _ROWS.items() for cell in (f"{rows} ({gains[name]['n']:,})", "p")]
        table = new_table(["", *headings], title=f"{model} and its parts on {split}")
        for system, shown in _SYSTEMS.items():
            accuracies = [percent(gains[name]["accuracy"][system]) for name in _ROWS]
            table.add_row(shown, *(cell for accuracy in accuracies for cell in (accuracy, "")))
        table.add_section()
        for first, second in combinations(_SYSTEMS, 2):
            pairs = (_difference(gains[name]["differences"], first, second) for name in _ROWS)
            table.add_row(f"{_SYSTEMS[first]} − {_SYSTEMS[second]}", *chain.from_iterable(pairs))
        console.print(table)
    console.print(
        "Accuracy in percent; differences in points with 95% intervals (paired bootstrap) and p of McNemar's "
        "exact test, corrected by Holm; * below 0.05. All three were chosen on val: the fewer its questions, the more their "
        "figures on it flatter",
        style="dim",
    )


def _cells(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    cells = []
    for found in figures.values():
        cells.append(percent(found["accuracy"], found.get("accuracy_interval")))
        cells.append(percent(found["weighted_f1"]))
    return cells


def _difference(differences: Sequence[Mapping[str, Any]], first: str, second: str) -> tuple[str, str]:
    for one in differences:
        if (one["figure"], one["first"], one["second"]) == ("accuracy", first, second):
            value, low, high = (100 * one[name] for name in ("value", "low", "high"))
            star = " *" if one["p_holm"] < 0.05 else "  "
            return f"{value:+.1f}{star} [{low:+.1f}, {high:+.1f}]", shown_p(one["p_holm"])
    return "–", ""
