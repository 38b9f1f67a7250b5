"""The whole of `cmexam-baseline score` on a file as long as CMExam's test split, beside the official script.

    python benchmarks/bench_score.py                 # writes benchmarks/score.md
    python benchmarks/bench_score.py --check         # fails where a bound is not met
    python benchmarks/bench_score.py --before REV    # prints processor time beside that of an earlier commit

A process of its own each time: start, imports, reading both files, the profile `cmexam`, intervals, slices,
tables. Of the official script only what it computes from the same texts is timed, in this process, without
its own start, imports and reading. It takes minutes, so it is timed on every tenth pair; the time for all is
that by the cells of the tables that its longest common subsequence fills, where nearly all of it goes.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from bench_before import COMMAND, caches, earlier_version, processor_seconds
from official_scripts import official_scores
from pairs import N_PAIRS, BenchmarkPairs, benchmark_pairs

SECONDS, MEGABYTES, RATIO = 1.5, 300, 150
RUNS = 7
SAMPLED = 10
ANNOTATIONS = {
    "Disease Group": 27,
    "Clinical Department": 36,
    "Medical Discipline": 7,
    "Area of Competency": 4,
    "Difficulty level": 5,
}


def write_files(folder: Path, references: list[str], predictions: list[str]) -> tuple[Path, Path]:
    """An exam with these reference explanations and five annotations, and a file of answers and explanations."""
    import numpy as np

    from cmexam_baseline.exam import Exam, Predictions, write_exam
    from cmexam_baseline.exam.sample import sample_exam

    chance = random.Random(0)
    sample = sample_exam("train")
    places = [chance.randrange(len(sample)) for _ in references]
    texts = [option for place in places for option in sample.options(place)]
    exam = Exam(
        ids=[f"test-{row}" for row in range(1, len(references) + 1)],
        questions=[f"{sample.questions[place]}（第{row}题）" for row, place in enumerate(places)],
        option_texts=texts,
        option_offsets=np.array([0, *accumulate(len(sample.options(place)) for place in places)]),
        answers=sample.answers[places],
        explanations=references,
        annotations={
            name: [f"{name} {chance.randrange(count)}" for _ in references]
            for name, count in ANNOTATIONS.items()
        },
    )
    answers = exam.answers.copy()
    for row in range(0, len(exam), 3):
        answers[row] = 1 << chance.randrange(5 if exam.n_options[row] > 4 else 2)
    files = folder / "test_with_annotations.csv", folder / "predictions.csv"
    write_exam(exam, files[0])
    Predictions(exam.ids, answers, explanations=predictions).write(files[1])
    return files


def run(exam: Path, predictions: Path) -> tuple[float, float]:
    """Seconds and the highest megabytes of one process."""
    command = [Path(sys.executable).with_name("cmexam-baseline"), "score", predictions, "--exam", exam]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"score ended with status {status}")
    return seconds, usage.ru_maxrss / 1024


def before_and_after(revision: str, exam: Path, predictions: Path) -> str:
    """A row of processor times: the command of an earlier commit and of this one, by turns, the best of each."""
    command = [*COMMAND, "score", str(predictions), "--exam", str(exam)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        environments = {"before": earlier_version(revision, folder), "now": caches(folder)}
        best = dict.fromkeys(environments, float("inf"))
        for turn in range(RUNS + 1):  # the first turn fills the caches
            for name, environment in environments.items():
                seconds = processor_seconds(command, environment, folder)
                best[name] = min(best[name], seconds) if turn else best[name]
    before, now = best.values()
    return f"| `{revision}` | {1000 * before:.0f} | {1000 * now:.0f} | {before / now:.2f} |"


def official_seconds(pairs: BenchmarkPairs) -> float:
    """Seconds that the official script's figures of all pairs take, from those of every tenth."""
    references, predictions = pairs.references[::SAMPLED], pairs.predictions[::SAMPLED]
    start = time.perf_counter()
    official_scores(references, predictions)
    seconds = time.perf_counter() - start
    return seconds * cells(pairs.references, pairs.predictions) / cells(references, predictions)


def cells(references: Sequence[str], predictions: Sequence[str]) -> int:
    return sum(len(a) * len(b) for a, b in zip(references, predictions, strict=True))


def table(pairs: BenchmarkPairs, runs: list[tuple[float, float]], official: float) -> str:
    seconds = [each[0] for each in runs]
    best, middle, megabytes = min(seconds), statistics.median(seconds), max(each[1] for each in runs)
    return f"""# The whole of `score`

{len(pairs.references):,} questions with five annotations, answers and explanations ({pairs.n_characters / 1e6:.1f} M characters:
{pairs.source}), profile `cmexam`, intervals from 1,000 resamples, slices by everything. {RUNS} processes, each
from its start to its end; {platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores.

| | seconds | MB | bound |
|---|---:|---:|---|
| `cmexam-baseline score`, best | {best:.2f} | {megabytes:.0f} | {SECONDS} s, {MEGABYTES} MB |
| median | {middle:.2f} | | |
| the official script's BLEU and ROUGE alone, from every tenth pair | {official:.0f} | | |
| times as fast (median) | {official / middle:.0f} | | {RATIO} |

Written by `python benchmarks/bench_score.py`.
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="fail where a bound is not met")
    arguments.add_argument("--before", metavar="REV", help="print processor time beside that of a commit")
    chosen = arguments.parse_args()
    check = chosen.check
    pairs = benchmark_pairs(N_PAIRS)
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), pairs.references, pairs.predictions)
        if chosen.before:
            print(before_and_after(chosen.before, *files))
            return
        runs = [run(*files) for _ in range(RUNS)]
    official = official_seconds(pairs)
    text = table(pairs, runs, official)
    print(text)
    if not check:
        page = Path(__file__).with_name("score.md")
        _, heading, kept = page.read_text("utf-8").partition("\n## ")
        page.write_text(text + heading + kept, "utf-8")
        return
    seconds = statistics.median(each[0] for each in runs)
    shortfalls = [
        (seconds > SECONDS, f"{seconds:.2f} s, must be {SECONDS}"),
        (max(each[1] for each in runs) > MEGABYTES, f"more than {MEGABYTES} MB"),
        (official / seconds < RATIO, f"{official / seconds:.0f} times as fast, must be {RATIO}"),
    ]
    if any(short for short, _ in shortfalls):
        sys.exit("; ".join(said for short, said in shortfalls if short))


if __name__ == "__main__":
    main()
