"""kill -9 for every command that writes, at random moments and before every file operation.

    python tests/faults/kill.py                      100 random moments each, and every operation
    python tests/faults/kill.py --times 5 --operations 5 --pairs 2 --only predict

After each kill a reader must see the old complete result or the new one. After every few kills the command
is run again; then the new result must stand there, the same as without kills, and nothing else beside it.
Then two of the command run in one place at the same time.
Ends with a table, and with exit code 1 where anything was different.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

import argparse
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import fault_trials
from fault_trials import Trial
from killing import attempt, both_at_once, count_operations

RUN_AGAIN_AFTER = 4


@dataclass
class Tally:
    """What was done to one command and what came of it."""

    name: str
    moments: int = 0
    operations: int = 0
    of_operations: int = 0
    nothing: int = 0
    old: int = 0
    new: int = 0
    some: int = 0
    runs_again: int = 0
    pairs: int = 0
    wrong: list[str] = field(default_factory=list)

    def row(self) -> str:
        """A line of the table."""
        cells = (
            self.name, self.moments, f"{self.operations} of {self.of_operations}", self.nothing, self.old,
            self.some, self.new, self.runs_again, self.pairs, len(self.wrong),
        )  # fmt: skip
        return f"| {' | '.join(map(str, cells))} |"


HEAD = (
    "| command | kills at random moments | kills before a file operation | afterwards nothing | the old result "
    "| some files old, some new, each whole | the new result | runs again, all well | two at once | wrong |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def try_out(
    trial: Trial,
    folder: Path,
    times: int,
    most_operations: int,
    pairs: int,
    most_seconds: float,
    chance: random.Random,
) -> Tally:
    """Kill a command again and again."""
    tally = Tally(trial.name)
    given, place, old, said = folder / "given", folder / "place", folder / "old", folder / "said"

    def command() -> int:
        return trial.command(given, place)

    def fresh(with_old: bool) -> None:
        fault_trials.copy(old if with_old else folder / "empty", place)

    (folder / "empty").mkdir()
    place.mkdir()
    if attempt(lambda: trial.ready(given) or 0, said).status:
        raise RuntimeError(said.read_text())
    if attempt(lambda: int(trial.old(given, place) or 0), said).status:
        raise RuntimeError(said.read_text())
    fault_trials.copy(place, old)
    before = trial.seen(place)
    fresh(with_old=True)
    tally.of_operations = count_operations(command, said)
    after, names = trial.seen(place), _names_in(trial, place)
    fresh(with_old=False)
    seconds = attempt(command, said).seconds
    if trial.seen(place) != after:
        raise RuntimeError(f"{trial.name} does not give the same twice")

    operations = chance.sample(range(1, tally.of_operations + 1), min(most_operations, tally.of_operations))
    number = 0
    until = time.monotonic() + most_seconds
    while tally.moments < times or operations or number % RUN_AGAIN_AFTER:
        if time.monotonic() > until and number % RUN_AGAIN_AFTER == 0:
            break
        kill = _next_kill(seconds, operations if tally.moments >= times else [], chance)
        if "operation" in kill or number % RUN_AGAIN_AFTER == 0:
            fresh(with_old="operation" in kill or number // RUN_AGAIN_AFTER % 2 == 0)
        done = attempt(command, said, **kill)
        what = f"{trial.name}, {kill}"
        if not done.killed and done.status != 0:
            tally.wrong.append(f"{what}: ended with {done.status}: {done.said[-500:]}")
        if done.killed:
            tally.moments += "after" in kill
            tally.operations += "operation" in kill
            _judge(trial, place, before, after, tally, what)
        if number % RUN_AGAIN_AFTER == RUN_AGAIN_AFTER - 1:
            again = attempt(command, said)
            left = _names_in(trial, place)
            if again.status or trial.seen(place) != after or left != names:
                tally.wrong.append(f"{what}, run again: {again.status}, {left}: {again.said[-500:]}")
            tally.runs_again += 1
        number += 1
    for _ in range(pairs):
        fresh(with_old=bool(tally.pairs % 2))
        pause = chance.uniform(0, seconds)
        done = attempt(partial(both_at_once, command, pause), said)
        left = _names_in(trial, place)
        if done.status or trial.seen(place) != after or left != names:
            tally.wrong.append(
                f"two at once, {pause:.3f} s apart: {done.status}, {left}: {done.said[-1500:]}"
            )
        tally.pairs += 1
    return tally


def _names_in(trial: Trial, place: Path) -> list[str]:
    names = sorted(path.name for path in place.iterdir())
    # Half a word table is removed when it is a minute old.
    return [name for name in names if not name.startswith(".")] if trial.name == "word table" else names


def _next_kill(seconds: float, operations: list[int], chance: random.Random) -> dict[str, float]:
    """Before one of the operations while there are any, else at a moment of the command's time."""
    return {"operation": operations.pop()} if operations else {"after": chance.uniform(0, seconds)}


def _judge(
    trial: Trial, place: Path, before: dict[str, str], after: dict[str, str], tally: Tally, what: str
) -> None:
    try:
        found = trial.seen(place)
    except Exception as error:
        tally.wrong.append(f"{what}: cannot be read: {error!r}")
        return
    allowed = {name: {before.get(name), after.get(name)} for name in before.keys() | after.keys()}
    half = [name for name, content in found.items() if content not in allowed.get(name, ())]
    stray = [
        path.name
        for path in place.iterdir()
        if path.name not in _names_of(before, after) and not path.name.endswith(trial.kept)
        and path.name != "replies.jsonl"
    ]  # fmt: skip
    if half or stray:
        tally.wrong.append(f"{what}: {half} are neither old nor new, {stray} lie beside")
    elif not found:
        tally.nothing += 1
    elif found == after:
        tally.new += 1
    elif found == before:
        tally.old += 1
    else:
        tally.some += 1


def _names_of(*results: dict[str, str]) -> set[str]:
    return set().union(*results)


def main() -> None:
    """Parse the command line, try out, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=100, help="kills of each command at random moments")
    parser.add_argument("--operations", type=int, default=1000, help="kills before a file operation, at most")
    parser.add_argument("--pairs", type=int, default=20, help="how often two run in one place at once")
    parser.add_argument(
        "--seconds", type=float, default=3600, help="no more kills of a command after so long"
    )
    names = [trial.name for trial in fault_trials.trials()]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help="; ".join(names))
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    trials = [trial for trial in fault_trials.trials() if not chosen.only or trial.name in chosen.only]
    tallies = []
    with tempfile.TemporaryDirectory(prefix="cmexam-faults-") as root:
        fault_trials.import_what_is_needed([trial.name for trial in trials])
        os.environ["CMEXAM_BASELINE_CACHE"] = str(Path(root, "cache"))
        for trial in trials:
            started = time.monotonic()
            folder = Path(root, trial.name.replace(" ", "-"))
            (folder / "given").mkdir(parents=True)
            with fault_trials.server_of_its_own(trial.name, folder / "given"):
                chance = random.Random(chosen.seed)
                tally = try_out(
                    trial, folder, chosen.times, chosen.operations, chosen.pairs, chosen.seconds, chance
                )
            tallies.append(tally)
            print(f"{tally.row()}  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(HEAD, *(tally.row() for tally in tallies), sep="\n")
    for tally in tallies:
        print(*tally.wrong, sep="\n", end="\n" if tally.wrong else "")
    sys.exit(any(tally.wrong for tally in tallies))


if __name__ == "__main__":
    main()
