"""What `train` prints: figures of the new model beside those of the dummy baselines and the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import mean, stdev
from typing import Any

from rich.console import Console
from rich.table import Table

from cmexam_baseline.baselines.run_folder import Run
from cmexam_baseline.cli.console import percent, sanitize
from cmexam_baseline.exam.published import EXPLANATION_FIGURES, PublishedResult, published_result

BESIDE_EXPLANATIONS = ("Bart-large-chinese-CMExam", "ChatGLM-CMExam", "LLaMA-CMExam")
# The published rows beside which a small model's figures make sense.
BESIDE_A_BASELINE = ("BERT-CMExam", "RoBERTa-CMExam", "Random", "Human volunteers")

_SYSTEMS = {"ensemble": "ensemble", "lightgbm": "LightGBM alone", "encoder": "encoder alone"}
_ROWS = {"all": "all rows", "without_overlap": "without overlap with train"}


def show_runs(console: Console, model: str, runs: Mapping[int, Run], is_sample: bool, several: bool) -> None:
    """The figures of each run and, of several seeds, mean and standard deviation."""
    model = sanitize(model)
    for seed, run in runs.items():
        title = f"{model}, seed {seed}" if several else model
        show_training(console, title, run.scores, is_sample)
        show_explanations(console, title, run.scores)
        if run.kind == "ensemble":
            show_gains(console, title, run.scores)
    if len(runs) > 1:
        show_seeds(console, model, {seed: run.scores for seed, run in runs.items()})


def show_training(console: Console, model: str, scores: Mapping[str, Any], is_sample: bool) -> None:
    """The figures of a new model, of the dummy baselines, and of the published ones."""
    splits = [name for name in ("val", "test") if name in scores]
    table = Table(title="Accuracy and weighted F1 in percent", title_justify="left")
    table.add_column("")
    for split in splits:
        table.add_column(f"{split} accuracy", justify="right")
        table.add_column(f"{split} F1", justify="right")
    table.add_row(model, *_cells(scores, splits, with_interval=True), style="bold")
    clean = {split: scores[split]["without_overlap"] for split in splits}
    table.add_row("  without overlap with train", *_cells(clean, splits, with_interval=True))
    for name, figures in scores["free_baselines"].items():
        table.add_row(name, *_cells(figures, splits))
    table.add_section()
    for result in map(published_result, BESIDE_A_BASELINE):
        table.add_row(f"{result.model}, published", *_published_cells(result, splits), style="dim")
    if splits:
        console.print(table)
        console.print(_footnote(scores, splits, is_sample), style="dim")


def show_explanations(console: Console, model: str, scores: Mapping[str, Any]) -> None:
    """BLEU and ROUGE of the explanations on val and test, where there are any, beside published ones."""
    explained = {split: scores.get(split, {}).get("explanations") for split in ("val", "test")}
    if not any(explained.values()):
        return
    table = Table(title="Explanations, percent (profile cmexam)", title_justify="left")
    for name in ("", *EXPLANATION_FIGURES.values()):
        table.add_column(name, justify="right" if name else "left")
    for split, figures in explained.items():
        if figures:
            for row, own in ((f"{model}, {split}", figures), ("  restating alone", figures["restated"])):
                table.add_row(row, *(f"{own[name]:.1f}" for name in EXPLANATION_FIGURES))
    table.add_section()
    for result in map(published_result, BESIDE_EXPLANATIONS):
        figures = (str(figure or "–") for figure in result.explanations)
        table.add_row(f"{result.model}, published", *figures, style="dim")
    console.print(table)
    counts = [f"{split} {figures['n']:,} explanations" for split, figures in explained.items() if figures]
    console.print(
        f"{', '.join(counts)}. Restating alone: stem and options with the same answers and not a word more",
        style="dim",
    )


def show_seeds(console: Console, model: str, scores: Mapping[int, Mapping[str, Any]]) -> None:
    """Mean and sample standard deviation over seeds, as the paper prints them."""
    for split in ("val", "test"):
        accuracies = [found[split]["accuracy"] for found in scores.values() if split in found]
        if len(accuracies) > 1:
            figure = f"{percent(mean(accuracies))}±{percent(stdev(accuracies))}"
            console.print(f"{model}, {split} accuracy over {len(accuracies)} seeds: {figure}")


def show_gains(console: Console, model: str, scores: Mapping[str, Any]) -> None:
    """For val and test, where there are any, the accuracies and the differences between the systems."""
    for split in ("val", "test"):
        if split in scores:
            console.print(_gains_table(f"{model} and its parts on {split}", scores[split]["gains"]))
    console.print(
        "Accuracy in percent; differences in points with 95% intervals (paired bootstrap) and p of McNemar's "
        "exact test, corrected by Holm; * below 0.05. All three were chosen on val",
        style="dim",
    )


def _cells(scores: Mapping[str, Any], splits: list[str], with_interval: bool = False) -> list[str]:
    cells = []
    for split in splits:
        figures = scores[split]
        accuracy = percent(figures["accuracy"])
        if with_interval:
            low, high = figures["accuracy_interval"] or (None, None)
            accuracy += f" [{percent(low)}, {percent(high)}]"
        cells += [accuracy, percent(figures["weighted_f1"])]
    return cells


def _published_cells(result: PublishedResult, splits: list[str]) -> list[str]:
    cells = []
    for split in splits:
        figures = (result.accuracy, result.weighted_f1)
        cells += [str(figure or "–") for figure in figures] if split == result.split else ["", ""]
    return cells


def _footnote(scores: Mapping[str, Any], splits: list[str], is_sample: bool) -> str:
    counts = [
        f"{split} {scores[split]['n']:,} questions"
        + (f" ({scores[split]['n_left_out']} rows left out)" if scores[split]["n_left_out"] else "")
        + f", {scores[split]['without_overlap']['n']:,} without overlap"
        for split in splits
    ]
    return (
        f"{', '.join(counts)}; 95% intervals (Wilson) in brackets. Published: Liu et al. 2023, Table 3, "
        "on CMExam's own test split of 6,811 questions"
        + ("; the bundled sample is another, easier exam" if is_sample else "")
    )


def _gains_table(title: str, found: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name, heading in _ROWS.items():
        table.add_column(f"{heading} ({found[name]['n']:,})", justify="right")
        table.add_column("p", justify="right")
    for system, shown in _SYSTEMS.items():
        table.add_row(
            shown, *(cell for name in _ROWS for cell in (percent(found[name]["accuracy"][system]), ""))
        )
    table.add_section()
    for first, second in combinations(_SYSTEMS, 2):
        cells = [cell for name in _ROWS for cell in _difference(found[name]["differences"], first, second)]
        table.add_row(f"{_SYSTEMS[first]} − {_SYSTEMS[second]}", *cells)
    return table


def _difference(differences: Sequence[Mapping[str, Any]], first: str, second: str) -> tuple[str, str]:
    for one in differences:
        if (one["figure"], one["first"], one["second"]) == ("accuracy", first, second):
            value, low, high = (100 * one[name] for name in ("value", "low", "high"))
            p = one["p_holm"]
            star = " *" if p < 0.05 else "  "
            return f"{value:+.1f}{star} [{low:+.1f}, {high:+.1f}]", f"{p:.4f}" if p >= 0.0001 else "<0.0001"
    return "–", ""
