"""Time and memory of `cmexam-baseline train` (LightGBM) against the number of training questions.

    python benchmarks/bench_training.py --data CMExam/data --sizes 10000 20000 30000
    python benchmarks/bench_training.py --data CMExam/data --generated 300000

Each size is a command of its own on a folder with that many training questions and the val file of DATA. Up to
the size of DATA they are its first questions. Generated ones are put together from it: the first half of one
stem and the second half of another, four or five options and an explanation of further questions, all drawn
evenly, so that words are as frequent as in DATA and hardly a question occurs twice.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cmexam_baseline.exam import Exam, Question, read_splits, write_exam

GIB = 2**20  # ru_maxrss counts KiB


def generated(exam: Exam, size: int, seed: int = 0) -> Exam:
    """`size` questions put together from parts of the questions of `exam`."""
    generator = random.Random(seed)

    def one(number: int) -> Question:
        first, second, third = (exam[generator.randrange(len(exam))] for _ in range(3))
        cut, other = len(first.question) // 2, len(second.question) // 2
        options = tuple(generator.choice(exam.option_texts) for _ in range(generator.choice((4, 5, 5, 5))))
        answer = "ABCDE"[generator.randrange(len(options))]
        stem = first.question[:cut] + second.question[other:] + str(number)
        return Question(f"generated-{number}", stem, options, answer, third.explanation)

    return Exam.from_questions(one(number) for number in range(size))


def measured(train: Exam, val: Path) -> tuple[float, float]:
    """Seconds and peak GiB of the whole command."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place, "data")
        data.mkdir()
        write_exam(train, data / "train.csv")
        shutil.copy(val, data / val.name)
        command = [sys.executable, "-m", "cmexam_baseline.cli", "train", "--data", str(data)]
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--out", str(Path(place, "run")), "--quiet", "--json"], stdout=2
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"training on {len(train)} questions ended with status {status}")
    return seconds, usage.ru_maxrss / GIB


def main() -> None:
    """Measure and print a Markdown row a size as it comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with train and val files")
    parser.add_argument("--sizes", type=int, nargs="*", default=[], help="numbers of real training questions")
    parser.add_argument("--generated", type=int, nargs="*", default=[], help="numbers of generated ones")
    arguments = parser.parse_args()
    train = read_splits(arguments.data)["train"]
    val = next(file for file in sorted(arguments.data.iterdir()) if file.stem == "val")
    print("| training questions | seconds | peak GiB |\n|---|---|---|")
    for kind, sizes in (("real", arguments.sizes), ("generated", arguments.generated)):
        for size in sizes:
            questions = train[:size] if kind == "real" else generated(train, size)
            seconds, gib = measured(questions, val)
            print(f"| {len(questions):,} {kind} | {seconds:.0f} | {gib:.2f} |", flush=True)


if __name__ == "__main__":
    main()
