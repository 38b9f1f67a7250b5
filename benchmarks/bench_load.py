"""Large files through whole commands: a million rows scored, checked and predicted, 200 files compared.

    python benchmarks/bench_load.py --rows 100000              # prints the table
    python benchmarks/bench_load.py --rows 1000000 --only score check

Every command is a process of its own, timed from its start to its end; its peak memory is what the system
says of it when it has ended. The rows are put together from parts of the bundled sample: stems of about 50
characters, five options of about 8 (most of them different from all others), explanations of about 120, two
annotations. One prediction in three is wrong; predicted explanations share half of their parts with the
exam's.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

COMMAND = Path(sys.executable).with_name("cmexam-baseline")
COMPARED_FILES, COMPARED_ROWS = 200, 6811
QUESTION, OPTION, EXPLANATION = 50, 8, 120


class Parts:
    """Pieces of the sample's texts, and longer texts put together from them."""

    def __init__(self, seed: int) -> None:
        from cmexam_baseline.exam.sample import sample_exam

        exam = sample_exam("train")
        self.chance = random.Random(seed)
        self.stems = _clauses(exam.questions)
        self.explanations = _clauses(exam.explanations)
        self.options = sorted({text for text in exam.option_texts if text})

    def option(self) -> str:
        """About `OPTION` characters from two options."""
        first, second = self.chance.choice(self.options), self.chance.choice(self.options)
        return (first[: OPTION // 2] + second[: OPTION // 2]) + str(self.chance.randrange(10))

    def text(self, clauses: Sequence[str], length: int) -> list[str]:
        """Clauses of about `length` characters together."""
        chosen: list[str] = []
        while sum(map(len, chosen)) < length - 8:
            chosen.append(self.chance.choice(clauses))
        return chosen


def _clauses(texts: Sequence[str]) -> list[str]:
    return sorted({clause for text in texts for clause in re.findall(r"[^，。；\n]{4,30}[，。；]?", text)})


def write_exam_and_predictions(folder: Path, rows: int, seed: int = 0) -> tuple[Path, Path]:
    """An exam in the published form and a file of answers and explanations to it, row by row."""
    parts = Parts(seed)
    chance = parts.chance
    files = folder / "load.csv", folder / "predictions.csv"
    with (
        files[0].open("w", newline="", encoding="utf-8") as exam,
        files[1].open("w", newline="", encoding="utf-8") as predictions,
    ):
        to_exam, to_predictions = csv.writer(exam), csv.writer(predictions)
        to_exam.writerow(
            ["Question", "Options", "Answer", "Explanation", "Clinical Department", "Difficulty level"]
        )
        to_predictions.writerow(["id", "answer", "explanation"])
        for row in range(1, rows + 1):
            explanation = parts.text(parts.explanations, EXPLANATION)
            answer = "".join(sorted(chance.sample("ABCDE", 2))) if row % 30 == 0 else chance.choice("ABCDE")
            to_exam.writerow(
                [
                    "".join(parts.text(parts.stems, QUESTION)),
                    "\n".join(f"{letter} {parts.option()}" for letter in "ABCDE"),
                    answer,
                    "".join(explanation),
                    f"科室{chance.randrange(36)}",
                    str(1 + chance.randrange(5)),
                ]
            )
            predicted = answer if row % 3 else chance.choice("ABCDE")
            half = explanation[: len(explanation) // 2] + parts.text(parts.explanations, EXPLANATION // 2)
            to_predictions.writerow([f"load-{row}", predicted, "".join(half)])
    return files


def write_compared_files(folder: Path, exam: Path, files: int) -> list[Path]:
    """Files of answers to the exam, each right in another share of the questions."""
    chance = random.Random(0)
    with exam.open(newline="", encoding="utf-8") as stream:
        gold = [row["Answer"] for row in csv.DictReader(stream)]
    written = []
    for number in range(files):
        path = folder / f"system{number:03}.csv"
        right = 0.2 + 0.6 * number / files
        lines = [
            f"load-{row},{answer if chance.random() < right else chance.choice('ABCDE')}\n"
            for row, answer in enumerate(gold, 1)
        ]
        path.write_text("id,answer\n" + "".join(lines), encoding="utf-8")
        written.append(path)
    return written


class Cost(NamedTuple):
    """Of one process: seconds from start to end, seconds of the processor, and the highest megabytes."""

    seconds: float
    processor: float
    megabytes: float


def measured(*arguments: object) -> Cost:
    """What `cmexam-baseline` with these arguments takes."""
    start = time.perf_counter()
    process = subprocess.Popen([COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{arguments[0]} ended with status {process.returncode}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def score(folder: Path, rows: int) -> Cost:
    exam, predictions = write_exam_and_predictions(folder, rows)
    return measured("score", predictions, "--exam", exam, "--quiet")


def check(folder: Path, rows: int) -> Cost:
    exam, _ = write_exam_and_predictions(folder, rows)
    return measured("data", "check", exam)


def predict(folder: Path, rows: int) -> Cost:
    exam, _ = write_exam_and_predictions(folder, rows)
    measured("train", "--out", folder / "run", "--quiet")
    return measured("predict", folder / "run", exam, "-o", folder / "predicted.csv")


def compare(folder: Path, rows: int) -> Cost:
    exam, _ = write_exam_and_predictions(folder, rows)
    files = write_compared_files(folder, exam, COMPARED_FILES)
    return measured("compare", *files, "--exam", exam, "--quiet")


TASKS: dict[str, Callable[[Path, int], Cost]] = {
    "score": score,
    "check": check,
    "predict": predict,
    "compare": compare,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    arguments.add_argument("--folder", type=Path, help="where the files go while they are needed")
    chosen = arguments.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    print("| command | rows | seconds | processor | MB |\n|---|---:|---:|---:|---:|")
    for name in chosen.only:
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            rows = min(chosen.rows, COMPARED_ROWS) if name == "compare" else chosen.rows
            cost = TASKS[name](Path(folder), rows)
        cells = f"{cost.seconds:.1f} | {cost.processor:.1f} | {cost.megabytes:.0f}"
        print(f"| {name} | {rows:,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
