"""Fuzzing of every reader: whatever the bytes, there is a result or an `InputError` of one line.

    pip install atheris                                     (libFuzzer for Python; not part of the test extra)
    python tests/faults/fuzz_readers.py exam.csv --seconds 120
    python tests/faults/fuzz_readers.py all --seconds 120   one target after the other

A target is a function of bytes; the one for CI feeds them the seeds and bytes near them (test_fuzz_readers.py).
atheris ends with a traceback and the bytes in a file crash-… where another exception comes out, where one
input takes more than 20 seconds, or where the process takes more than 2 GiB.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".xlsx", ".parquet", ".csv.gz")
SECONDS_AN_INPUT, MEGABYTES = 20, 2048


@cache
def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Where the files of this process lie until it ends."""
    return tempfile.TemporaryDirectory(prefix="fuzz-readers-", ignore_cleanup_errors=True)


def read_exam_bytes(ending: str, data: bytes) -> None:
    """As an exam in our own form, and as one of another set."""
    from cmexam_baseline.exam import import_exam, read_exam

    file = _scratch(f"exam{ending}", data)
    for read in (partial(read_exam, file, "skip", need_answers=False), partial(import_exam, file, "skip")):
        _one_line(read, file)


def read_prediction_bytes(ending: str, data: bytes) -> None:
    """As our own predictions, and as any script's outputs."""
    from cmexam_baseline.exam import read_predictions
    from cmexam_baseline.exam.sample import sample_exam
    from cmexam_baseline.scoring.outputs import read_outputs

    file = _scratch(f"predictions{ending}", data)
    for read in (partial(read_predictions, file), partial(read_outputs, file, sample_exam("val"))):
        _one_line(read, file)


def read_reply_bytes(data: bytes) -> None:
    """As a model's reply, with and without options out of the same bytes."""
    from cmexam_baseline.scoring import extract

    text = (
        data.decode("utf-8", "surrogatepass" if data[:1] < b"\x80" else "replace") if _is_text(data) else ""
    )
    options = [line or "甲" for line in text.split("\n")[:5]]
    for known in (None, options if len(options) > 1 else None):
        found = extract(text, known)
        if found.span is not None and not 0 <= found.span[0] < found.span[1] <= len(text):
            raise AssertionError(f"span {found.span} outside a text of {len(text)} characters")


def read_signature_bytes(data: bytes) -> None:
    """As the signature of a figure; metrics raise ValueError, with one line."""
    from cmexam_baseline.metrics import parse_signature

    with contextlib.suppress(ValueError):
        parse_signature(data.decode("utf-8", "replace"))


def read_run_bytes(data: bytes) -> None:
    """As the config.json of a run folder."""
    from cmexam_baseline.baselines.run_folder import load_run

    file = _scratch("config.json", data)
    _one_line(partial(load_run, file.parent), file.parent)


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{f"exam{ending}": partial(read_exam_bytes, ending) for ending in ENDINGS},
    **{f"predictions{ending}": partial(read_prediction_bytes, ending) for ending in ENDINGS},
    "reply": read_reply_bytes,
    "signature": read_signature_bytes,
    "run": read_run_bytes,
}


def seeds(target: str) -> list[bytes]:
    """Sound inputs of a target, from which fuzzing begins."""
    from cmexam_baseline.exam import Exam, Question, write_exam
    from cmexam_baseline.metrics import score_explanations

    if target == "reply":
        replies = (
            "答案：B\n解释：休克首选D",
            '{"answer": ["A", "C"]}',
            "<think>A</think>\\boxed{B}",
            "A. 甲\nB. 乙",
        )
        return [reply.encode() for reply in replies]
    if target == "signature":
        return [score_explanations(["甲乙"], ["甲丙"]).signature.encode()]
    if target == "run":
        from cmexam_baseline.baselines.run_folder import FORMAT, FORMAT_VERSION

        config = {"format": FORMAT, "format_version": FORMAT_VERSION, "model": "lightgbm", "settings": {}}
        return [json.dumps(config).encode()]
    kind, dot, ending = target.partition(".")
    file = _scratch(f"seed{dot}{ending}", b"")
    if kind == "exam" or ending in ("xlsx", "parquet"):
        questions = [
            Question(f"q{n}", f"题{n}，是？", ("甲", "乙", "丙"), "AB", "因为", {"难": "1"}) for n in range(3)
        ]
        write_exam(Exam.from_questions(questions), file)
        return [file.read_bytes()]
    import numpy as np

    from cmexam_baseline.exam import Predictions

    own = Predictions(["q0", "q1"], np.array([3, 0], dtype=np.uint8), explanations=["因为，", ""])
    written = file.with_name(f"predictions.{'csv' if ending in ('tsv', 'json') else ending}")
    own.write(written)
    return [written.read_bytes(), b'[{"id": "q0", "response": {"choices": [{"text": "B"}]}}]']


def _scratch(name: str, data: bytes) -> Path:
    file = Path(_scratch_folder().name, name)
    file.write_bytes(data)
    return file


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _one_line(read: Callable[[], object], file: Path) -> None:
    from cmexam_baseline.exam import InputError

    try:
        read()
    except InputError as error:
        message = str(error)
        if "\n" in message or str(file) not in message:
            raise AssertionError(f"not one line that names the file: {message!r}") from error


def _fuzz(target: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["cmexam_baseline"]), contextlib.redirect_stdout(io.StringIO()):
        for sound in seeds(target):
            TARGETS[target](sound)
    corpus = Path(_scratch_folder().name, "corpus")
    corpus.mkdir()
    for number, sound in enumerate(seeds(target)):
        (corpus / str(number)).write_bytes(sound)
    flags = [f"-max_total_time={seconds}", f"-timeout={SECONDS_AN_INPUT}", f"-rss_limit_mb={MEGABYTES}"]
    atheris.Setup(
        [sys.argv[0], *flags, "-max_len=20000", "-print_final_stats=1", str(corpus)], TARGETS[target]
    )
    atheris.Fuzz()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("target", choices=[*TARGETS, "all"])
    arguments.add_argument("--seconds", type=int, default=120)
    arguments.add_argument(
        "--here", action="store_true", help="in this process, which leaves its files behind"
    )
    chosen = arguments.parse_args()
    if chosen.here:
        _fuzz(chosen.target, chosen.seconds)
        return
    failed = [
        target for target in (TARGETS if chosen.target == "all" else [chosen.target])
        if _fuzz_apart(target, chosen.seconds)
    ]  # fmt: skip
    sys.exit(f"found something: {', '.join(failed)}" if failed else 0)


def _fuzz_apart(target: str, seconds: int) -> int:
    """Exit status of a process for one target; libFuzzer ends it before it could clear up."""
    with tempfile.TemporaryDirectory(prefix="fuzz-readers-") as folder:
        command = [sys.executable, __file__, target, "--seconds", str(seconds), "--here"]
        return subprocess.run(command, env={**os.environ, "TMPDIR": folder}).returncode


if __name__ == "__main__":
    main()
