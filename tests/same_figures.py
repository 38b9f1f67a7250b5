"""Do two installations give the same figures? For restructuring: run it with the old and the new one.

    python tests/same_figures.py OLD/bin/cmexam-baseline NEW/bin/cmexam-baseline [SHARED]

Trains LightGBM on the bundled sample exam with one seed, predicts, scores, compares and explains with both, and
with SHARED (a folder with data/cmexam and data/predictions) does the same on real data. Predictions must be equal
byte for byte, every number in the JSON that `score`, `compare` and `leaderboard` print must be equal; words may differ.
Exits with 1 and lists the differences where there are any.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What differs from run to run, or names a place.
VOLATILE = {"seconds", "path", "file", "run", "versions", "python"}


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every number in a JSON value, under the path of keys that leads to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in VOLATILE:
                yield from numbers(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from numbers(inner, f"{place}/{i}")
    elif isinstance(value, int | float):
        yield place, value


def run(command: str, folder: Path, *arguments: str) -> str:
    """Standard output of a command; its error where it fails, which must then be the same kind of failure."""
    done = subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else json.dumps({"exit code": done.returncode})


def figures(command: str, exam: Path, predictions: Path | None) -> dict[str, Any]:
    """Everything that one installation says of one exam folder, by name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found: dict[str, Any] = {}
        run(command, folder, "train", "--data", str(exam), "--seed", "1", "--out", "run", "--quiet")
        for file in sorted((folder / "run").glob("predictions_*.csv")):
            found[file.name] = file.read_bytes()
        found["scores.json"] = json.loads((folder / "run/scores.json").read_text("utf-8"))
        run(command, folder, "predict", "run", str(exam / "val.csv"), "-o", "again.csv")
        found["again.csv"] = (folder / "again.csv").read_bytes()
        val = str(exam / "val.csv")
        found["score"] = json.loads(run(command, folder, "score", "again.csv", val, "--json", "--quiet"))
        test = str(exam / "test_with_annotations.csv")
        found["score test"] = json.loads(
            run(command, folder, "score", "run/predictions_test.csv", test, "--json", "--quiet")
        )
        found["leaderboard"] = json.loads(run(command, folder, "leaderboard", "run", "--json"))
        if predictions is not None:
            files = [predictions / "val_letters_9_models.csv"]
            for file in files:
                arguments = (str(file), val, "--id-column", "row", "--json", "--quiet")
                found[file.name] = json.loads(run(command, folder, "score", *arguments))
                found[f"compare {file.name}"] = json.loads(run(command, folder, "compare", *arguments))
            for file in [predictions / "tcm_explanations.jsonl", *sorted(predictions.glob("free*/*.jsonl"))]:
                found[file.name] = json.loads(run(command, folder, "score", str(file), "--json", "--quiet"))
        return found


def main() -> int:
    """Compare, print, and say by the exit code whether all is equal."""
    old, new = (str(Path(command).absolute()) for command in sys.argv[1:3])
    sample = Path(__file__).resolve().parents[1] / "exam/sample"
    exams: list[tuple[Path, Path | None]] = [(sample, None)]
    if len(sys.argv) > 3:
        data = Path(sys.argv[3]).resolve() / "data"
        exams.append((data / "cmexam", data / "predictions"))
    differences = 0
    for exam, predictions in exams:
        before, after = (figures(command, exam, predictions) for command in (old, new))
        for name in before:
            if isinstance(before[name], bytes):
                pairs = [("bytes", before[name], after[name])] if before[name] != after[name] else []
            else:
                was, is_now = dict(numbers(before[name])), dict(numbers(after[name]))
                pairs = [(k, was.get(k), is_now.get(k)) for k in was | is_now if was.get(k) != is_now.get(k)]
            differences += len(pairs)
            count = len(before[name]) if isinstance(before[name], bytes) else len(dict(numbers(before[name])))
            print(f"{exam.name} {name}: {'same' if not pairs else 'DIFFERENT'} ({count:,} bytes or numbers)")
            for key, was_value, now_value in pairs[:10]:
                if key != "bytes":
                    print(f"    {key}: {was_value} -> {now_value}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
