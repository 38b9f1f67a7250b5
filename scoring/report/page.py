"""From the scores to the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.published import EXPLANATION_FIGURES
from cmexam_baseline.scoring.report.charts import interval_chart, reliability_chart
from cmexam_baseline.scoring.report.misses import ListedMisses


def render_report(report: Mapping[str, Any], misses: ListedMisses, title: str) -> str:
    """The whole page as text.

    report: what `score --json` prints
    misses: those to be listed, and how many there are

    Every text from outside is escaped. Raises `InputError` where the report extra is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise InputError(
            "a report needs jinja2; install it with: pip install 'cmexam-baseline[report]'"
        ) from error
    folder = files("cmexam_baseline.scoring.report")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(folder.joinpath("page.html").read_text("utf-8"))
    return template.render(
        report=report,
        title=title,
        css=Markup(folder.joinpath("page.css").read_text("utf-8")),
        js=Markup(folder.joinpath("page.js").read_text("utf-8")),
        misses=misses,
        miss_data=_inside_script(misses.listed),
        headlines=_headlines,
        slice_charts=_slice_charts,
        confusion_rows=_confusion_rows,
        reliability=lambda system: reliability_chart(system["probabilities"]["reliability"]),
        signatures=_signatures,
        named=lambda part: f"{part['by']} = {part['value']} ({_percent(part['accuracy'])})",
        percent=_percent,
        three=lambda value: "not defined" if value is None else f"{value:.3f}",
    )


def _inside_script(value: object) -> Markup:
    """JSON that no browser takes for the end of its script element."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _headlines(system: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    answers = system["answers"]
    if answers is not None:
        yield _headline("Accuracy", answers["accuracy"], 100)
        clean = system["without_overlap"]
        if clean is not None:
            name = f"Accuracy on {clean['n']:,} without overlap with training"
            yield _headline(name, {**clean, "value": clean["accuracy"]}, 100)
        yield _headline("Weighted F1", answers["weighted_f1"], 100)
        yield _headline("No answer", answers["unread_rate"], 100)
        of_answered = answers["of_answered"]
        if of_answered is not None:
            yield _headline(f"Accuracy on {of_answered['n']:,} answered", of_answered["accuracy"], 100)
            yield _headline(f"Weighted F1 on {of_answered['n']:,} answered", of_answered["weighted_f1"], 100)
    if system["explanations"] is not None:
        for key, figure in system["explanations"]["figures"].items():
            if key in EXPLANATION_FIGURES:
                yield _headline(EXPLANATION_FIGURES[key], figure, 1)


def _headline(name: str, figure: Mapping[str, float], scale: float) -> dict[str, str]:
    low, high = (f"{scale * figure[side]:.1f}" for side in ("low", "high"))
    return {"name": name, "value": f"{scale * figure['value']:.1f}", "interval": f"{low} – {high}"}


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.1f}%"


def _ends(part: Mapping[str, Any]) -> str:
    return f"{100 * part['low']:.0f}–{100 * part['high']:.0f}"


def _slice_charts(system: Mapping[str, Any]) -> Iterator[tuple[str, Markup]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for part in system["slices"]:
        groups.setdefault(part["by"], []).append(part)
    for by, parts in groups.items():
        rows = [
            {
                "label": part["value"],
                "value": part["accuracy"],
                "low": part["low"],
                "high": part["high"],
                "note": f"{_percent(part['accuracy'])} [{_ends(part)}], n {part['n']:,}",
                "small": part["small"],
            }
            for part in parts
        ]
        yield by, interval_chart(rows, system["answers"]["accuracy"]["value"])


def _confusion_rows(system: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    confusion = system["confusion"]
    for label, counts in zip(confusion["rows"], confusion["counts"], strict=True):
        total = sum(counts) or 1
        yield label, [(count, f"{0.7 * count / total:.3f}") for count in counts]


def _signatures(system: Mapping[str, Any]) -> list[str]:
    parts = (system["answers"], system["explanations"])
    return [part["signature"] for part in parts if part is not None]
