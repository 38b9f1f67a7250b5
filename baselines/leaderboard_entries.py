"""Leaderboards: systems with their figures, from runs, score reports, prediction files and the paper, ranked."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.baselines.run_folder import is_run, load_run
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.published import PUBLISHED_RESULTS
from cmexam_baseline.exam.splits import load_exam, split_of, stem_of
from cmexam_baseline.metrics.lazy_names import package_version

if TYPE_CHECKING:
    from cmexam_baseline.exam import Exam

PathLike = str | os.PathLike[str]

# Questions of the published test split, for the interval of a published accuracy.
PUBLISHED_TEST_QUESTIONS = 6811
COLUMNS = ("", "system", "kind", "size", "questions", "accuracy", "95% interval", "weighted F1")
LEFT = ("system", "kind")
# Columns that are shown where a system lacks predictions: field of an entry -> heading.
MISSING = {"missing_answers": "missing answers", "missing_explanations": "missing expl."}
_CSV_COLUMNS = ("system", "kind", "split", "n", "accuracy", "low", "high", "weighted_f1", "size", *MISSING)
_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True)
class LeaderboardEntry:
    """One system on one split. Figures are fractions; None where unknown.

    kind:      "run", "predictions", "dummy baseline" or "published"
    interval:  of the accuracy, 95%, Wilson; size: number of parameters
    questions: fingerprint of the questions, "" where it is not known
    missing_answers: number of questions without an answer or with one that cannot be read
    missing_explanations: number of reference explanations without one of the system, which gives others
    """

    system: str
    kind: str
    split: str
    n: int | None
    accuracy: float
    interval: tuple[float, float] | None = None
    weighted_f1: float | None = None
    size: float | None = None
    questions: str = ""
    missing_answers: int | None = None
    missing_explanations: int | None = None

    @classmethod
    def measured(
        cls, system: str, kind: str, split: str, figures: Mapping[str, Any], questions: str
    ) -> LeaderboardEntry:
        """The entry of `n`, `accuracy` and `weighted_f1` in `figures`."""
        from cmexam_baseline import metrics

        n, accuracy = int(figures["n"]), float(figures["accuracy"])
        return cls(
            *(system, kind, split, n, accuracy, metrics.wilson_interval(round(accuracy * n), n)),
            weighted_f1=figures.get("weighted_f1"),
            questions=questions,
            missing_answers=figures.get("n_unanswered"),
        )


def parse_size(text: str) -> float:
    """A number of parameters as people write it. Raises `InputError` for anything else.

    >>> parse_size("7B"), parse_size("35.7M")
    (7000000000.0, 35700000.0)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMBT]?)\s*", text, re.IGNORECASE)
    if match is None or not float(match[1]):
        raise InputError(f"size {text!r} is not a number of parameters; write it as in 7B, 0.1B or 35.7M")
    return float(match[1]) * _UNITS[match[2].upper()]


def parse_sizes(texts: Sequence[str]) -> dict[str, float]:
    """Numbers of parameters by system, from texts such as "bert=0.1B". Raises `InputError` for anything else.

    >>> parse_sizes(["bert=0.1B"])
    {'bert': 100000000.0}
    """
    sizes = {}
    for text in texts:
        name, sign, size = text.rpartition("=")
        if not sign or not name:
            raise InputError(f"`sizes={text}`: write it as in bert=0.1B")
        sizes[name] = parse_size(size)
    return sizes


def shown_size(size: float | None) -> str:
    """A number of parameters in the unit that fits; like the paper, in billions from 0.1 B.

    >>> shown_size(7e9), shown_size(35.7e6), shown_size(1e8), shown_size(None)
    ('7B', '35.7M', '0.1B', '')
    """
    if size is None:
        return ""
    least = {"B": 1e8, "M": 1e6, "K": 1e3, "": 0}
    unit = next(unit for unit, start in least.items() if size >= start)
    return f"{size / _UNITS[unit]:.3g}{unit}"


@dataclass(frozen=True)
class Leaderboard:
    """Systems on one split, the most accurate first; `remarks` are how each prediction file was read."""

    split: str
    entries: Sequence[LeaderboardEntry]
    remarks: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as `baselines/leaderboard.schema.json` describes them."""
        about = {"schema": "cmexam-baseline/leaderboard", "schema_version": 1, "version": package_version()}
        return {**about, "split": self.split, "systems": [asdict(each) for each in self.entries]}

    def to_csv(self) -> str:
        """A row per system, figures as fractions with all their digits."""
        from cmexam_baseline.exam.io.text_formats import csv_text

        columns = self._columns()
        return csv_text(_CSV_COLUMNS, zip(*(columns[name] for name in _CSV_COLUMNS), strict=True))

    def to_markdown(self) -> str:
        """A table in percent, with notes on what is comparable."""
        from cmexam_baseline.exam.io.text_formats import markdown_table

        table = markdown_table(self.headings(), self.rows(), LEFT)
        return "\n".join([table, *(f"{note}\n" for note in self.notes())])

    def to_latex(self) -> str:
        """A table in percent, for the booktabs package."""
        from cmexam_baseline.exam.io.text_formats import latex_table

        return latex_table(self.headings(), self.rows(), LEFT)

    def to_frame(self, library: str | None = None) -> Any:
        """A row per system as a pandas or polars frame; raises `InputError` if the library is not installed."""
        from cmexam_baseline.exam.io.table import to_frame

        return to_frame(self._columns(), library)

    def headings(self) -> list[str]:
        """`COLUMNS`, and those of missing predictions where there are any."""
        return [*COLUMNS, *(MISSING[name] for name in self._missing())]

    def _missing(self) -> list[str]:
        return [name for name in MISSING if any(getattr(each, name) for each in self.entries)]

    def rows(self) -> list[tuple[str, ...]]:
        """The cells of `headings` per system, figures in percent."""
        return [
            (
                *(str(rank), each.system, each.kind, shown_size(each.size)),
                "" if each.n is None else f"{each.n:,}",
                f"{100 * each.accuracy:.1f}",
                "–".join(f"{100 * end:.1f}" for end in each.interval or ()),
                "" if each.weighted_f1 is None else f"{100 * each.weighted_f1:.1f}",
                *("" if (n := getattr(each, name)) is None else f"{n:,}" for name in self._missing()),
            )
            for rank, each in enumerate(self.entries, 1)
        ]

    def notes(self) -> list[str]:
        """What a reader must know to compare the rows."""
        notes = []
        if any(each.kind == "published" for each in self.entries):
            notes.append(
                "Published: Liu et al. 2023, Table 3, on CMExam's whole test split; the intervals are those of its "
                "6,811 questions. Figures on other questions are not strictly comparable."
            )
        if (n_sets := len({each.questions for each in self.entries if each.questions})) > 1:
            notes.append(f"These systems answered {n_sets} different sets of questions.")
        return notes

    def _columns(self) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {}
        for each in self.entries:
            row = asdict(each)
            row["low"], row["high"] = row.pop("interval") or (None, None)
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        return columns


def leaderboard(
    systems: Sequence[PathLike] = (),
    *,
    exam: PathLike | None = None,
    train: PathLike | None = None,
    split: str | None = None,
    sizes: Mapping[str, float] | None = None,
    published: bool = True,
    bad_rows: str = "auto",
) -> Leaderboard:
    """Rank run folders, reports of `score --json`, prediction files, and folders that hold such.

    exam:      file or folder that prediction files answer; an unanswered question counts as wrong
    train:     training exam, for the dummy baseline that counts its letters
    split:     "val" or "test" (default: test, or val if no system has test)
    sizes:     numbers of parameters by system
    published: whether the rows of the paper's Table 3 are included

    Raises `InputError` if a path is missing or holds no system, and if no system has figures on `split`.

    >>> [each.system for each in leaderboard().entries[:2]]
    ['Human volunteers', 'GPT-4']
    """
    own: list[LeaderboardEntry] = []
    remarks: list[str] = []
    predictions = []
    for path in find_systems([Path(one) for one in systems]):
        report = _score_report(path)
        if is_run(path):
            own += _entries_of_run(path)
        elif report is not None:
            own += _entries_of_report(path, report)
        else:
            predictions.append(path)
    if exam is not None:
        train = Path(train) if train else None
        answered, remarks = _answered(predictions, Path(exam), train, split, bad_rows)
        own += answered
    elif predictions:
        raise InputError(f"{predictions[0]} holds predictions; give the exam that they answer as `exam`")
    if own:
        split = split or ("test" if any(each.split == "test" for each in own) else "val")
        own = [each for each in own if each.split == split]
        if not own:
            raise InputError(f"no system has figures on {split}; use another `split`")
    entries = _ranked([*own, *(published_entries() if published else [])], sizes or {})
    if not entries:
        raise InputError("nothing to rank; give run folders or predictions, or include the published rows")
    return Leaderboard(split or "test", entries, remarks)


def find_systems(paths: Iterable[Path]) -> list[Path]:
    """The run folders and the files among `paths` and, one level down, in folders among them.

    Raises `InputError` where a path is not there, or a folder holds neither.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} is not there; give a run folder, a prediction file or a folder of them")
        inside = [path]
        if path.is_dir() and not is_run(path):
            inside = list(filter(_is_system, sorted(path.iterdir())))
        if not inside:
            raise InputError(f"{path} holds no run folder and no prediction file; give another")
        found += inside
    return found


def _is_system(path: Path) -> bool:
    if is_run(path) or not path.is_file():
        return is_run(path)
    from cmexam_baseline.exam.io.formats import FORMATS

    return Path(path.name.removesuffix(".gz")).suffix.lower() in FORMATS


def published_entries() -> list[LeaderboardEntry]:
    """The rows of the paper's Table 3 that have an accuracy."""
    from cmexam_baseline import metrics

    entries = []
    for row in PUBLISHED_RESULTS:
        if row.accuracy is not None:
            accuracy = row.accuracy.value / 100
            # What the paper prints after ± is the deviation between runs; the interval here is that of the questions.
            n = None if row.model == "Human volunteers" else PUBLISHED_TEST_QUESTIONS
            interval = None if n is None else metrics.wilson_interval(round(accuracy * n), n)
            f1 = None if row.weighted_f1 is None else row.weighted_f1.value / 100
            size = parse_size(row.size) if row.size else None
            entries.append(
                LeaderboardEntry(row.model, "published", row.split, n, accuracy, interval, f1, size)
            )
    return entries


def _entries_of_run(folder: Path) -> list[LeaderboardEntry]:
    """The systems of a run folder: its model and the dummy baselines, on every split."""
    run = load_run(folder)
    size = run.config.get("settings", {}).get("n_parameters")
    if not isinstance(size, int | float) or not 0 < size < math.inf:
        size = None
    entries = []
    for split in ("val", "test"):
        if split in run.scores:
            questions = str(run.config.get("data", {}).get(split, {}).get("fingerprint", ""))
            model = LeaderboardEntry.measured(folder.name, "run", split, run.scores[split], questions)
            entries.append(replace(model, size=size and float(size)))
            entries += [
                LeaderboardEntry.measured(name, "dummy baseline", split, figures[split], questions)
                for name, figures in run.scores.get("free_baselines", {}).items()
                if split in figures
            ]
    return entries


def _score_report(file: Path) -> dict[str, Any] | None:
    """The content of a report that `score --json` printed; None where the file is something else."""
    if file.suffix.lower() != ".json":
        return None
    from cmexam_baseline.scoring.report_data import SCHEMA

    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("schema") == SCHEMA else None


def _entries_of_report(file: Path, report: Mapping[str, Any]) -> list[LeaderboardEntry]:
    try:
        exam, entries = report["exam"], []
        split = exam["split"] or split_of(stem_of(exam["source"])) or "test"
        for each in filter(lambda system: system["answers"] is not None, report["systems"]):
            found, explained = each["answers"], each["explanations"]
            # The report's own number is that of replies, several a question where their mean counts.
            n = each["join"]["matched"] if report["missing"] == "skip" else exam["n"]
            values = {name: found[name]["value"] for name in ("accuracy", "weighted_f1")}
            values |= {"n": n, "n_unanswered": round(found["unread_rate"]["value"] * n)}
            questions = exam["fingerprint"] + (f"; {n} of {exam['n']}" if n < exam["n"] else "")
            entry = LeaderboardEntry.measured(each["name"], "predictions", split, values, questions)
            ends = found["accuracy"]["low"], found["accuracy"]["high"]
            n_missing = explained and explained["n_missing"]
            entries.append(replace(entry, interval=ends, missing_explanations=n_missing))
        return entries
    except (KeyError, TypeError) as error:
        text = f"{file} is no report of `score --json` as this version writes it; make it again"
        raise InputError(text) from error


def _answered(
    files: Sequence[Path], path: Path, train: Path | None, split: str | None, bad_rows: str
) -> tuple[list[LeaderboardEntry], list[str]]:
    """The systems of prediction files and the dummy baselines on the exam at `path`, and how the files were read.

    A question without an answer counts as wrong. A dummy baseline that learns from answers needs `train`.
    """
    from cmexam_baseline.baselines.split_scores import answer_scores
    from cmexam_baseline.features.dummy import DUMMY_BASELINES, MostFrequentLetter
    from cmexam_baseline.scoring.alignment import align
    from cmexam_baseline.scoring.outputs import read_outputs
    from cmexam_baseline.scoring.scorer import distinct_outputs

    if path.is_dir() and split is None:
        raise InputError(f"{path} is a folder; say which split the predictions answer with `split`")
    exam = load_exam(path, split if path.is_dir() else None, bad_rows).exam
    known = None if train is None else load_exam(train, "train" if train.is_dir() else None, bad_rows).exam
    about = split or split_of(stem_of(path)) or "test", exam.fingerprint()

    def entry(name: str, kind: str, answers: Any) -> LeaderboardEntry:
        return LeaderboardEntry.measured(name, kind, about[0], answer_scores(exam, answers), about[1])

    outputs = distinct_outputs([output for file in files for output in read_outputs(file, exam)])
    aligned, found = [align(exam, output) for output in outputs], []
    for each in filter(lambda each: each.has_answers, aligned):
        n_missing = _missing_explanations(exam, each.explanations)
        found.append(replace(entry(each.name, "predictions", each.answers), missing_explanations=n_missing))
    for name, rule in DUMMY_BASELINES.items():
        if known is not None or rule is not MostFrequentLetter:
            found.append(entry(name, "dummy baseline", rule().fit(known or exam).predict(exam).answers))
    lines = [f"{each.output.file}: {line}" for each in aligned for line in each.summary()]
    return found, list(dict.fromkeys(lines))


def _missing_explanations(exam: Exam, explanations: Sequence[str | None] | None) -> int | None:
    """How many of the exam's explanations a system has none for; None where it explains nothing at all."""
    if explanations is None or not any(explanations):
        return None
    return sum(bool(want) and not given for want, given in zip(exam.explanations, explanations, strict=True))


def _ranked(entries: Sequence[LeaderboardEntry], sizes: Mapping[str, float]) -> list[LeaderboardEntry]:
    """The best first, equal ones in the order given, with their sizes; dummy baselines of several runs once.

    Raises `InputError` for the size of a system that is not there.
    """
    unknown = sizes.keys() - {each.system for each in entries}
    if unknown:
        there = ", ".join(dict.fromkeys(each.system for each in entries if each.kind != "published"))
        raise InputError(f"`sizes={min(unknown)}`: no such system; there are {there}")
    kept: dict[object, LeaderboardEntry] = {}
    for place, each in enumerate(entries):
        kept.setdefault((each.system, each.questions) if each.kind == "dummy baseline" else place, each)
    ranked = sorted(kept.values(), key=lambda each: -each.accuracy)
    return [replace(each, size=sizes.get(each.system, each.size)) for each in ranked]
