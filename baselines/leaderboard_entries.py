"""What a leaderboard ranks: systems with their figures, from runs, score reports, predictions, the paper."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline import metrics
from cmexam_baseline.baselines.run_folder import Run
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.published import PUBLISHED_RESULTS, Figure, PublishedResult
from cmexam_baseline.scoring.report_data import SCHEMA

if TYPE_CHECKING:
    from cmexam_baseline.exam import Exam

# Questions of the published test split, for the interval of a published accuracy.
PUBLISHED_TEST_QUESTIONS = 6811
_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True)
class Standing:
    """One system on one split. Figures are fractions; None where they are not known.

    kind:      "run", "predictions", "free baseline" or "published"
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


def standings_of_run(folder: Path) -> list[Standing]:
    """The systems of a run folder: its model, and the baselines that cost nothing, on every split."""
    run = Run.open(folder)
    scores = _read_scores(folder / "scores.json")
    standings = []
    for split in ("val", "test"):
        if split in scores:
            questions = str(run.config.get("data", {}).get(split, {}).get("fingerprint", ""))
            model = _standing(folder.name, "run", split, scores[split], questions)
            standings.append(replace(model, size=_parameters(run.config)))
            for name, figures in scores.get("free_baselines", {}).items():
                if split in figures:
                    standings.append(_standing(name, "free baseline", split, figures[split], questions))
    return standings


def standings_of_report(file: Path) -> list[Standing]:
    """The systems of what `cmexam-baseline score --json` printed."""
    report = score_report(file) or {}
    try:
        exam = report["exam"]
        split = exam["split"] or "test"
        return [
            Standing(
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


def standings_of_predictions(file: Path, exam: Exam, split: str) -> list[Standing]:
    """The systems of a prediction file, scored on `exam`; a question without an answer counts as wrong."""
    from cmexam_baseline.baselines.split_scores import answer_scores
    from cmexam_baseline.scoring.alignment import align
    from cmexam_baseline.scoring.outputs import read_outputs

    aligned = [align(exam, output) for output in read_outputs(file)]
    return [
        _standing(each.name, "predictions", split, answer_scores(exam, each.answers), exam.fingerprint())
        for each in aligned
        if each.has_answers
    ]


def standings_of_free_baselines(exam: Exam, train: Exam | None, split: str) -> list[Standing]:
    """The baselines that cost nothing, on `exam`; those that learn from answers only with `train`."""
    from cmexam_baseline.baselines.split_scores import answer_scores
    from cmexam_baseline.features.dummy import DUMMY_BASELINES, MostFrequentLetter

    fitted = {
        name: kind() if train is None else kind().fit(train)
        for name, kind in DUMMY_BASELINES.items()
        if train is not None or kind is not MostFrequentLetter
    }
    questions = exam.fingerprint()
    return [
        _standing(name, "free baseline", split, answer_scores(exam, rule.predict(exam).answers), questions)
        for name, rule in fitted.items()
    ]


def published_standings() -> list[Standing]:
    """The rows of the paper's Table 3 that have an accuracy."""
    return [_published(row, row.accuracy) for row in PUBLISHED_RESULTS if row.accuracy is not None]


def find_systems(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The run folders and the files among `paths` and, one level down, in folders among them.

    Raises `InputError` where a path is not there, or a folder holds neither.
    """
    from cmexam_baseline.exam.io.formats import FORMATS

    runs, files = [], []
    for path in paths:
        if _is_run(path):
            runs.append(path)
        elif path.is_dir():
            inside = sorted(path.iterdir())
            runs_inside = [child for child in inside if _is_run(child)]
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


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """The best first; equal ones in the order given. Free baselines that several runs report stand once."""
    kept, seen = [], set()
    for each in standings:
        key = (each.system, each.questions)
        if each.kind != "free baseline" or key not in seen:
            kept.append(each)
        if each.kind == "free baseline":
            seen.add(key)
    return sorted(kept, key=lambda each: -each.accuracy)


def with_sizes(standings: Sequence[Standing], sizes: Mapping[str, float]) -> list[Standing]:
    """The standings with these numbers of parameters by system; `InputError` for a name that is not there."""
    unknown = sizes.keys() - {each.system for each in standings}
    if unknown:
        there = ", ".join(dict.fromkeys(each.system for each in standings if each.kind != "published"))
        raise InputError(f"--size {min(unknown)}=…: no such system; there are {there}")
    return [replace(each, size=sizes.get(each.system, each.size)) for each in standings]


def _standing(system: str, kind: str, split: str, figures: Mapping[str, Any], questions: str) -> Standing:
    n, accuracy = int(figures["n"]), float(figures["accuracy"])
    low, high = metrics.wilson_interval(round(accuracy * n), n)
    return Standing(
        system, kind, split, n, accuracy, (low, high), figures.get("weighted_f1"), None, questions
    )


def _published(row: PublishedResult, figure: Figure) -> Standing:
    accuracy = figure.value / 100
    # What the paper prints after ± is the deviation between runs; the interval here is that of the questions.
    n = None if row.model == "Human volunteers" else PUBLISHED_TEST_QUESTIONS
    interval = None if n is None else metrics.wilson_interval(round(accuracy * n), n)
    f1 = None if row.weighted_f1 is None else row.weighted_f1.value / 100
    size = parse_size(row.size) if row.size else None
    return Standing(row.model, "published", row.split, n, accuracy, interval, f1, size)


def _is_run(path: Path) -> bool:
    return (path / "config.json").is_file() and (path / "scores.json").is_file()


def _parameters(config: Mapping[str, Any]) -> float | None:
    count = config.get("settings", {}).get("n_parameters")
    return float(count) if isinstance(count, int | float) and math.isfinite(count) and count > 0 else None


def _read_scores(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        for split in ("val", "test"):
            if split in value:
                float(value[split]["accuracy"]), int(value[split]["n"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} cannot be read as the scores of a run ({error}); train it again") from error
    return dict(value)
