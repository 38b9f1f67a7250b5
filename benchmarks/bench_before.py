"""Processor time of commands and calls: an earlier commit and this one by turns.

    python benchmarks/bench_before.py 28c57e1 --data CMExam/data
    python benchmarks/bench_before.py 791ad0d --only help cut

Prints a row of benchmarks/speed.md for each. Commands are processes, timed with their start; of a call the best of
five in a process of its own. Both versions run with the same interpreter and the same installed packages.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_load import write_exam_and_predictions
from pairs import benchmark_pairs

PACKAGES = ("baselines", "cli", "encoders", "exam", "features", "metrics", "scoring")
COMMAND = (sys.executable, "-c", "from cmexam_baseline.cli.main import main; main()")
TURNS, PREDICTED = 7, 100_000
SHORT = {
    "help": ["--help"],
    "version": ["--version"],
    "unknown setting": ["train", "--set", "unknown=1"],
    "single size": ["curve", "--sizes", "100"],
    "empty folder": ["leaderboard", "empty"],
}
CALLS = {
    "score_explanations": "metrics.score_explanations(references, predictions)",
    "cut": "metrics.cut([*references, *predictions])",
}
LONG = ("train", "predict")
_CALL = """
import json, sys, time
from cmexam_baseline import metrics
references, predictions = json.load(open(sys.argv[1]))
seconds = []
for _ in range(6):
    start = time.process_time()
    {call}
    seconds.append(time.process_time() - start)
print(min(seconds[1:]))
"""


def earlier_version(revision: str, folder: Path) -> dict[str, str]:
    """The environment in which Python imports the package of a commit, which is put into `folder`."""
    package = folder / "earlier" / "cmexam_baseline"  # not where commands run, whence Python would import it
    package.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", revision, *PACKAGES], check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", package], input=archive.stdout, check=True)
    return {**caches(folder), "PYTHONPATH": str(package.parent)}


def caches(folder: Path) -> dict[str, str]:
    """The environment in which compiled modules are kept in `folder`."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "caches")}


def processor_seconds(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> float:
    """What a process takes from start to end, which may be an error of the user's."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    status = subprocess.run(command, env=environment, cwd=folder, **quiet).returncode
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status not in (0, 2):
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def seconds_of(name: str, environment: Mapping[str, str], folder: Path, data: Path | None, run: str) -> float:
    """One turn of a row; what it writes is new each time."""
    if name in CALLS:
        command = [sys.executable, "-c", _CALL.format(call=CALLS[name]), str(folder / "pairs.json")]
        return float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    if name == "train":
        arguments = ["train", *([] if data is None else ["--data", str(data)]), "-o", "run", "--overwrite"]
    elif name == "predict":
        if not (folder / run).exists():
            processor_seconds([*COMMAND, "train", "-o", run], environment, folder)
        arguments = ["predict", run, "load.csv", "-o", "predicted.csv", "--overwrite"]
    else:
        arguments = SHORT[name]
    return processor_seconds([*COMMAND, *arguments], environment, folder)


def main() -> None:
    """Measure, and print a Markdown row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*SHORT, *CALLS, *LONG]
    parser.add_argument("revision", help="the earlier commit")
    parser.add_argument("--data", type=Path, help="folder to train on (default: the bundled sample)")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        environments = {"now": caches(folder), "before": earlier_version(chosen.revision, folder)}
        (folder / "empty").mkdir()
        pairs = benchmark_pairs()
        (folder / "pairs.json").write_text(json.dumps([pairs.references, pairs.predictions]))
        if "predict" in chosen.only:
            write_exam_and_predictions(folder, PREDICTED)
        data = None if chosen.data is None else chosen.data.resolve()
        for name in chosen.only:
            best = dict.fromkeys(environments, float("inf"))
            # The first turn fills the caches.
            for turn in range(1 if name in LONG else TURNS + 1):
                for version, environment in environments.items():
                    seconds = seconds_of(name, environment, folder, data, f"run-{version}")
                    best[version] = min(best[version], seconds) if turn or name in LONG else best[version]
            before, now = best["before"], best["now"]
            print(
                f"| {name} | `{chosen.revision}` | {before:.3f} | {now:.3f} | {before / now:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
