"""The whole of `cmexam-baseline score` on a file as long as CMExam's test split, beside the official script.

    python benchmarks/bench_score.py            # writes benchmarks/score.md
    python benchmarks/bench_score.py --check    # fails where a bound is not met

A process of its own each time: start, imports, reading both files, the profile `cmexam`, intervals, slices,
tables. The official script's part is what it computes from the same texts, in this process, without its own
start, imports and reading; it takes minutes, so it is timed on every tenth pair and on those pairs alone.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

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
        option_offsets=[
            0,
            *__import__("itertools").accumulate(len(sample.options(place)) for place in places),
        ],
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
    _, status, usage = __import__("os").wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = status
    if status:
        raise SystemExit(f"score ended with status {status}")
    return seconds, usage.ru_maxrss / 1024
