"""From the scores to the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, reduce
from importlib.resources import files
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.letters import letter_counts
from cmexam_baseline.scoring.comparison import MOST_FOR_ALL_PAIRS
from cmexam_baseline.scoring.report import charts
from cmexam_baseline.scoring.report.misses import ListedMisses, listed_misses
from cmexam_baseline.scoring.report_data import FIGURES, ShownFigure, missing_predictions

if TYPE_CHECKING:
    from markupsafe import Markup

    from cmexam_baseline.scoring.comparison import Difference
    from cmexam_baseline.scoring.scorer import Report

LANGUAGES = ("en", "zh")
# More rows hide what matters; the others are folded.
MOST_ROWS = 12
_FOLDER = files("cmexam_baseline.scoring.report")
# More unread replies than this are a matter of reading, not of knowledge.
_UNREAD = 0.01


@cache
def _wording() -> dict[str, Any]:
    """The `texts`: name -> [English, Chinese]; "groups_zh": what the package calls groups and their values."""
    content: dict[str, Any] = json.loads(_FOLDER.joinpath("wording.json").read_text("utf-8"))
    return content


def words_in(language: str) -> SimpleNamespace:
    """Every text of the page in a language: "en" or "zh"."""
    place = LANGUAGES.index(language)
    return SimpleNamespace(**{name: texts[place] for name, texts in _wording()["texts"].items()})


def group_name(name: str, language: str) -> str:
    """What a group, or one of its values, is called.

    >>> group_name("answer size", "zh"), group_name("内科", "zh")
    ('正确选项数', '内科')
    """
    return str(_wording()["groups_zh"].get(name, name)) if language == "zh" else name


def _answer_differences(scored: Report) -> list[Difference]:
    """The paired differences on the questions that count for every system with answers."""
    from cmexam_baseline.scoring.comparison import answer_differences

    answering = [system for system in scored.systems if system.answers is not None]
    if scored.exam is None or len(answering) < 2:
        return []
    rows = reduce(np.intersect1d, (system.rows for system in answering))
    named = [(system.name, system.aligned.counted_answers[rows]) for system in answering if rows.size]
    every = len(named) <= MOST_FOR_ALL_PAIRS
    return answer_differences(scored.exam.answers[rows], named, scored.settings, every)


def random_accuracies(exam: Exam | None) -> dict[str, float]:
    """Expected accuracy of a random letter and of a random non-empty subset of letters.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "题", ("甲", "乙"), "A"), Question("q2", "题", ("甲", "乙"), "AB")])
    >>> random_accuracies(exam)
    {'random_letter': 0.25, 'random_subset': 0.3333333333333333}
    """
    if exam is None or not len(exam):
        return {}
    n_options = exam.n_options.astype(np.float64)
    single = letter_counts(exam.answers) == 1
    return {
        "random_letter": float((single / n_options).mean()),
        "random_subset": float((1 / (2.0**n_options - 1)).mean()),
    }


def report_page(scored: Report, language: str = "en", title: str | None = None) -> str:
    """The report page of scored files: one HTML text that needs no network.

    language: "en" or "zh"
    title:    None = the names of the systems

    Every text from outside is escaped. Raises `InputError` where the report extra is not installed.
    """
    require("report", "jinja2", purpose="a report page")
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    if language not in LANGUAGES:
        raise InputError(f"`language` is {language!r}; expected one of: {', '.join(LANGUAGES)}")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_FOLDER.joinpath("page.html").read_text("utf-8"))
    words = words_in(language)
    report = scored.to_dict()
    systems = charts.in_order(report["systems"])
    answering = [system for system in systems if system["answers"] is not None]
    drawn = answering[: charts.MOST_SYSTEMS]
    names = [system["name"] for system in systems]
    pairs = charts.oriented(_answer_differences(scored), names)
    properties = charts.properties(drawn)
    misses = listed_misses(scored.exam, scored.systems, scored.slices)
    return template.render(
        words=words,
        language=language,
        title=title
        or f"{words.title}: {', '.join(names) if len(names) < 3 else words.n_systems.format(n=len(names))}",
        report=report,
        systems=systems,
        drawn=drawn,
        css=Markup(_FOLDER.joinpath("page.css").read_text("utf-8")),
        js=Markup(_FOLDER.joinpath("page.js").read_text("utf-8")),
        lead=_lead(systems[0], pairs, words),
        warnings=list(_warnings(report, systems, words)),
        ranking=_ranking(answering, systems, pairs, report["exam"], random_accuracies(scored.exam), words),
        pairs=pairs,
        only_best=len(pairs) < len(names) * (len(names) - 1) // 2 and len(names) > MOST_FOR_ALL_PAIRS,
        most_for_all_pairs=MOST_FOR_ALL_PAIRS,
        n_pairs=len(answering) * (len(answering) - 1) // 2,
        matter=_differences(charts.that_matter(pairs, names)),
        figures=_figures(systems, words),
        properties=properties,
        departures=charts.departures(properties),
        group_axis=charts.axis_over([0.0, 1.0]),
        group_name=lambda name: group_name(name, language),
        confusion_rows=_confusion_rows,
        calibrated=[one for one in drawn if one["probabilities"]],
        misses=misses,
        miss_data=_inside_script(_miss_data(misses, language, words)),
        notes=lambda system: list(_notes(report, system, words)),
        percent=_percent,
        points=charts.signed_points,
        chance=lambda p: "< 0.0001" if p < 0.0001 else f"{p:.4f}",
        three=lambda value: words.not_defined if value is None else f"{value:.3f}",
        thousands=lambda n: f"{n:,}",
    )


def _inside_script(value: object) -> Markup:
    """JSON that no browser takes for the end of its script element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _miss_data(misses: ListedMisses, language: str, words: SimpleNamespace) -> dict[str, Any]:
    shown = ("found", "missed_by", "answers", "answers_nothing", "no_row", "right", "rule")
    return {
        "questions": misses.questions,
        "misses": misses.misses,
        "groups": [[group_name(name, language) for name in part] for part in misses.groups],
        "words": {name: getattr(words, name) for name in shown},
    }


def _lead(best: charts.System, pairs: Sequence[Difference], words: SimpleNamespace) -> str:
    """The result in one or two sentences."""
    if best["answers"] is None:
        return str(words.explanations_only)
    figure = best["answers"]["accuracy"]
    value, low, high = (f"{100 * figure[side]:.1f}" for side in ("value", "low", "high"))
    about = {"name": best["name"], "value": value, "low": low, "high": high, "n": f"{best['answers']['n']:,}"}
    others = [pair for pair in pairs if pair.first == best["name"]]
    if not others:
        return str(words.one_system.format(**about))
    equal = [pair.second for pair in others if not pair.significant]
    if not equal:
        verdict = words.better_than_all
    elif len(equal) == len(others):
        verdict = words.better_than_none
    else:
        names = words.comma.join(equal)
        if len(equal) > 3:
            names = words.and_more.format(names=words.comma.join(equal[:2]), others=len(equal) - 2)
        verdict = words.better_than_some.format(
            count=len(others) - len(equal), others=len(others), names=names
        )
    space = " " if words.title.isascii() else ""
    return f"{words.best_system.format(count=len(others) + 1, **about)}{space}{verdict}"


def _ranking(
    answering: Sequence[charts.System],
    systems: Sequence[charts.System],
    pairs: Sequence[Difference],
    exam: Mapping[str, Any],
    random: Mapping[str, float],
    words: SimpleNamespace,
) -> dict[str, Any]:
    """Rows of the first chart: systems and comparable marks in one order, other marks apart."""
    rows = charts.entries(answering or systems, pairs)
    marks: list[charts.Entry] = []
    apart: list[charts.Entry] = []
    if answering:
        marks = [charts.Entry(getattr(words, name), value, "random") for name, value in random.items()]
        is_cmexam_test = exam["n"] == charts.CMEXAM_TEST_QUESTIONS and exam["split"] in (None, "test")
        (marks if is_cmexam_test else apart).extend(charts.published_marks())
    shown = sorted([*rows[:MOST_ROWS], *marks], key=lambda entry: (-entry.value, entry.rank))
    ends = [side for entry in [*rows, *marks, *apart] for side in (entry.low, entry.value, entry.high)]
    return {
        "axis": charts.axis_over([end for end in ends if end is not None], least=0.2),
        "rows": shown,
        "more": rows[MOST_ROWS:],
        "apart": apart,
        "answers": bool(answering),
        "same_exam": bool(answering) and not apart,
    }


def _differences(pairs: Sequence[Difference]) -> dict[str, Any]:
    ends = [0.0, *(side for pair in pairs for side in (pair.low, pair.high))]
    return {"axis": charts.axis_over(ends, least=0.04), "rows": pairs[: 2 * MOST_ROWS]}


def _figures(systems: Sequence[charts.System], words: SimpleNamespace) -> dict[str, Any]:
    """A table: headings, then for every system its name and (figure, interval) cells, None where it has none."""
    shown = {key: figure for key, figure in FIGURES.items() if any(map(figure.of, systems))}
    missing = list(map(missing_predictions, systems))
    counted = [key for key in missing[0] if any(each[key] for each in missing)]
    headings = [getattr(words, key, figure.heading) for key, figure in shown.items()]
    rows = [
        (
            system["name"],
            [
                *(_cell(figure, system) for figure in shown.values()),
                *(None if lacking[key] is None else (f"{lacking[key]:,}", "") for key in counted),
            ],
        )
        for system, lacking in zip(systems, missing, strict=True)
    ]
    return {"headings": headings + [getattr(words, key) for key in counted], "rows": rows}


def _cell(figure: ShownFigure, system: charts.System) -> tuple[str, str] | None:
    found = figure.of(system)
    if found is None:
        return None
    value, low, high = (f"{figure.scale * found[side]:.1f}" for side in ("value", "low", "high"))
    return value, f"[{low}, {high}]"


def _percent(fraction: float | None, digits: int = 1) -> str:
    return "–" if fraction is None else f"{100 * fraction:.{digits}f}"


def _confusion_rows(system: charts.System) -> Iterator[tuple[str, list[tuple[str, int, str]]]]:
    """Correct letter, then (given, count, shade) of every cell; shades are shares of the accent colour."""
    confusion = system["confusion"]
    for label, counts in zip(confusion["rows"], confusion["counts"], strict=True):
        total = sum(counts) or 1
        cells = zip(confusion["columns"], counts, strict=True)
        yield label, [(given, count, f"{30 * count / total:.1f}%") for given, count in cells]


def _warnings(
    report: Mapping[str, Any], systems: Sequence[charts.System], words: SimpleNamespace
) -> Iterator[str]:
    """What was wrong with the files, to be seen before any figure; systems with the same problems together."""
    if report["exam"]["left_out"]:
        yield words.left_out.format(n=f"{report['exam']['left_out']:,}")
    names_by_problems: dict[str, list[str]] = {}
    for system in systems:
        found = list(_problems(report, system, words))
        unread, n = system["extraction"]["unread"], (system["answers"] or {"n": 0})["n"]
        if unread > _UNREAD * n:
            found.append(words.unread.format(n=f"{unread:,}", share=f"{unread / n:.1%}"))
        if found:
            names_by_problems.setdefault("; ".join(found), []).append(system["name"])
    for problems, names in names_by_problems.items():
        every = len(names) == len(systems) > 1
        yield f"{words.every_system if every else ', '.join(names)}: {problems}"


def _problems(report: Mapping[str, Any], system: charts.System, words: SimpleNamespace) -> Iterator[str]:
    for key in ("missing", "duplicates", "extra", "damaged", "by_order", "unmapped"):
        if system["join"][key]:
            name = (
                f"missing_{'skip' if report['missing'] == 'skip' else 'wrong'}" if key == "missing" else key
            )
            yield getattr(words, name).format(n=f"{system['join'][key]:,}")
    yield from (remark for remark in system["remarks"] if remark.startswith("warning:"))


def _notes(report: Mapping[str, Any], system: charts.System, words: SimpleNamespace) -> Iterator[str]:
    """How a system's rows met the exam."""
    yield words.joined.format(matched=f"{system['join']['matched']:,}", by=system["join"]["by"])
    yield from _problems(report, system, words)
    if system["explanations"] is not None and system["explanations"]["n_dropped"]:
        yield words.pairs_dropped.format(n=f"{system['explanations']['n_dropped']:,}")
