"""Parquet files with damaged bytes, thousands of them: which end the process that reads them, and what we say then.

    python tests/faults/damage_parquet.py --files 3000       of each compression; the same for the same --seed

One process reads them, one after the other, as the process that `read_parquet` starts would; where it ends, the
file is read by `read_parquet`, which must end in one line, and another process goes on. Ends with a line for each
compression, and with exit code 1 where anything was different.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys

COMPRESSIONS = ("zstd", "snappy", "lz4", "gzip", "uncompressed")
ROWS = 200
NAME = "damaged.parquet"


def sound(compression: str) -> bytes:
    """A file with columns of several types."""
    import polars

    numbers = range(ROWS)
    columns = {
        "id": [f"q{number}" for number in numbers],
        "Question": [f"题{number * number}，是？" for number in numbers],
        "Options": [["甲", "乙", "丙"]] * ROWS,
        "Answer": ["AB"] * ROWS,
        "number": list(numbers),
        "truth": [None, True] * (ROWS // 2),
    }
    file = io.BytesIO()
    polars.DataFrame(columns).write_parquet(file, compression=compression, statistics=False)
    return file.getvalue()


def damaged(data: bytes, number: int) -> bytes:
    """One to four bytes replaced; the same for the same number."""
    chance = random.Random(number)
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        changed[chance.randrange(len(data))] = chance.choice([0, 255, 128, 127, chance.randrange(256)])
    return bytes(changed)


def read_all(compression: str, first: int, beyond: int) -> None:
    """Print each number before its file is read, and "sound" or "refused" after."""
    from cmexam_baseline.exam.io import parquet_process

    parquet_process.limit(600)
    data = sound(compression)
    for number in range(first, beyond):
        os.write(1, f"\n{number} ".encode())
        lines = list(parquet_process.lines(io.BytesIO(damaged(data, number)), NAME))
        os.write(1, b"refused" if "refused" in lines[-1] else b"sound")


def try_out(compression: str, first: int, beyond: int) -> tuple[str, bool]:
    """A line that says what came of so many files, and whether it was as it should be."""
    counts = {"sound": 0, "refused": 0, "ended the process": 0}
    well, place = True, first
    while place < beyond:
        command = [sys.executable, __file__, "--read", compression, str(place), str(beyond)]
        done = subprocess.run(command, capture_output=True, text=True)
        for line in done.stdout.split("\n")[1:]:
            number, result = line.split(" ")
            counts[result or "ended the process"] += 1
            place = int(number) + 1
        if done.returncode:
            said = what_is_said(damaged(sound(compression), place - 1))
            well = well and done.returncode < 0 and said.startswith(NAME) and "\n" not in said
            print(f"  {compression} {place - 1}: status {done.returncode}: {said}", file=sys.stderr)
    return f"{compression}: {beyond - first:,} files, {counts}", well


def what_is_said(data: bytes) -> str:
    """The error of `read_parquet`."""
    from cmexam_baseline.exam import InputError
    from cmexam_baseline.exam.io.parquet_format import read_parquet
    from cmexam_baseline.exam.io.text_source import Source

    try:
        read_parquet(Source(NAME, data))
    except InputError as error:
        return str(error)
    return "it was read"


def main() -> None:
    """Parse the command line, try out, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--files", type=int, default=3000, help="of each compression")
    arguments.add_argument("--seed", type=int, default=0, help="number of the first file")
    arguments.add_argument(
        "--read", nargs=3, metavar=("COMPRESSION", "FIRST", "BEYOND"), help=argparse.SUPPRESS
    )
    chosen = arguments.parse_args()
    if chosen.read:
        read_all(chosen.read[0], int(chosen.read[1]), int(chosen.read[2]))
        return
    wrong = 0
    for compression in COMPRESSIONS:
        result, well = try_out(compression, chosen.seed, chosen.seed + chosen.files)
        print(result, flush=True)
        wrong += not well
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
