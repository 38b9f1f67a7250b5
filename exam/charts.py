"""Charts with matplotlib, drawn as SVG whose text the viewer's own fonts show: Chinese needs no font here."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.files import write_atomically

if TYPE_CHECKING:
    from cmexam_baseline.exam.exam import Exam
    from cmexam_baseline.exam.statistics import Statistics

SHOWN_VALUES = 40
FONTS = ["Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei", "DejaVu Sans"]


def check_chart(file: Path) -> None:
    """Raise `InputError` if no chart can be drawn: another ending than .svg, .png and .pdf, or no matplotlib."""
    if file.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise InputError(f"{file}: charts end in .svg, .png or .pdf")
    require("report", "matplotlib", purpose="a chart")


def pyplot() -> Any:
    """matplotlib's pyplot without a display; `InputError` with the install command if it is missing."""
    require("report", "matplotlib", purpose="a chart")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import font_manager, pyplot

    there = {font.name for font in font_manager.fontManager.ttflist}
    # With a salt the same data give the same bytes.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "cmexam-baseline"})
    matplotlib.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    matplotlib.rcParams["font.family"] = [font for font in FONTS if font in there]
    return pyplot


def draw_statistics(exams: Mapping[str, Exam], statistics: Statistics, folder: Path) -> list[Path]:
    """lengths.svg, answers.svg and, where there are annotations, annotations_<split>.svg in `folder`."""
    annotated = [(name, split.annotations) for name, split in statistics.splits.items() if split.annotations]
    return [
        _draw_lengths(exams, folder),
        _draw_answers(statistics, folder),
        *(_draw_annotations(counts, folder / f"annotations_{name}.svg") for name, counts in annotated),
    ]


def save(figure: Any, file: Path) -> Path:
    """Write a figure in the form of its ending, whole or not at all, and forget it; the same data give the same bytes."""
    name = {"Creator": "cmexam-baseline"}
    stamp = {
        "svg": {"Date": None, **name},
        "png": {"Software": name["Creator"]},
        "pdf": {"CreationDate": None, **name},
    }
    ending = file.suffix.lower().removeprefix(".")
    content = io.BytesIO()
    with warnings.catch_warnings():
        # In SVG the viewer's fonts draw the text, so it does not matter that ours lack Chinese.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.tight_layout()
        figure.savefig(content, format=ending, metadata=stamp[ending], dpi=150)
    pyplot().close(figure)
    write_atomically(file, content.getvalue())
    return file


def _draw_lengths(exams: Mapping[str, Exam], folder: Path) -> Path:
    import numpy as np

    figure, panels = pyplot().subplots(1, 2, figsize=(10, 4))
    texts = {"question": "questions", "explanation, where there is one": "explanations"}
    for panel, (title, column) in zip(panels, texts.items(), strict=True):
        for name, exam in exams.items():
            lengths = [len(text) for text in getattr(exam, column) if text]
            # Steps that grow by the same factor: lengths run from 1 to 3,000.
            edges = np.unique(np.round(np.geomspace(1, 4000, 40)).astype(int))
            counts, _ = np.histogram(lengths, edges)
            panel.stairs(counts / max(len(lengths), 1), edges, label=name)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.set_xlabel(f"characters of the {title}")
        panel.set_ylabel("share of questions")
        panel.legend(frameon=False)
    return save(figure, folder / "lengths.svg")


def _draw_answers(statistics: Statistics, folder: Path) -> Path:
    figure, panel = pyplot().subplots(figsize=(6, 4))
    letters = sorted({letter for split in statistics.splits.values() for letter in split.letters})
    width = 0.8 / len(statistics.splits)
    for place, (name, split) in enumerate(statistics.splits.items()):
        shift = (place - (len(statistics.splits) - 1) / 2) * width
        positions = [spot + shift for spot in range(len(letters))]
        panel.bar(positions, [split.letters.get(letter, 0) for letter in letters], width, label=name)
    panel.set_xticks(range(len(letters)), letters)
    panel.set_ylabel("share of answers that hold the letter")
    panel.legend(frameon=False)
    return save(figure, folder / "answers.svg")


def _draw_annotations(annotations: Mapping[str, Mapping[str, int]], file: Path) -> Path:
    shown = {column: _most_frequent(counts) for column, counts in annotations.items()}
    heights = [max(len(counts), 2) for counts in shown.values()]
    size = (8, 0.22 * sum(heights) + 0.8 * len(heights))
    ratios = {"height_ratios": heights}
    figure, panels = pyplot().subplots(len(shown), figsize=size, squeeze=False, gridspec_kw=ratios)
    for panel, (column, counts) in zip(panels[:, 0], shown.items(), strict=True):
        panel.barh(range(len(counts)), list(counts.values()))
        panel.set_yticks(range(len(counts)), list(counts))
        panel.set_ylim(len(counts) - 0.4, -0.6)
        panel.set_title(column, loc="left")
        panel.set_xlabel("questions")
    return save(figure, file)


def _most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The bars of one annotation: its first `SHOWN_VALUES` values and the rest as one."""
    values = [(value or "(empty)", count) for value, count in counts.items()]
    rest = sum(count for _, count in values[SHOWN_VALUES:])
    return {**dict(values[:SHOWN_VALUES]), **({"(others)": rest} if rest else {})}
