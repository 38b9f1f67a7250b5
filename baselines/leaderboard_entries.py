"""Leaderboards: systems with their figures, from runs, score reports, prediction files and the paper, ranked."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline import metrics
from cmexam_baseline.baselines import leaderboard_tables
from cmexam_baseline.baselines.run_folder import is_run, load_run
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.published import PUBLISHED_RESULTS, Figure, PublishedResult
from cmexam_baseline.exam.splits import load_exam, split_of, stem_of
from cmexam_baseline.scoring.report_data import SCHEMA

if TYPE_CHECKING:
    from cmexam_baseline.exam import Exam

# Questions of the published test split, for the interval of a published accuracy.
PUBLISHED_TEST_QUESTIONS = 6811
_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True)
class LeaderboardEntry:
    """One system on one split. Figures are fractions; None where unknown.

    kind:      "run", "predictions", "dummy baseline" or "published"
    interval:  of the accuracy, 95%, Wilson
    size:      number of parameters
    questions: fingerprint of the questions, "" where it is not known
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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


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


@dataclass(frozen=True)
class Leaderboard:
    """Systems on one split, the most accurate first."""

    split: str
    entries: Sequence[LeaderboardEntry]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as `baselines/leaderboard.schema.json` describes them."""
        about = {
            "schema": "cmexam-baseline/leaderboard",
            "schema_version": 1,
            "version": version("cmexam-baseline"),
        }
        return {**about, "split": self.split, "systems": [each.to_dict() for each in self.entries]}

    def to_csv(self) -> str:
        """A row per system, figures as fractions."""
        return leaderboard_tables.as_csv(self)

    def to_markdown(self) -> str:
        """A table in percent, with notes on what is comparable."""
        return leaderboard_tables.as_markdown(self)

    def to_latex(self) -> str:
        """A table in percent, for the booktabs package."""
        return leaderboard_tables.as_latex(self)

    def to_frame(self, library: str | None = None) -> Any:
        """A row per system as a pandas or polars frame; raises `InputError` if the library is not installed."""
        from cmexam_baseline.exam.frames import to_frame

        columns: dict[str, list[Any]] = {}
        for each in self.entries:
            row = each.to_dict()
            row["low"], row["high"] = row.pop("interval") or (None, None)
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        return to_frame(columns, library)


def leaderboard(
    systems: Sequence[str | os.PathLike[str]] = (),
    *,
    exam: str | os.PathLike[str] | None = None,
    train: str | os.PathLike[str] | None = None,
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
    runs, files = find_systems([Path(one) for one in systems])
    reports = [file for file in files if score_report(file) is not None]
    predictions = [file for file in files if file not in reports]
    own = [each for folder in runs for each in entries_of_run(folder)]
    own += [each for file in reports for each in entries_of_report(file)]
    if exam is not None:
        own += _answered(predictions, Path(exam), None if train is None else Path(train), split, bad_rows)
    elif predictions:
        raise InputError(f"{predictions[0]} holds predictions; give the exam that they answer as `exam`")
    if own:
        split = split or ("test" if any(each.split == "test" for each in own) else "val")
        own = [each for each in own if each.split == split]
        if not own:
            raise InputError(f"no system has figures on {split}; use another `split`")
    entries = ranked(with_sizes([*own, *(published_entries() if published else [])], sizes or {}))
    if not entries:
        raise InputError(
            "nothing to rank; give run folders or prediction files, or include the published rows"
        )
    return Leaderboard(split or "test", entries)


def entries_of_run(folder: Path) -> list[LeaderboardEntry]:
    """The systems of a run folder: its model and the dummy baselines, on every split."""
    run = load_run(folder)
    scores = run.scores
    entries = []
    for split in ("val", "test"):
        if split in scores:
            questions = str(run.config.get("data", {}).get(split, {}).get("fingerprint", ""))
            model = _entry(folder.name, "run", split, scores[split], questions)
            entries.append(replace(model, size=_parameters(run.config)))
            for name, figures in scores.get("free_baselines", {}).items():
                if split in figures:
                    entries.append(_entry(name, "dummy baseline", split, figures[split], questions))
    return entries


def entries_of_report(file: Path) -> list[LeaderboardEntry]:
    """The systems of what `cmexam-baseline score --json` printed."""
    report = score_report(file) or {}
    try:
        exam = report["exam"]
        split = exam["split"] or "test"
        return [
            LeaderboardEntry(
                each["name"],
                "predictions",
                split,
                each["answers"]["n"],
                each["answers"]["accuracy"]["value"],
                (each["answers"]["accuracy"]["low"], each["answers"]["accuracy"]["high"]),
                each["answers"]["weighted_f1"]["value"],
                questions=exam["fingerprint"],
            )
            for each in report["systems"]
            if each["answers"] is not None
        ]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{file} is no report of `score --json` as this version writes it; make it again"
        ) from error


def score_report(file: Path) -> dict[str, Any] | None:
    """The content of a score report; None where the file is something else."""
    if file.suffix.lower() != ".json":
        return None
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("schema") == SCHEMA else None


def entries_of_predictions(file: Path, exam: Exam, split: str) -> list[LeaderboardEntry]:
    """The systems of a prediction file, scored on `exam`; a question without an answer counts as wrong."""
    from cmexam_baseline.baselines.split_scores import answer_scores
    from cmexam_baseline.scoring.alignment import align
    from cmexam_baseline.scoring.outputs import read_outputs

    aligned = [align(exam, output) for output in read_outputs(file, exam)]
    return [
        _entry(each.name, "predictions", split, answer_scores(exam, each.answers), exam.fingerprint())
        for each in aligned
        if each.has_answers
    ]


def entries_of_dummies(exam: Exam, train: Exam | None, split: str) -> list[LeaderboardEntry]:
    """The dummy baselines on `exam`; those that learn from answers only with `train`."""
    from cmexam_baseline.baselines.split_scores import answer_scores
    from cmexam_baseline.features.dummy import DUMMY_BASELINES, MostFrequentLetter

    fitted = {
        name: kind().fit(exam if train is None else train)
        for name, kind in DUMMY_BASELINES.items()
        if train is not None or kind is not MostFrequentLetter
    }
    questions = exam.fingerprint()
    return [
        _entry(name, "dummy baseline", split, answer_scores(exam, rule.predict(exam).answers), questions)
        for name, rule in fitted.items()
    ]


def published_entries() -> list[LeaderboardEntry]:
    """The rows of the paper's Table 3 that have an accuracy."""
    return [_published(row, row.accuracy) for row in PUBLISHED_RESULTS if row.accuracy is not None]


def find_systems(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The run folders and the files among `paths` and, one level down, in folders among them.

    Raises `InputError` where a path is not there, or a folder holds neither.
    """
    from cmexam_baseline.exam.io.formats import FORMATS

    runs, files = [], []
    for path in paths:
        if is_run(path):
            runs.append(path)
        elif path.is_dir():
            inside = sorted(path.iterdir())
            runs_inside = [child for child in inside if is_run(child)]
            files_inside = [
                child
                for child in inside
                if child.is_file() and Path(child.name.removesuffix(".gz")).suffix.lower() in FORMATS
            ]
            if not runs_inside and not files_inside:
                raise InputError(f"{path} holds no run folder and no prediction file; give another")
            runs += runs_inside
            files += files_inside
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"{path} is not there; give a run folder, a prediction file or a folder of them")
    return runs, files


def ranked(entries: Sequence[LeaderboardEntry]) -> list[LeaderboardEntry]:
    """The best first; equal ones in the order given. Dummy baselines that several runs report occur once."""
    kept, seen = [], set()
    for each in entries:
        key = (each.system, each.questions)
        if each.kind != "dummy baseline" or key not in seen:
            kept.append(each)
        if each.kind == "dummy baseline":
            seen.add(key)
    return sorted(kept, key=lambda each: -each.accuracy)


def with_sizes(entries: Sequence[LeaderboardEntry], sizes: Mapping[str, float]) -> list[LeaderboardEntry]:
    """The entries with these numbers of parameters by system; `InputError` for a name that is not there."""
    unknown = sizes.keys() - {each.system for each in entries}
    if unknown:
        there = ", ".join(dict.fromkeys(each.system for each in entries if each.kind != "published"))
        raise InputError(f"`sizes={min(unknown)}`: no such system; there are {there}")
    return [replace(each, size=sizes.get(each.system, each.size)) for each in entries]


def _entry(
    system: str, kind: str, split: str, figures: Mapping[str, Any], questions: str
) -> LeaderboardEntry:
    n, accuracy = int(figures["n"]), float(figures["accuracy"])
    low, high = metrics.wilson_interval(round(accuracy * n), n)
    return LeaderboardEntry(
        system, kind, split, n, accuracy, (low, high), figures.get("weighted_f1"), None, questions
    )


def _published(row: PublishedResult, figure: Figure) -> LeaderboardEntry:
    accuracy = figure.value / 100
    # What the paper prints after ± is the deviation between runs; the interval here is that of the questions.
    n = None if row.model == "Human volunteers" else PUBLISHED_TEST_QUESTIONS
    interval = None if n is None else metrics.wilson_interval(round(accuracy * n), n)
    f1 = None if row.weighted_f1 is None else row.weighted_f1.value / 100
    size = parse_size(row.size) if row.size else None
    return LeaderboardEntry(row.model, "published", row.split, n, accuracy, interval, f1, size)


def _answered(
    files: Sequence[Path], path: Path, train: Path | None, split: str | None, bad_rows: str
) -> list[LeaderboardEntry]:
    """The systems of prediction files and the dummy baselines on the exam at `path`."""
    if path.is_dir() and split is None:
        raise InputError(f"{path} is a folder; say which split the predictions answer with `split`")
    exam = load_exam(path, split if path.is_dir() else None, bad_rows).exam
    known = None if train is None else load_exam(train, "train" if train.is_dir() else None, bad_rows).exam
    name = split or split_of(stem_of(path)) or "test"
    systems = [each for file in files for each in entries_of_predictions(file, exam, name)]
    return systems + entries_of_dummies(exam, known, name)


def _parameters(config: Mapping[str, Any]) -> float | None:
    count = config.get("settings", {}).get("n_parameters")
    return float(count) if isinstance(count, int | float) and math.isfinite(count) and count > 0 else None
