"""The commands that are killed, what each may leave behind, and what must stand there in the end."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chat_server
import hostile_server
from tiny_encoders import characters_of, make_encoder, make_rule_exam, quick_options
from tiny_exam import tiny_exam

Seen = dict[str, str]

# Seconds and the like, which differ from run to run, and ensemble.json, which holds the SHA-256 of such files.
VOLATILE = {"timings.json", "encoder.json", "checksums.json", "ensemble.json"}


@dataclass(frozen=True)
class Trial:
    """A command, and what of its work a reader sees.

    ready:   makes what the command reads, once, in the folder of the trial
    command: the call in the place where its results go; gives the exit status
    old:     makes an older complete result in a place
    seen:    result -> what it holds, for the whole results in a place; half of one would be something else
    kept:    what may lie in the place between a kill and the next run, by the end of its name
    """

    name: str
    ready: Callable[[Path], None]
    command: Callable[[Path, Path], int]
    old: Callable[[Path, Path], object]
    seen: Callable[[Path], Seen]
    kept: tuple[str, ...] = (".unfinished",)


def cli(*arguments: object) -> int:
    """The exit status of a command line in this process."""
    from cmexam_baseline.cli.main import commands

    try:
        commands([str(argument) for argument in arguments], prog_name="cmexam-baseline")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def digest(path: Path) -> str:
    """What a file holds, or all files of a folder with their names; times and the like count as present."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    parts = []
    for file in files:
        if file.name in VOLATILE:
            json.loads(file.read_bytes())
        content = b"" if file.is_dir() or file.name in VOLATILE else file.read_bytes()
        parts.append(f"{file.relative_to(path.parent)} {hashlib.sha256(content).hexdigest()}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def seen(*names: str) -> Callable[[Path], Seen]:
    """The results of these names that are there."""
    return lambda place: {name: digest(place / name) for name in names if (place / name).exists()}


def write_data(folder: Path, make: Callable[[int], Any], rows: int = 40) -> None:
    """A folder with train, val and test."""
    from cmexam_baseline.exam import write_exam

    (folder / "data").mkdir()
    for seed, split in enumerate(("train", "val", "test")):
        write_exam(make(seed)[:rows], folder / "data" / f"{split}.csv")


def train_lightgbm(given: Path, place: Path, seed: int = 0) -> int:
    return cli("train", "--data", given / "data", "--out", place / "run", "--seed", seed, "--overwrite", "-q")


def ready_lightgbm(given: Path) -> None:
    write_data(given, tiny_exam)
    train_lightgbm(given, given)


def train_encoder(given: Path, place: Path, seed: int = 0) -> int:
    import torch

    torch.set_num_threads(1)
    small = ("--epochs", 2, "--batch-size", 8, "--lr", 0.003, "--evaluate-every", 3, "--checkpoint-every", 2)
    where = ("--data", given / "data", "--out", place / "run", "--model", given / "bert", "--overwrite", "-q")
    return cli("train", *where, "--seed", seed, "--device", "cpu", *small)


def ready_encoder(given: Path) -> None:
    write_data(given, lambda seed: make_rule_exam(32, seed))
    make_encoder(given / "bert")


def train_ensemble(given: Path, place: Path, seed: int = 0) -> int:
    import torch

    torch.set_num_threads(1)
    small = ("--head", "joint", "--folds", 2, "--checkpoint-every", 2, "--seed", seed)
    where = ("--data", given / "data", "--out", place / "run", "--encoder", given / "bert", "--overwrite")
    return cli("train", "--model", "ensemble", *where, *small, *quick_options(epochs=1, max_length=96))


def ready_ensemble(given: Path) -> None:
    write_data(given, tiny_exam)
    make_encoder(given / "bert", characters=characters_of(tiny_exam()))


def ready_encoder_run(given: Path) -> None:
    ready_encoder(given)
    train_encoder(given, given)


def predict(given: Path, place: Path, split: str = "test") -> int:
    return cli("predict", given / "run", given / "data" / f"{split}.csv", "-o", place / "out.jsonl", "-q")


def ready_score(given: Path) -> None:
    write_data(given, tiny_exam, 80)
    from cmexam_baseline.exam import read_exam

    for split in ("val", "test"):
        exam = read_exam(given / "data" / f"{split}.csv")
        lines = [
            {"id": question.id, "prediction": f"答案：{'ABCDE'[row % 4]}", "explanation": question.question}
            for row, question in enumerate(exam)
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (given / f"{split}.jsonl").write_text(text, encoding="utf-8")


def score(given: Path, place: Path, split: str = "test") -> int:
    results = ("--report", place / "report.html", "--save", place / "rows.csv")
    exam = given / "data" / f"{split}.csv"
    return cli("score", given / f"{split}.jsonl", "--exam", exam, *results, "--resamples", 100, "-q")


CONTENTS = {f"{name}.csv": (name.encode() + b",") * 30_000 for name in ("train", "val", "test")}


def slowly(handler: hostile_server.Handler, content: bytes) -> None:
    """As a good server does, in small pieces."""

    class Slow:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def write(self, data: bytes) -> None:
            for start in range(0, len(data), 1 << 14):
                self.stream.write(data[start : start + (1 << 14)])
                threading.Event().wait(0.004)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    slow: Any = Slow(handler.wfile)
    handler.wfile = slow
    hostile_server.well(handler, content)


def download(given: Path, place: Path) -> int:
    from cmexam_baseline.exam import download as published

    files: Any = tuple(
        published.PublishedFile(name[:-4], name, len(content), published.git_blob_id(content), 1)
        for name, content in CONTENTS.items()
    )
    published.PUBLISHED_FILES = files
    url = (given / "url").read_text()
    return cli("data", "download", "--to", place, "--from", url, "--overwrite", "-q")


def older_files(given: Path, place: Path) -> None:
    for name in CONTENTS:
        (place / name).write_bytes(b"older")


def ready_prompts(given: Path) -> None:
    write_data(given, tiny_exam)
    cli("prompts", "make", given / "data", "--split", "test", "-o", given / "prompts.jsonl", "-q")


def prompts_run(given: Path, place: Path) -> int:
    url = (given / "url").read_text()
    pace = ("--concurrency", 3, "--per-minute", 12_000)
    out = place / "replies.jsonl"
    return cli(
        "prompts", "run", given / "prompts.jsonl", "--base-url", url, "--model", "toy", "-o", out, "-q", *pace
    )


def seen_replies(place: Path) -> Seen:
    """The whole lines of the file; a torn last one is what the next run takes off."""
    if not (place / "replies.jsonl").exists():
        return {}
    lines = (place / "replies.jsonl").read_bytes().split(b"\n")[:-1]
    replies = [json.loads(line) for line in lines]
    answers = {reply["id"]: reply["response"] for reply in replies}
    if len(answers) < len(replies):
        raise AssertionError("a question was answered twice")
    return answers


def cache_words(given: Path, place: Path) -> int:
    from cmexam_baseline.metrics.segmentation.table_cache import table_of_files

    before = os.environ["CMEXAM_BASELINE_CACHE"]
    os.environ["CMEXAM_BASELINE_CACHE"] = str(place)
    try:
        table_of_files(None, given / "words.txt")
    finally:
        os.environ["CMEXAM_BASELINE_CACHE"] = before
    return 0


def ready_words(given: Path) -> None:
    (given / "words.txt").write_text("夜盲症的病因 9 n\n", encoding="utf-8")


def seen_tables(place: Path) -> Seen:
    return {path.name: digest(path) for path in place.glob("words-*.table")}


def cache_embeddings(given: Path, place: Path) -> int:
    """Vectors in parts of eight texts, so that there are several."""
    import torch

    from cmexam_baseline.encoders import embed_texts, embeddings
    from cmexam_baseline.exam import read_exam

    torch.set_num_threads(1)
    before, embeddings._PART = (os.environ["CMEXAM_BASELINE_CACHE"], embeddings._PART), 8
    os.environ["CMEXAM_BASELINE_CACHE"] = str(place)
    try:
        embed_texts(str(given / "bert"), read_exam(given / "data" / "train.csv").questions)
    finally:
        os.environ["CMEXAM_BASELINE_CACHE"], embeddings._PART = before
    return 0


def seen_vectors(place: Path) -> Seen:
    return {str(path.relative_to(place)): digest(path) for path in place.rglob("*.npz")}


def nothing(given: Path, place: Path) -> None:
    """There is no older result."""


def trials() -> list[Trial]:
    """Every command that writes."""
    return [
        Trial(
            "train (LightGBM)", ready_lightgbm, train_lightgbm, lambda given, place: train_lightgbm(given, place, 1),
            seen("run"), (".unfinished",),
        ),
        Trial(
            "train (encoder)", ready_encoder, train_encoder, lambda given, place: train_encoder(given, place, 1),
            seen("run"), (".unfinished", "run.checkpoints"),
        ),
        Trial(
            "train (ensemble)", ready_ensemble, train_ensemble, lambda given, place: train_ensemble(given, place, 1),
            seen("run"), (".unfinished", "run.checkpoints"),
        ),
        Trial(
            "predict", ready_lightgbm, predict, lambda given, place: predict(given, place, "val"), seen("out.jsonl")
        ),
        Trial(
            "predict (encoder)", ready_encoder_run, predict, lambda given, place: predict(given, place, "val"),
            seen("out.jsonl"),
        ),
        Trial(
            "score --report --save", ready_score, score, lambda given, place: score(given, place, "val"),
            seen("report.html", "rows.csv"),
        ),
        Trial("data download", lambda given: None, download, older_files, seen(*CONTENTS), (".unfinished", ".part")),
        Trial("prompts run", ready_prompts, prompts_run, nothing, seen_replies, ()),
        Trial("word table", ready_words, cache_words, nothing, seen_tables, ("",)),
        Trial("embeddings", ready_encoder, cache_embeddings, nothing, seen_vectors, ("",)),
    ]  # fmt: skip


def import_what_is_needed(names: list[str]) -> None:
    """Import what the commands import, in the process that is forked."""
    needed = ["lightgbm", "polars", "sklearn.feature_extraction.text"]
    needed += [f"cmexam_baseline.cli.{name}" for name in ("predict", "score", "score_tables")]
    needed += [
        f"cmexam_baseline.{name}"
        for name in (
            "baselines.pipeline",
            "features",
            "metrics.explanations",
            "scoring.report",
            "scoring.report_data",
            "scoring.scorer",
        )
    ]
    if any(name.endswith(("(encoder)", "(ensemble)")) or name == "embeddings" for name in names):
        needed.append("transformers.models.bert.modeling_bert")
        needed += [
            f"cmexam_baseline.{name}"
            for name in ("encoders.baseline", "encoders.embeddings", "baselines.ensemble")
        ]
    for name in needed:
        importlib.import_module(name)


@contextlib.contextmanager
def server(name: str, given: Path) -> Iterator[None]:
    """The server that a trial needs, if any; its address stands in the file `url`."""
    answer = chat_server.completion("答案：A\n解析：略。")
    servers: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "data download": lambda: hostile_server.serving(CONTENTS, slowly),
        "prompts run": lambda: chat_server.chatting(lambda chat, body, times: answer),
    }
    if name not in servers:
        yield
        return
    with servers[name]() as scene:
        (given / "url.new").write_text(scene.url)
        (given / "url.new").replace(given / "url")
        yield


@contextlib.contextmanager
def server_of_its_own(name: str, given: Path) -> Iterator[None]:
    """The same in another process, so that this one has no threads."""
    child = os.fork()
    if child == 0:
        with server(name, given):
            (given / "serving").touch()
            threading.Event().wait()
    try:
        while not (given / "serving").exists():
            threading.Event().wait(0.01)
        yield
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def copy(source: Path, target: Path) -> None:
    """Make `target` the same as `source`."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
